"""Signing in."""

from marshmallow import Schema as Out
from marshmallow import fields

from app.schemas.fields import Clave, Correo, Schema


class LoginArgs(Schema):
    """Con qué se inicia sesión."""

    email = Correo(required=True, metadata={"description": "El correo de la cuenta."})
    password = Clave(required=True, metadata={"description": "La contraseña."})


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
