"""Giving out new tickets of categories that say so to those who serve them, one after the other."""

from datetime import datetime, timedelta
from typing import Any

from app.models import MENOS_CARGA, NINGUNA, Tiquet, UsuarioCategoria, utcnow
from app.permissions import Actor
from app.queries.catalog import Catalogos, presumed
from app.queries.desk import assignment as queries
from app.services.desk import lifecycle
from app.transitions import ABIERTOS, NUEVO

NEVER = datetime.min
Turno = tuple[str, list[UsuarioCategoria]]  # how the category gives out its tickets, and who serves it


def take_turn(actor: Actor, datos: dict[str, Any]) -> Turno | None:
    """Wait until nobody else gives out a ticket of the new one's category; None if it is not given out.

    First in the unit of work: a read before it would not see what those did who were waited for.
    """
    id = datos["id_categoria"]
    if datos.get("id_usuario_asignado") or gives_out_none(actor, id):
        return None
    mode = queries.mode_of(id)
    return None if mode in (None, NINGUNA) else (mode, queries.locked(id))


def gives_out_none(actor: Actor, id_categoria: int) -> bool:
    """Whether a category is known, before the unit has read anything, to leave its tickets to nobody."""
    catalogos = presumed(actor)
    fila = catalogos and catalogos["categorias"].get(id_categoria)
    return bool(fila and fila["asignacion"] == NINGUNA)


def give_out(tiquet: Tiquet, turno: Turno | None, catalogos: Catalogos) -> None:
    """Give a new ticket that nobody has to whoever's turn it is; nobody's if nobody is there.

    The desk's own doing, whoever opened the ticket: it is not asked what that one may.
    """
    if turno is None or tiquet.id_usuario_asignado or lifecycle.tipo_of(tiquet, catalogos) != NUEVO:
        return
    mode, serving = turno
    there = queries.available([one.id_usuario for one in serving])
    candidates = [one for one in serving if one.id_usuario in there]
    if not candidates:
        return
    next_one = (least_loaded if mode == MENOS_CARGA else longest_without)(candidates, catalogos)
    lifecycle.place(tiquet, next_one.id_usuario, catalogos)
    last = max(one.ultima_asignacion or NEVER for one in serving)
    # Behind all others, also where the clock of another machine is ahead. Written in both modes: two nodes
    # of a cluster that chose the same person see each other's writes, not their locks.
    next_one.ultima_asignacion = max(utcnow(), last + timedelta(microseconds=1))


def longest_without(candidates: list[UsuarioCategoria], _catalogos: Catalogos) -> UsuarioCategoria:
    """Whoever got none yet first; ``min`` takes the first of equals, who has the lowest id."""
    return min(candidates, key=lambda one: one.ultima_asignacion or NEVER)


def least_loaded(candidates: list[UsuarioCategoria], catalogos: Catalogos) -> UsuarioCategoria:
    estados = [id for id, estado in catalogos["estados"].items() if estado["tipo"] in ABIERTOS]
    load = queries.open_tickets_of([one.id_usuario for one in candidates], estados)
    return min(candidates, key=lambda one: load.get(one.id_usuario, 0))
