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
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(
        required=True, metadata={"description": "Segundos de vida del token de acceso."}
    )
    user = fields.Nested(UsuarioBreveSchema, required=True)
