"""Views: filters of the list of tickets that somebody keeps."""

from typing import Any

from app.permissions import Permiso
from app.queries.desk import ticket_list
from app.queries.desk import views as queries
from app.routes.resource import Resource, register
from app.schemas.desk import views as schemas
from app.services.desk import views
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint

blp = Blueprint("vistas", __name__, description="Filtros de la lista de tiquets, guardados con un nombre.")


def listing(args: dict[str, Any]) -> dict[str, Any]:
    pagina = queries.page(current_actor(), args["limite"], cursors.read(args.get("cursor")))
    found = cursors.envelope(pagina, args["limite"])
    return found | {"data": [counted(vista) for vista in found["data"]]} if args["conteos"] else found


def counted(vista: dict[str, Any]) -> dict[str, Any]:
    """A view with how many tickets the list shows of it to whoever asks."""
    total = ticket_list.total(current_actor(), schemas.filters_of(vista["filtros"]))
    return vista | cursors.capped(total, "cantidad", "cantidad_exacta")


register(
    Resource(
        blp=blp,
        path="/vistas",
        name="vista",
        title="vistas",
        one="una vista",
        ver=Permiso.VER_VISTA,
        crear=Permiso.CREAR_VISTA,
        editar=Permiso.EDITAR_VISTA,
        eliminar=Permiso.EDITAR_VISTA,
        filtros=schemas.VistasArgs,
        pagina=schemas.VistasPaginaSchema,
        schema=schemas.VistaSchema,
        create_args=schemas.VistaCreateArgs,
        update_args=schemas.VistaUpdateArgs,
        example={
            "nombre": "Mis urgentes",
            "compartida": True,
            "filtros": {"id_usuario_asignado": "yo", "id_prioridad": [3, 4], "orden": "-prioridad"},
        },
        change_example={"nombre": "Mis tiquets urgentes"},
        missing="vista_no_encontrada",
        used=(),
        list_note="Las propias y las compartidas, por nombre. `yo` es siempre quien pregunta.",
        erase_note="Quien la guardó o, si está compartida, un Administrador.",
        list=listing,
        get=lambda id: views.shown(current_actor(), id),
        create=lambda datos: views.create(current_actor(), datos),
        update=lambda id, cambios, version: views.update_view(current_actor(), id, cambios, version),
        erase=lambda id, version: views.erase(current_actor(), id, version),
        changed=lambda id: views.shown(current_actor(), id),
    )
)
