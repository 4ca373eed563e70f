"""What operators and their machines ask: what this is, whether it runs, whether it is ready."""

from time import monotonic

from flask import Response, url_for

from app.errors import Unavailable
from app.permissions import Permiso
from app.queries import health, storage
from app.schemas.service import InicioSchema, ListoSchema, SaludSchema
from app.services import worker
from app.transaction import read
from app.utils.blueprint import Blueprint
from app.utils.etag import listed
from app.utils.load import metrics
from app.utils.load.patience import within

blp = Blueprint("service", __name__, description="El servicio: qué es y cómo está.")

PATIENCE = 2.0  # seconds; who balances the load asks often and waits little


@blp.get("/", permiso=Permiso.PUBLICO)
@blp.response(200, InicioSchema)
def index() -> Response:
    """Ver qué es este servicio"""
    document, page = url_for("documentos.openapi"), url_for("documentos.docs")
    return listed({"nombre": "SoportePlus", "documentacion": page, "openapi": document})


@blp.get("/health", permiso=Permiso.PUBLICO)
@blp.response(200, SaludSchema)
def alive() -> Response:
    """Saber si el proceso vive

    No pregunta a la base de datos.
    """
    return listed({"estado": "ok"})


@blp.get("/health/ready", permiso=Permiso.PUBLICO)
@blp.response(200, ListoSchema, unit=False)
@blp.problems("migraciones_pendientes", "almacenamiento_no_disponible")
def ready() -> Response:
    """Saber si puede atender

    Pregunta a la base de datos, mira que las migraciones estén aplicadas y que quede disco donde se
    escribe; si no, 503. Tarda a lo sumo dos segundos. También dice si hay un trabajador en
    marcha; que falte no es un fallo.
    """
    deadline = monotonic() + PATIENCE
    within(PATIENCE, storage.check)
    within(deadline - monotonic(), lambda: read(health.check_migrations, deadline))
    alive = within(deadline - monotonic(), lambda: read(worker.is_any_alive, deadline))
    return listed({"estado": "listo", "trabajador": alive})


@blp.get("/metrics", permiso=Permiso.PUBLICO)
@blp.response(200, {"type": "string"}, content_type="text/plain", unit=False)
@blp.problems("token_ausente", "token_invalido")
def measured() -> Response:
    """Leer las métricas

    En el formato de Prometheus. Solo desde la propia máquina o con `Authorization: Bearer <METRICS_TOKEN>`.
    También lo que espera a un trabajador, si la base de datos responde en dos segundos y
    tiene sus migraciones.
    """
    metrics.check_access()
    deadline = monotonic() + PATIENCE
    try:
        within(PATIENCE, lambda: read(health.check_migrations, deadline))
        found = within(deadline - monotonic(), lambda: read(worker.late, deadline))
    except Unavailable:
        found = None  # That it does not answer, or not to this code, is told, too.
    return Response(metrics.render(found), content_type=metrics.CONTENT_TYPE_LATEST)
