"""How tickets belong together: parents and children, duplicates, and what is only related.

All that is written here holds the lock of the relations: no two changes can close a circle together.
"""

from typing import Any

from sqlalchemy import delete

from app.errors import Conflict, Falla, Invalid, NotFound
from app.extensions import db
from app.models import PADRE, RELACIONADO, Relaciones, Tiquet, utcnow
from app.permissions import SISTEMA, Actor, Permiso, require
from app.queries.desk import relations as queries
from app.queries.desk.tickets import locked_several, numero
from app.services import locks
from app.services.desk import tickets
from app.services.log import audit
from app.services.versions import Precondicion, check_version

CERROJO = "relaciones"


def create(actor: Actor, id_tiquet: int, datos: dict[str, Any]) -> int:
    """Relate a ticket to another; answers the id of the relation."""
    desde, hacia = pair(actor, Permiso.EDITAR_RELACION, id_tiquet, datos["id_tiquet"], "id_tiquet")
    tipo = datos["tipo"]
    if tipo == "hijo":
        tipo, desde, hacia = PADRE, hacia, desde
    if tipo == RELACIONADO and desde.id > hacia.id:
        desde, hacia = hacia, desde
    check_new(tipo, desde, hacia)
    relacion = Relaciones(id_tiquet=desde.id, id_relacionado=hacia.id, tipo=tipo, id_autor=actor.id)
    db.session.add(relacion)
    audit.record("relacion.creado", actor, relacion, {}, id_tiquet=id_tiquet)
    if tipo == PADRE:
        set_parent(actor, desde, hacia.id)
    return relacion.id


def pair(actor: Actor, permiso: Permiso, id: int, id_otro: int, campo: str) -> tuple[Tiquet, Tiquet]:
    """A ticket and the other that ``campo`` of the body names, both to be changed."""
    locks.hold(CERROJO)
    found = locked_several(actor, {id, id_otro})
    if id not in found:
        raise NotFound("tiquet_no_encontrado")
    require(permiso, actor, found[id])
    if id_otro not in found:
        raise Invalid({campo: [Falla("no_existe")]})
    if id_otro == id:
        raise Invalid({campo: [Falla("el_mismo_tiquet")]})
    require(permiso, actor, found[id_otro])
    return found[id], found[id_otro]


def check_new(tipo: str, desde: Tiquet, hacia: Tiquet) -> None:
    """A pair is related once in each way, a child has one parent, and nothing lies within itself."""
    if queries.between(tipo, desde.id, hacia.id):
        raise Conflict("ya_relacionados")
    if tipo == PADRE and desde.id_tiquet_padre is not None:
        raise Conflict("ya_tiene_padre", numero=numero(desde.id_tiquet_padre))
    if tipo != RELACIONADO:
        check_chain(tipo, desde.id, hacia.id, "id_tiquet", queries.below(tipo, desde.id))


def check_chain(tipo: str, id: int, id_arriba: int, campo: str, below: dict[int, int]) -> None:
    """Whatever is ``below`` a ticket, at how many steps, would lie under another too."""
    above = queries.above(tipo, id_arriba)
    if id in above:
        raise Invalid({campo: [Falla("ciclo")]})
    if max(above.values()) + max(below.values()) + 2 > queries.MAX_NIVELES:
        raise Invalid({campo: [Falla("demasiados_niveles", max=queries.MAX_NIVELES)]})


def set_parent(actor: Actor, tiquet: Tiquet, id_padre: int | None) -> None:
    """Let a locked ticket show the parent that its relation names."""
    before = audit.snapshot(tiquet)
    tiquet.id_tiquet_padre = id_padre
    tiquet.fecha_actualizacion = utcnow()
    audit.record("tiquet.actualizado", actor, tiquet, before)


def erase(actor: Actor, id_tiquet: int, id: int, precondicion: Precondicion) -> None:
    """End a relation, at whichever of its tickets; who did, and what it was, stays in the log."""
    locks.hold(CERROJO)
    relacion = queries.find(id_tiquet, id)
    ends = {relacion.id_tiquet, relacion.id_relacionado} if relacion else {id_tiquet}
    found = locked_several(actor, ends)
    if id_tiquet not in found:
        raise NotFound("tiquet_no_encontrado")
    if relacion is None or ends - set(found):
        raise NotFound("relacion_no_encontrada")
    for tiquet in found.values():
        require(Permiso.EDITAR_RELACION, actor, tiquet)
    check_version("relacion", relacion, precondicion)
    child = found[relacion.id_tiquet] if relacion.tipo == PADRE else None
    audit.record_erasure("relacion.eliminado", actor, relacion, id_tiquet=id_tiquet)
    if child:
        set_parent(actor, child, None)


def forget(id_tiquet: int) -> None:
    """Let no other ticket point at this one, which is about to be erased."""
    for child in queries.pointing_at(id_tiquet, Tiquet.id_tiquet_padre):
        set_parent(SISTEMA, child, None)
    for merged in queries.pointing_at(id_tiquet, Tiquet.id_tiquet_fusionado):
        before = audit.snapshot(merged)
        merged.id_tiquet_fusionado = None
        merged.fecha_actualizacion = utcnow()
        audit.record("tiquet.actualizado", SISTEMA, merged, before)
    db.session.execute(delete(Relaciones).where(queries.of_ticket(id_tiquet)))


def shown(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any]:
    """A relation as a client gets it, or 404: the ticket's first, then its own."""
    tickets.shown(actor, id_tiquet)
    found = queries.get(actor, id_tiquet, id)
    if found is None:
        raise NotFound("relacion_no_encontrada")
    return found
