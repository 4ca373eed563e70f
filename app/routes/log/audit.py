"""The event log, and whether it is as it was written."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.queries.log import audit as queries
from app.schemas.log.audit import AuditoriaArgs, EventosPaginaSchema, VerificacionSchema, VerificarArgs
from app.services.log import sequencer
from app.services.log.chain import EN_UNA_PETICION, verify
from app.utils import cursors
from app.utils.blueprint import Blueprint
from app.utils.etag import listed

blp = Blueprint("audit", __name__, description="El registro de todo lo que pasó.")


@blp.get("", permiso=Permiso.VER_AUDITORIA)
@blp.arguments(AuditoriaArgs, location="query")
@blp.response(200, EventosPaginaSchema)
def list_events(args: dict[str, Any]) -> Response:
    """Listar los eventos

    Los más recientes primero. Con un filtro, y con fechas o sin ellas, cualquier página cuesta lo mismo.
    De varios, el primero de `id_entidad`, `id_tiquet`, `id_usuario`, `accion`, `entidad` y `tipo_actor`
    dice entre qué eventos se buscan los demás.
    """
    corte = cursors.read(args.get("cursor"))
    pagina = queries.page(args, args["orden"], args["limite"], corte)
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.get("/verificar", permiso=Permiso.VER_AUDITORIA)
@blp.arguments(VerificarArgs, location="query")
@blp.response(200, VerificacionSchema)
@blp.problems("eventos_purgados")
def verify_log(args: dict[str, Any]) -> Response:
    """Verificar el registro

    Antes se numera lo que esté sin numerar. Hasta 100 000 eventos por petición: `siguiente` dice por
    dónde seguir. Si alguien cortó el final y también la cabeza, solo lo descubre la orden
    `auditoria verificar --cabeza`.
    """
    sequencer.number_events(most=sequencer.EN_UNA_PETICION)
    return listed(verify(**args, most=EN_UNA_PETICION))
