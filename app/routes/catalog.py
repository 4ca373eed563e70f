"""Reading the six catalogs: the same two views for each, and all of them at once."""

from collections.abc import Callable

from flask import Response

from app.errors import NotFound
from app.permissions import Permiso
from app.queries.catalog import all_catalogs
from app.schemas.catalog import PAGINAS, SCHEMAS, CatalogosSchema
from app.utils import cursors
from app.utils.blueprint import Blueprint
from app.utils.etag import listed, shown
from app.utils.identity import current_actor

blp = Blueprint("catalog", __name__, description="Catálogos: con qué se clasifica un tiquet.")


def title(name: str) -> str:
    return name.replace("categorias", "categorías")


def lister(name: str) -> Callable[[], Response]:
    def view() -> Response:
        return listed(cursors.whole(list(all_catalogs(current_actor())[name].values())))

    view.__name__ = f"list_{name}"
    view.__doc__ = f"Listar {title(name)}\n\nEntero y en su orden, también lo inactivo."
    return view


def getter(name: str) -> Callable[[int], Response]:
    def view(id: int) -> Response:
        fila = all_catalogs(current_actor())[name].get(id)
        if fila is None:
            raise NotFound("fila_no_encontrada")
        return shown(fila)

    view.__name__ = f"get_{name}"
    view.__doc__ = f"Ver una fila de {title(name)}"
    return view


for _name in SCHEMAS:
    blp.get(f"/{_name}", permiso=Permiso.VER_CATALOGO)(blp.response(200, PAGINAS[_name])(lister(_name)))
    blp.get(f"/{_name}/<id:id>", permiso=Permiso.VER_CATALOGO)(
        blp.response(200, SCHEMAS[_name])(blp.problems(304, 404)(getter(_name)))
    )


@blp.get("/catalogos", permiso=Permiso.VER_CATALOGO)
@blp.response(200, CatalogosSchema)
@blp.problems(304)
def all_at_once() -> Response:
    """Ver todos los catálogos

    Con un solo ETag: mientras ninguno cambie, la respuesta es 304.
    """
    catalogos = all_catalogs(current_actor())
    return shown({name: list(filas.values()) for name, filas in catalogos.filas.items()}, catalogos.epoca)
