"""The second factor."""

from marshmallow import fields

from app.schemas.fields import Clave, Out, Schema, Texto


class ClaveActualArgs(Schema):
    """La contraseña actual."""

    password = Clave(required=True, metadata={"description": "La contraseña actual."})


class CodigoArgs(Schema):
    """Un código del segundo factor."""

    codigo = Texto(required=True, max=40, metadata={"description": "Seis cifras, las del momento."})


class DesafioArgs(Schema):
    """Con qué se termina de iniciar sesión."""

    desafio = Texto(required=True, max=1000, metadata={"description": "El que dio `/api/auth/login`."})
    codigo = Texto(
        required=True, max=40, metadata={"description": "Seis cifras, o un código de recuperación."}
    )


class SegundoFactorNuevoSchema(Out):
    """Un segundo factor por confirmar. Esto no se vuelve a mostrar."""

    secreto = fields.String(required=True, metadata={"description": "En base32, para teclearlo."})
    uri = fields.String(required=True, metadata={"description": "`otpauth://`, para un código QR."})
    codigos_recuperacion = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Cada uno vale una vez, en lugar de un código del teléfono."},
    )


class SegundoFactorSchema(Out):
    """Si el propio usuario tiene un segundo factor."""

    activo = fields.Boolean(required=True, metadata={"description": "Se pide al iniciar sesión."})
    pendiente = fields.Boolean(required=True, metadata={"description": "Empezado y sin confirmar."})
    codigos_restantes = fields.Integer(
        required=True, metadata={"description": "Códigos de recuperación sin usar."}
    )
