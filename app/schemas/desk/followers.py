"""Who follows a ticket."""

from marshmallow import fields

from app.schemas.fields import Entero, Out, Schema
from app.schemas.pages import PaginaArgs, pagina_de


class SeguidoresArgs(PaginaArgs):
    """Qué página de los seguidores."""


class SeguirArgs(Schema):
    """Quién va a seguir un tiquet."""

    id_usuario = Entero(metadata={"description": "Alguien del personal, activo; si falta, quien lo pide."})


class SeguidorSchema(Out):
    """Alguien del personal que recibe las novedades de un tiquet."""

    id_usuario = fields.Integer(required=True)
    nombre = fields.String(required=True)
    motivo = fields.String(
        required=True,
        metadata={"description": "Lo primero que le hizo seguirlo: `manual|creador|asignado|mencion`."},
    )
    fecha_creacion = fields.DateTime(required=True, metadata={"description": "Desde cuándo lo sigue."})


SeguidoresPaginaSchema = pagina_de(SeguidorSchema)
