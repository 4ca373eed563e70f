"""Customers and employees: the usual views of both."""

from typing import Any

from app.permissions import Permiso
from app.queries import people as queries
from app.routes import personal
from app.routes.resource import Resource, register
from app.schemas import people as schemas
from app.schemas.pages import pagina_de
from app.services import people
from app.services.versions import Precondicion
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint

clientes = Blueprint("clientes", __name__, description="Clientes: quienes piden ayuda desde fuera.")
empleados = Blueprint("empleados", __name__, description="Empleados: quienes piden ayuda desde dentro.")

EJEMPLO = {"nombre": "Lucía", "apellido": "Ñáñez", "email": "lucia@example.org", "telefono": "555 0102"}


def kind(blp: Blueprint, entidad: str, own: dict[str, Any], **classes: Any) -> Resource:
    """Customers or employees; ``own`` completes the example."""

    def listing(args: dict[str, Any]) -> dict[str, Any]:
        corte = cursors.read(args.get("cursor"))
        return cursors.envelope(queries.page(entidad, args, args["limite"], corte), args["limite"])

    def update(id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
        return people.update(current_actor(), entidad, id, cambios, precondicion)

    return Resource(
        blp=blp,
        path="",
        name=entidad,
        title=blp.name,
        one=f"un {entidad}",
        ver=Permiso.VER_PERSONA,
        crear=Permiso.EDITAR_PERSONA,
        editar=Permiso.EDITAR_PERSONA,
        eliminar=Permiso.ELIMINAR_PERSONA,
        example={**EJEMPLO, **own},
        change_example={"telefono": "555 0103"},
        missing=f"{entidad}_no_encontrado",
        kept=("persona_anonimizada",),
        list_note="Por nombre y apellido.",
        list=listing,
        get=lambda id: people.shown(entidad, id),
        create=lambda datos: people.create(current_actor(), entidad, datos),
        update=update,
        erase=lambda id, precondicion: people.erase(current_actor(), entidad, id, precondicion),
        changed=lambda id: people.shown(entidad, id),
        **classes,
    )


register(
    kind(
        clientes,
        "cliente",
        {"empresa": "Papelera del Norte"},
        filtros=schemas.ClientesArgs,
        pagina=pagina_de(schemas.ClienteSchema),
        schema=schemas.ClienteSchema,
        create_args=schemas.ClienteCreateArgs,
        update_args=schemas.ClienteUpdateArgs,
    )
)
register(
    kind(
        empleados,
        "empleado",
        {"codigo_empleado": "E-2041", "departamento": "Compras"},
        filtros=schemas.EmpleadosArgs,
        pagina=pagina_de(schemas.EmpleadoSchema),
        schema=schemas.EmpleadoSchema,
        create_args=schemas.EmpleadoCreateArgs,
        update_args=schemas.EmpleadoUpdateArgs,
    )
)
personal.register(clientes, "cliente", schemas.ClienteSchema)
personal.register(empleados, "empleado", schemas.EmpleadoSchema)
