"""Tickets and their figures."""

from typing import Any

from flask import Response, request, url_for

from app.errors import AppError
from app.permissions import Permiso
from app.queries.along import Along
from app.queries.desk import export, stats, ticket_list, ticket_search
from app.queries.desk import tickets as queries
from app.schemas.desk.tickets import (
    EJEMPLO,
    ExportarArgs,
    StatsSchema,
    TiquetArgs,
    TiquetCreateArgs,
    TiquetPaginaSchema,
    TiquetsArgs,
    TiquetSchema,
    TiquetUpdateArgs,
)
from app.schemas.fields import VacioArgs
from app.services.desk import tickets
from app.utils import cursors
from app.utils.access.identity import current_actor, presumed
from app.utils.blueprint import Blueprint
from app.utils.etag import if_match, listed, shown
from app.utils.files.exports import exported

# What the rules of the lifecycle refuse.
MOVING = (
    *("transicion_no_permitida", "cambios_incompatibles", "plazo_de_reapertura_vencido"),
    *("tiquet_fusionado", "tiquet_ya_asignado", "referencia_en_conflicto"),
)

ARCHIVO = {"type": "string", "format": "binary"}

blp = Blueprint("tickets", __name__, description="Tiquets y las cifras del tablero.")


def what_is_listed() -> Along | bool:
    if "q" in request.args:
        return False  # A search reads several things that must agree.
    try:
        args = blp.parameters(TiquetsArgs)
        corte = cursors.read(args.get("cursor"))
        asked = ticket_list.along_for(presumed(), args, args["orden"], args["limite"], corte)
    except AppError:  # The view says it, to who may know.
        return True
    return asked or True


def what_staff_sees(id: int) -> Along | bool:
    return queries.along_for_staff(id) if not request.args else False


@blp.get("/tickets", permiso=Permiso.VER_TIQUET, alone=what_is_listed)
@blp.arguments(TiquetsArgs, location="query")
@blp.response(200, TiquetPaginaSchema)
@blp.problems("permiso_denegado")
def list_tickets(args: dict[str, Any]) -> Response:
    """Listar tiquets

    Los más recientes primero, salvo que `orden` diga otra cosa. Cada página cuesta lo mismo. Con `q`, el
    `total` de una búsqueda con muchos resultados puede ser menor que el real: `total_exacto` es `false`.
    """
    corte = cursors.read(args.get("cursor"))
    pagina = ticket_search.page(current_actor(), args, args["orden"], args["limite"], corte)
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("/tickets", permiso=Permiso.CREAR_TIQUET)
@blp.simulable
@blp.arguments(TiquetCreateArgs, example=EJEMPLO)
@blp.response(201, TiquetSchema)
@blp.problems("ya_existe", "permiso_denegado", *MOVING)
def create_ticket(datos: dict[str, Any]) -> Response:
    """Abrir un tiquet

    Sin prioridad recibe la predeterminada. Sin persona asignada y en un estado del tipo `nuevo`, lo recibe
    quien diga la `asignacion` de su categoría, si hay alguien disponible. Un Solicitante dice el título, la
    descripción, el teléfono, el canal y con qué se clasifica, salvo la prioridad; es de su cliente o
    empleado.
    """
    actor = current_actor()
    id = tickets.create(actor, datos)
    return shown(tickets.shown(actor, id), status=201, location=url_for("tickets.get_ticket", id=id))


@blp.get("/tickets/<id:id>", permiso=Permiso.VER_TIQUET, alone=what_staff_sees)
@blp.arguments(TiquetArgs, location="query")
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems("tiquet_no_encontrado", "permiso_denegado", "estado_desconocido")
def get_ticket(args: dict[str, Any], id: int) -> Response:
    """Ver un tiquet

    Con `al`, como estaba en ese instante, según el registro: con su `version` de entonces y los nombres de
    ahora. Es para quien ve el historial. Si aún no estaba aquí, o estaba en la papelera, es 404, como
    entonces; si el registro no lo dice, porque se purgó o se borró, 410. `fecha_actualizacion` es la del
    último cambio anotado hasta entonces; `permisos` y `transiciones_permitidas` van vacíos: al pasado no se
    le hace nada.
    """
    return shown(tickets.shown(current_actor(), id, args.get("al")))


@blp.put("/tickets/<id:id>", permiso=Permiso.EDITAR_TIQUET)
@blp.simulable
@blp.arguments(TiquetUpdateArgs, example={"id_prioridad": 3})
@blp.response(200, TiquetSchema)
@blp.mergeable
@blp.problems("tiquet_no_encontrado", "version_obsoleta", "ya_existe", *MOVING)
def update_ticket(cambios: dict[str, Any], id: int) -> Response:
    """Cambiar un tiquet

    Cambia los campos que se envían y deja los demás como están. Mover el estado o la persona asignada
    sigue las reglas del ciclo de vida. Con `Prefer: merge` y un `If-Match` antiguo, lo que nadie más
    cambió desde entonces se cambia en la versión actual. Un Solicitante cambia el título, la descripción y
    el teléfono de lo que abrió, mientras no esté resuelto ni cerrado.
    """
    actor = current_actor()
    merged = tickets.update_ticket(actor, id, cambios, if_match())
    return shown(tickets.shown(actor, id), merged=merged)


@blp.patch("/tickets/<id:id>", permiso=Permiso.EDITAR_TIQUET)
@blp.simulable
@blp.arguments(TiquetUpdateArgs, example={"id_prioridad": 3})
@blp.response(200, TiquetSchema)
@blp.mergeable
@blp.problems("tiquet_no_encontrado", "version_obsoleta", "ya_existe", *MOVING)
def patch_ticket(cambios: dict[str, Any], id: int) -> Response:
    """Cambiar parte de un tiquet

    Lo mismo que PUT.
    """
    actor = current_actor()
    merged = tickets.update_ticket(actor, id, cambios, if_match())
    return shown(tickets.shown(actor, id), merged=merged)


@blp.delete("/tickets/<id:id>", permiso=Permiso.ELIMINAR_TIQUET)
@blp.simulable
@blp.response(204)
@blp.problems("tiquet_no_encontrado", "version_obsoleta")
def delete_ticket(id: int) -> Response:
    """Enviar un tiquet a la papelera"""
    tickets.discard(current_actor(), id, if_match())
    return Response(status=204)


@blp.post("/tickets/<id:id>/restaurar", permiso=Permiso.RESTAURAR_TIQUET)
@blp.simulable
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems("tiquet_no_encontrado", "no_esta_en_la_papelera")
def restore_ticket(_datos: dict[str, Any], id: int) -> Response:
    """Sacar un tiquet de la papelera

    Vuelve como estaba. La papelera se lista con `GET /api/tickets/tickets?papelera=true`.
    """
    actor = current_actor()
    return shown(tickets.shown(actor, tickets.restore(actor, id)))


@blp.get("/tickets/exportar", permiso=Permiso.EXPORTAR_TIQUET)
@blp.arguments(ExportarArgs, location="query")
@blp.response(200, ARCHIVO, content_type="*/*")
@blp.doc(**{"x-archivo": True})
@blp.problems("sin_espacio")
def export_tickets(args: dict[str, Any]) -> Response:
    """Exportar tiquets

    Todos los que cumplen los filtros, por id, como CSV, NDJSON (su última línea los cuenta) o XLSX (hasta
    100 000). Los que los cumplen de principio a fin están una vez.
    """
    return exported(export.tickets(current_actor(), args), args["formato"], args["bom"])


@blp.get("/dashboard/stats", permiso=Permiso.VER_TIQUET)
@blp.response(200, StatsSchema)
def dashboard_stats() -> Response:
    """Ver las cifras del tablero

    `por_dia` cubre los últimos 30 días, en UTC.
    """
    return listed(stats.dashboard(current_actor()))
