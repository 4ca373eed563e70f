"""Signing in."""

from marshmallow import fields

from app.schemas.access.users import SECRETA
from app.schemas.fields import Clave, Correo, Out, Schema, Texto
from app.services.access.users import MIN_CLAVE


class LoginArgs(Schema):
    """Con qué se inicia sesión."""

    email = Correo(required=True, metadata={"description": "El correo de la cuenta."})
    password = Clave(required=True, metadata={"description": "La contraseña."})


class RecuperarArgs(Schema):
    """De qué cuenta se olvidó la contraseña."""

    email = Correo(required=True, metadata={"description": "El correo de la cuenta."})


class RecuperacionSchema(Out):
    """Que se tomó nota, sea o no de una cuenta el correo."""

    minutos = fields.Integer(
        required=True, metadata={"description": "Lo que vale el enlace desde que se envía.", "example": 15}
    )


class RestablecerArgs(Schema):
    """Lo que llegó por correo, y la contraseña nueva."""

    token = Texto(min=1, max=200, required=True, metadata={"description": "El del enlace; vale una vez."})
    password = Clave(min=MIN_CLAVE, required=True, metadata=SECRETA)


class UsuarioBreveSchema(Out):
    """Quién inició sesión."""

    id = fields.Integer(required=True)
    email = fields.String(required=True)
    nombre = fields.String(required=True)
    apellido = fields.String(required=True)
    tipo_usuario = fields.String(required=True)


class SesionSchema(Out):
    """Los tokens de una sesión y de quién es."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(
        metadata={"description": "Falta si va en la cookie (`JWT_REFRESH_COOKIE`)."}
    )
    csrf_token = fields.String(
        metadata={"description": "Con la cookie: lo que `/refresh` y `/logout` piden en `X-CSRF-TOKEN`."}
    )
    token_type = fields.String(required=True)
    expires_in = fields.Integer(
        required=True, metadata={"description": "Segundos de vida del token de acceso."}
    )
    user = fields.Nested(UsuarioBreveSchema, required=True)


class SesionAbiertaSchema(Out):
    """Una sesión abierta del propio usuario."""

    id = fields.String(required=True)
    agente = fields.String(
        required=True, allow_none=True, metadata={"description": "El programa, como se presentó."}
    )
    ip = fields.String(
        required=True, allow_none=True, metadata={"description": "Desde qué dirección se inició."}
    )
    fecha_creacion = fields.DateTime(required=True)
    ultimo_uso = fields.DateTime(required=True, metadata={"description": "Cuándo se renovó por última vez."})
    vence = fields.DateTime(required=True, metadata={"description": "Cuándo termina si no se renueva."})
    actual = fields.Boolean(
        required=True, metadata={"description": "Si es la sesión con la que se pregunta."}
    )
