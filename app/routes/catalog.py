"""The six catalogs: the usual views of each, and all of them at once."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.queries import catalog as queries
from app.routes.resource import Resource, register
from app.schemas.catalog import ARGS, FILTROS, PAGINAS, SCHEMAS, CatalogosSchema
from app.services import catalog
from app.services.versions import Precondicion
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import shown

blp = Blueprint("catalog", __name__, description="Catálogos: con qué se clasifica un tiquet.")

# What a row of each catalog is called in sentences, and an example of one.
FILAS: dict[str, tuple[str, dict[str, Any]]] = {
    "categorias": ("una categoría", {"nombre": "Nube", "unidad_corresponde": "Infraestructura"}),
    "estados": ("un estado", {"nombre": "En espera de repuesto", "tipo": "en_espera", "color": "#7C3AED"}),
    "criticidades": ("una criticidad", {"nombre": "Catastrófica", "nivel": 5}),
    "prioridades": ("una prioridad", {"nombre": "Inmediata", "nivel": 5}),
    "ubicaciones": ("una ubicación", {"nombre": "Sede central, sótano", "id_padre": 1}),
    "problemas": ("un problema frecuente", {"nombre": "Pantalla rota", "id_categoria": 1}),
}


def kind(name: str) -> Resource:
    one, example = FILAS[name]
    create_args, update_args = ARGS[name]

    def listing(args: dict[str, Any]) -> dict[str, Any]:
        return cursors.whole(queries.listing(current_actor(), name, args))

    def update(id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
        return catalog.update_row(current_actor(), name, id, cambios, precondicion)

    return Resource(
        blp=blp,
        path=f"/{name}",
        name=name,
        title=name.replace("categorias", "categorías"),
        one=one,
        ver=Permiso.VER_CATALOGO,
        crear=Permiso.ADMINISTRAR_CATALOGO,
        editar=Permiso.ADMINISTRAR_CATALOGO,
        eliminar=Permiso.ADMINISTRAR_CATALOGO,
        filtros=FILTROS[name],
        pagina=PAGINAS[name],
        schema=SCHEMAS[name],
        create_args=create_args,
        update_args=update_args,
        example=example,
        change_example={"orden": 15},
        missing="fila_no_encontrada",
        kept=("fila_predeterminada", "ultimo_de_su_tipo"),
        list_note="Entero y en su orden. El personal ve también lo inactivo, si no pide otra cosa.",
        list=listing,
        get=lambda id: catalog.shown(current_actor(), name, id),
        create=lambda datos: catalog.create(current_actor(), name, datos),
        update=update,
        erase=lambda id, precondicion: catalog.erase(current_actor(), name, id, precondicion),
        changed=lambda id: catalog.changed(name, id),
    )


for _name in SCHEMAS:
    register(kind(_name))


@blp.get("/catalogos", permiso=Permiso.VER_CATALOGO)
@blp.response(200, CatalogosSchema)
@blp.tagged
def all_at_once() -> Response:
    """Ver todos los catálogos

    Con un solo ETag: mientras ninguno cambie, la respuesta es 304.
    """
    catalogos = queries.visible_to(current_actor())
    return shown({name: list(filas.values()) for name, filas in catalogos.filas.items()}, catalogos.epoca)
