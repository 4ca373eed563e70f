"""Mail that comes in, and what becomes of it."""

from marshmallow import fields, validate

from app.schemas.fields import Out

RESULTADOS = ("tiquet_creado", "comentario_agregado", "ignorado")
MOTIVOS = (
    *("rebote", "respuesta_automatica", "correo_masivo", "bucle", "demasiados_correos"),
    *("remitente_inactivo", "remitente_desconocido"),
)


class OmitidoSchema(Out):
    """Un archivo del correo que no se guardó."""

    nombre = fields.String(required=True)
    motivo = fields.String(required=True, metadata={"description": "El `codigo` de lo que lo impide."})


class RecibidoSchema(Out):
    """En qué quedó un correo."""

    resultado = fields.String(required=True, validate=validate.OneOf(RESULTADOS))
    motivo = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(MOTIVOS),
        metadata={"description": "Por qué se ignoró, si se ignoró."},
    )
    repetido = fields.Boolean(
        required=True, metadata={"description": "Ya había llegado: se responde lo de entonces."}
    )
    id_tiquet = fields.Integer(required=True, allow_none=True)
    numero = fields.String(required=True, allow_none=True)
    id_comentario = fields.Integer(required=True, allow_none=True)
    adjuntos = fields.Integer(required=True, metadata={"description": "Cuántos archivos se guardaron."})
    omitidos = fields.List(fields.Nested(OmitidoSchema), required=True)
