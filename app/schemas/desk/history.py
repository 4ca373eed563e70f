"""What happened to a ticket."""

from marshmallow import fields

from app.schemas.fields import Opcion
from app.schemas.log.audit import CambioSchema, EventoSchema
from app.schemas.pages import PaginaArgs, pagina_de


class HistorialArgs(PaginaArgs):
    """Orden de un historial."""

    orden = Opcion(
        "fecha",
        "-fecha",
        load_default="fecha",
        metadata={"description": "El guion pone lo más reciente primero."},
    )


class CambioLegibleSchema(CambioSchema):
    """Un campo que cambió, con sus palabras: las de su nombre y, si son ids, las de lo que nombran."""

    etiqueta = fields.String(required=True)
    anterior_nombre = fields.String(required=True, allow_none=True)
    nuevo_nombre = fields.String(required=True, allow_none=True)


SOLO_ADMINISTRADOR = {"description": "Solo para un Administrador."}


class HechoSchema(EventoSchema):
    """Algo que le pasó a un tiquet."""

    cambios = fields.List(fields.Nested(CambioLegibleSchema), required=True)
    ip = fields.String(allow_none=True, metadata=SOLO_ADMINISTRADOR)
    hash_anterior = fields.String(allow_none=True, metadata=SOLO_ADMINISTRADOR)
    hash = fields.String(allow_none=True, metadata=SOLO_ADMINISTRADOR)


HistorialPaginaSchema = pagina_de(HechoSchema)
