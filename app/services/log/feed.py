"""The change feed: what was committed, in the order of its numbers, from a place on."""

from dataclasses import dataclass
from time import monotonic
from typing import Any

from app.errors import BadRequest, Gone, Unavailable
from app.extensions import db
from app.permissions import Actor
from app.queries.log import feed as queries
from app.services.log import sequencer
from app.transaction import read


@dataclass(frozen=True)
class Tramo:
    """Some events, and the number behind which the feed goes on."""

    eventos: list[dict[str, Any]]
    siguiente: int


def page(actor: Actor, desde: int | None, limite: int, deadline: float) -> Tramo:
    """What follows ``desde``, or else the beginning. Without events, nothing committed before is missing."""
    while True:
        complete = number(deadline)
        tramo = read(lambda: behind(actor, desde, limite), deadline)
        db.session.remove()  # Whoever takes its time with the answer holds no connection.
        if tramo.eventos or complete:
            return tramo


def end(deadline: float) -> int:
    """The number behind which is only what was committed after this call."""
    while not number(deadline):
        pass
    return int(read(queries.ends, deadline).ultima)


def number(deadline: float) -> bool:
    """Number what was committed; answers whether that was all of it."""
    if monotonic() >= deadline:
        raise Unavailable("base_de_datos_ocupada")
    some = sequencer.EN_UNA_PETICION
    return sequencer.number_events(some, deadline) < some


def has_more(desde: int) -> bool:
    """Whether anything was committed behind ``desde``: a short look, after which no connection is held."""
    found = read(lambda: queries.has_more(desde))
    db.session.remove()
    return found


def behind(actor: Actor, desde: int | None, limite: int) -> Tramo:
    """The next events that ``actor`` sees; what it does not see is passed by, window by window."""
    ends = queries.ends()
    start = ends.purgado if desde is None else desde
    if start > ends.ultima:
        raise BadRequest("cursor_invalido")  # Of another database, or of this one before it was restored.
    if start < ends.purgado:
        raise Gone("cursor_purgado")
    while True:
        hasta = min(start + queries.VENTANA, ends.ultima)
        rows = queries.between(actor, start, hasta, limite)
        if rows or hasta == ends.ultima:
            break
        start = hasta
    siguiente = rows[-1]["secuencia"] if len(rows) == limite else hasta
    return Tramo(queries.with_things(actor, rows), siguiente)
