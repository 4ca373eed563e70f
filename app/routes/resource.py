"""The usual views of a kind of thing: list, create, see, change and erase."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, url_for
from marshmallow import Schema

from app.permissions import Permiso
from app.services.versions import Precondicion
from app.utils.blueprint import Blueprint
from app.utils.etag import if_match, listed, shown

View = Callable[..., Response]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What differs from one kind to another."""

    blp: Blueprint
    path: str
    name: str  # of its views: ``list_<name>``, …
    title: str  # as it stands in «Listar …»
    one: str  # as it stands in «Ver …»
    ver: Permiso
    crear: Permiso
    editar: Permiso
    eliminar: Permiso
    filtros: type[Schema]
    pagina: type[Schema]
    schema: type[Schema]
    create_args: type[Schema]
    update_args: type[Schema]
    example: dict[str, Any]
    change_example: dict[str, Any]
    missing: str  # the codes of what is refused
    used: tuple[str, ...] = ("en_uso", "referencia_en_conflicto")
    kept: tuple[str, ...] = ()
    list_note: str = ""
    erase_note: str = "Si algo lo usa, aunque esté en la papelera, es 409 con el número de usos."
    list: Callable[[dict[str, Any]], dict[str, Any]]
    get: Callable[[int], dict[str, Any]]
    create: Callable[[dict[str, Any]], int]
    update: Callable[[int, dict[str, Any], Precondicion], int]
    erase: Callable[[int, Precondicion], None]
    changed: Callable[[int], dict[str, Any]]  # as the unit of work that changed it leaves it


def register(kind: Resource) -> None:
    """Add the views of ``kind`` to its blueprint."""
    blp, rows, row = kind.blp, kind.path, f"{kind.path}/<id:id>"

    def list_view(args: dict[str, Any]) -> Response:
        return listed(kind.list(args))

    def get_view(id: int) -> Response:
        return shown(kind.get(id))

    def create_view(datos: dict[str, Any]) -> Response:
        id = kind.create(datos)
        address = url_for(f"{blp.name}.get_{kind.name}", id=id)
        return shown(kind.changed(id), status=201, location=address)

    def update_view(cambios: dict[str, Any], id: int) -> Response:
        return shown(kind.changed(kind.update(id, cambios, if_match())))

    def patch_view(cambios: dict[str, Any], id: int) -> Response:
        return update_view(cambios, id)

    def delete_view(id: int) -> Response:
        kind.erase(id, if_match())
        return Response(status=204)

    def described(view: View, verb: str, text: str, note: str) -> View:
        view.__name__, view.__doc__ = f"{verb}_{kind.name}", f"{text}\n\n{note}" if note else text
        return view

    view = described(list_view, "list", f"Listar {kind.title}", kind.list_note)
    view = blp.arguments(kind.filtros, location="query")(blp.response(200, kind.pagina)(view))
    blp.get(rows, permiso=kind.ver)(view)

    view = described(create_view, "create", f"Crear {kind.one}", "")
    view = blp.problems("ya_existe")(blp.response(201, kind.schema)(view))
    blp.post(rows, permiso=kind.crear)(blp.arguments(kind.create_args, example=kind.example)(view))

    view = described(get_view, "get", f"Ver {kind.one}", "")
    view = blp.tagged(blp.problems(kind.missing)(blp.response(200, kind.schema)(view)))
    blp.get(row, permiso=kind.ver)(view)

    note = "Cambia los campos que se envían y deja los demás como están."
    changing = (
        (blp.put, described(update_view, "update", f"Cambiar {kind.one}", note)),
        (blp.patch, described(patch_view, "patch", f"Cambiar parte de {kind.one}", "Lo mismo que PUT.")),
    )
    for method, view in changing:
        view = blp.response(200, kind.schema)(view)
        view = blp.problems(kind.missing, "version_obsoleta", "ya_existe", *kind.kept)(view)
        view = blp.arguments(kind.update_args, example=kind.change_example)(view)
        method(row, permiso=kind.editar)(view)

    view = blp.response(204)(described(delete_view, "delete", f"Borrar {kind.one}", kind.erase_note))
    refused = (kind.missing, "version_obsoleta", *kind.used, *kind.kept)
    blp.delete(row, permiso=kind.eliminar)(blp.problems(*refused)(view))
