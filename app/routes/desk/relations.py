"""How tickets belong together, and merging them."""

from typing import Any

from flask import Response, url_for

from app.permissions import Permiso
from app.queries.desk import relations as queries
from app.schemas.desk.relations import (
    FusionarArgs,
    RelacionCreateArgs,
    RelacionesPaginaSchema,
    RelacionSchema,
)
from app.schemas.desk.tickets import TiquetSchema
from app.schemas.pages import PaginaArgs
from app.services.desk import merging, relations, tickets
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import if_match, listed, shown

blp = Blueprint("relaciones", __name__, description="Cómo se relacionan los tiquets, y fusionarlos.")

MISSING = ("tiquet_no_encontrado", "relacion_no_encontrada")


@blp.get("/<id:id>/relaciones", permiso=Permiso.VER_RELACION)
@blp.arguments(PaginaArgs, location="query")
@blp.response(200, RelacionesPaginaSchema)
@blp.problems("tiquet_no_encontrado")
def list_relations(args: dict[str, Any], id: int) -> Response:
    """Listar los tiquets relacionados con uno

    Vistos desde él: `padre`, `hijo`, `duplicado_de`, `duplicado_por` o `relacionado`. Sin los de la papelera.
    """
    actor, corte = current_actor(), cursors.read(args.get("cursor"))
    tickets.shown(actor, id)
    pagina = queries.page(actor, id, args["limite"], corte)
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("/<id:id>/relaciones", permiso=Permiso.EDITAR_RELACION)
@blp.arguments(RelacionCreateArgs, example={"tipo": "relacionado", "id_tiquet": 1})
@blp.response(201, RelacionSchema)
@blp.problems("tiquet_no_encontrado", "ya_relacionados", "ya_tiene_padre")
def create_relation(datos: dict[str, Any], id: int) -> Response:
    """Relacionar un tiquet con otro

    Un tiquet tiene un solo padre, que muestra en `id_tiquet_padre`. Ni padres ni duplicados forman ciclos,
    y sus cadenas tienen hasta diez tiquets.
    """
    actor = current_actor()
    id_relacion = relations.create(actor, id, datos)
    address = url_for("relaciones.get_relation", id=id, id_relacion=id_relacion)
    return shown(relations.shown(actor, id, id_relacion), status=201, location=address)


@blp.get("/<id:id>/relaciones/<id:id_relacion>", permiso=Permiso.VER_RELACION)
@blp.response(200, RelacionSchema)
@blp.tagged
@blp.problems(*MISSING)
def get_relation(id: int, id_relacion: int) -> Response:
    """Ver una relación"""
    return shown(relations.shown(current_actor(), id, id_relacion))


@blp.delete("/<id:id>/relaciones/<id:id_relacion>", permiso=Permiso.EDITAR_RELACION)
@blp.response(204)
@blp.problems(*MISSING, "version_obsoleta")
def delete_relation(id: int, id_relacion: int) -> Response:
    """Quitar una relación

    Desde cualquiera de los dos tiquets.
    """
    relations.erase(current_actor(), id, id_relacion, if_match())
    return Response(status=204)


@blp.post("/<id:id>/fusionar", permiso=Permiso.FUSIONAR_TIQUET)
@blp.arguments(FusionarArgs, example={"id_destino": 40})
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems("tiquet_no_encontrado", "transicion_no_permitida", "destino_cerrado")
def merge_ticket(datos: dict[str, Any], id: int) -> Response:
    """Fusionar un tiquet con otro

    Sus comentarios, adjuntos, seguidores e hijos pasan al destino, que es lo que se responde. Este se
    cierra como `fusionado`, apunta al otro en `id_tiquet_fusionado` y no se reabre.
    """
    actor = current_actor()
    return shown(tickets.shown(actor, merging.merge(actor, id, datos["id_destino"])))
