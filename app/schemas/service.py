"""What the service says of itself."""

from marshmallow import fields

from app.schemas.fields import Out


class InicioSchema(Out):
    """Qué es y dónde está su documentación."""

    nombre = fields.String(required=True)
    documentacion = fields.String(required=True)
    openapi = fields.String(required=True)


class SaludSchema(Out):
    """Cómo está."""

    estado = fields.String(required=True)


class ListoSchema(SaludSchema):
    """Si puede atender."""

    trabajador = fields.Boolean(
        required=True,
        metadata={"description": "Si hay un `flask worker` en marcha. Sin él no salen correos ni webhooks."},
    )
