"""How tickets belong together."""

from marshmallow import fields

from app.schemas.desk.tickets import EstadoBreveSchema
from app.schemas.fields import Entero, Opcion, Out, Schema
from app.schemas.pages import BreveSchema, pagina_de


class RelacionCreateArgs(Schema):
    """Qué es otro tiquet para este."""

    tipo = Opcion(
        *("padre", "hijo", "duplicado_de", "relacionado"),
        required=True,
        metadata={"description": "Qué es el otro para este: `padre` lo contiene; `hijo` está dentro de él."},
    )
    id_tiquet = Entero(required=True, metadata={"description": "El otro tiquet."})


class FusionarArgs(Schema):
    """En qué tiquet sigue."""

    id_destino = Entero(required=True, metadata={"description": "El que queda; no puede estar cerrado."})


class TiquetBreveSchema(Out):
    """Un tiquet, nombrado en otro."""

    id = fields.Integer(required=True)
    numero = fields.String(required=True, metadata={"example": "SP-000123"})
    titulo = fields.String(required=True)
    estado = fields.Nested(EstadoBreveSchema, required=True)


class RelacionSchema(Out):
    """Qué es otro tiquet para este."""

    id = fields.Integer(required=True)
    tipo = fields.String(
        required=True,
        metadata={"enum": ["padre", "hijo", "duplicado_de", "duplicado_por", "relacionado"]},
    )
    id_tiquet = fields.Integer(required=True, metadata={"description": "El otro tiquet."})
    tiquet = fields.Nested(TiquetBreveSchema, required=True)
    autor = fields.Nested(BreveSchema, required=True)
    fecha_creacion = fields.DateTime(required=True)
    version = fields.Integer(required=True)


RelacionesPaginaSchema = pagina_de(RelacionSchema)
