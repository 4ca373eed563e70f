"""All tickets of a list, by id, in pieces: each a short read of its own, at the cost of one walk in all."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, func, select

from app import transaction
from app.extensions import db
from app.models import BusquedaTiquet, Tiquet
from app.permissions import Actor
from app.queries.catalog import all_catalogs
from app.queries.desk import ticket_list
from app.queries.desk.search import holds, named_terms, terms
from app.queries.desk.ticket_branches import CONDICIONES
from app.queries.desk.tickets import sees_internal, shape, visible_to, with_names

WINDOW = 20_000  # ids that one read looks at, however few of them match
PIECE = 500  # tickets that are in memory at a time
Filtros = dict[str, Any]


def tickets(actor: Actor, filtros: Filtros) -> Iterator[list[dict[str, Any]]]:
    """The tickets that match ``filtros`` as a client gets them, by id.

    One that matches from the first read to the last is there once; what is opened meanwhile may be there.
    No connection is held between two pieces, however slow whoever takes them is.
    """
    return pieces(actor, filtros, last=transaction.read(newest))


def pieces(actor: Actor, filtros: Filtros, last: int) -> Iterator[list[dict[str, Any]]]:
    first = 1
    while first <= last:
        piece = transaction.read(lambda first=first: between(actor, filtros, first))  # type: ignore[misc]
        db.session.remove()
        if piece:
            yield piece
        first = piece[-1]["id"] + 1 if len(piece) == PIECE else first + WINDOW


def newest() -> int:
    found = db.session.scalar(select(func.max(Tiquet.id))) or 0
    db.session.remove()
    return found


def between(actor: Actor, filtros: Filtros, first: int) -> list[dict[str, Any]]:
    """The first of those whose ids are in the window that begins with ``first``."""
    catalogos = all_catalogs(actor)
    named = ticket_list.named_conditions(actor, filtros, catalogos)
    wanted = terms(filtros["q"]) if "q" in filtros else ()
    if named is None or ("q" in filtros and not wanted):
        return []
    internal = sees_internal(actor)
    found = Tiquet.__table__
    if wanted:
        found = found.outerjoin(BusquedaTiquet.__table__, BusquedaTiquet.id_tiquet == Tiquet.id)
    # The primary key, whatever the filters: the window is what bounds the read.
    window = (Tiquet.id >= bindparam("first"), Tiquet.id < bindparam("beyond"))
    query = (
        with_names(found, internal)
        .where(*window, visible_to(actor), *(CONDICIONES[name] for name in named))
        .where(*holds(internal, len(wanted)))
        .order_by(Tiquet.id)
        .limit(PIECE)
        .with_hint(Tiquet, "FORCE INDEX (PRIMARY)", "mysql")
    )
    filas = db.session.scalars(
        query, {**named, **named_terms(wanted), "first": first, "beyond": first + WINDOW}
    )
    return [shape(fila, actor, catalogos) for fila in filas]
