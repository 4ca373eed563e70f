"""Service tokens."""

from marshmallow import fields

from app.permissions import ALCANCES
from app.schemas.fields import Instante, Lista, Opcion, Out, Schema, Texto
from app.schemas.pages import pagina_de

ALCANCE = Opcion(*ALCANCES)


class TokenCreateArgs(Schema):
    """Un token de servicio nuevo."""

    nombre = Texto(required=True, max=120, metadata={"description": "Para qué es, o qué programa lo usa."})
    alcances = Lista(
        ALCANCE,
        required=True,
        min=1,
        max=len(ALCANCES),
        metadata={"description": "Qué puede hacer, de lo que puede hacer su dueño."},
    )
    vence = Instante(
        allow_none=True,
        metadata={"description": "Hasta cuándo vale: un año si no se dice, y dos como mucho."},
    )


class TokenSchema(Out):
    """Un token de servicio del propio usuario, sin el secreto."""

    id = fields.Integer(required=True)
    id_usuario = fields.Integer(required=True, metadata={"description": "Su dueño."})
    nombre = fields.String(required=True)
    alcances = fields.List(fields.String(), required=True)
    fecha_creacion = fields.DateTime(required=True)
    vence = fields.DateTime(required=True)
    ultimo_uso = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Con un minuto de precisión."}
    )
    version = fields.Integer(required=True)


class TokenNuevoSchema(TokenSchema):
    """Un token de servicio recién creado, con su secreto."""

    token = fields.String(
        required=True,
        metadata={
            "description": "Lo que se envía en `Authorization: Bearer`. Solo se muestra aquí: guárdelo."
        },
    )


TokensPaginaSchema = pagina_de(TokenSchema)
