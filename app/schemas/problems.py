"""The form of every error, for the document."""

from marshmallow import INCLUDE, fields

from app.schemas.fields import Out


class FallaSchema(Out):
    """Por qué no se admite un campo."""

    codigo = fields.String(required=True)
    mensaje = fields.String(required=True)


class ProblemaSchema(Out):
    """Un error (RFC 9457); algunos códigos añaden miembros propios."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    codigo = fields.String(required=True, metadata={"description": "Estable; es lo que un programa compara."})
    id_solicitud = fields.String(required=True, allow_none=True)
    errores = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(FallaSchema)))
