"""Personal data: all that is stored of somebody, and erasing it."""

from marshmallow import fields

from app.schemas.fields import Out, Schema, Texto


class AnonimizarArgs(Schema):
    """De quién se borran los datos, dicho otra vez."""

    confirmar = Texto(
        max=254,
        required=True,
        metadata={"description": "Su correo o, si no lo tiene, su nombre y apellido."},
    )


class DatosSchema(Out):
    """Todo lo guardado de una persona, también lo que otros escribieron en sus tiquets; ningún secreto."""

    generado = fields.DateTime(required=True)
    entidad = fields.String(required=True, metadata={"enum": ["cliente", "empleado"]})
    persona = fields.Dict(required=True, metadata={"description": "Como en su propia dirección."})
    usuarios = fields.List(fields.Dict, required=True, metadata={"description": "Con los que entra."})
    identidades = fields.List(
        fields.Dict, required=True, metadata={"description": "Quiénes son para el emisor de OpenID Connect."}
    )
    sesiones = fields.List(
        fields.Dict, required=True, metadata={"description": "Con la dirección y el programa de cada una."}
    )
    tokens = fields.List(fields.Dict, required=True, metadata={"description": "Sus tokens de servicio."})
    vistas = fields.List(fields.Dict, required=True, metadata={"description": "Las que guardó."})
    seguimientos = fields.List(fields.Dict, required=True, metadata={"description": "Lo que sigue."})
    tiquets = fields.List(
        fields.Dict,
        required=True,
        metadata={"description": "Los que pidió, como están guardados; también los de la papelera."},
    )
    comentarios = fields.List(
        fields.Dict,
        required=True,
        metadata={"description": "Los de sus tiquets, internos también, y los que escribió en otros."},
    )
    adjuntos = fields.List(
        fields.Dict,
        required=True,
        metadata={"description": "Igual; cada archivo se descarga de su `contenido`."},
    )
    correos = fields.List(
        fields.Dict,
        required=True,
        metadata={"description": "Los enviados y los que esperan: cuándo, de qué clase y cómo fue."},
    )
    eventos = fields.List(
        fields.Dict,
        required=True,
        metadata={"description": "Lo que el registro dice de todo eso, y lo que hizo."},
    )
