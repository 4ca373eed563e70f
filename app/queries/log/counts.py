"""How many tickets there are of each kind: kept as of one place of the log, and exact when they are read.

Who changes a ticket counts nothing. Of each ticket with events behind that place, what it was there is found
from what it is now, back along its log, and exchanged for what it is now: all in one snapshot.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from app.extensions import db
from app.models import Conteo, Lectura, LogTransaccional, Tiquet
from app.queries.desk.past import ABIERTO
from app.queries.log.feed import PURGADO

LECTOR = "conteos"
IDS = ("id_estado", "id_criticidad", "id_prioridad", "id_categoria", "id_ubicacion", "id_usuario_asignado")
DIAS = ("fecha_creacion", "fecha_resolucion")
LEIDOS = (*IDS, *DIAS, "fecha_eliminacion")
NADIE = 0  # the key of NULL
MAX_PENDIENTES = 2_000  # events; to take back more is slower than to count all tickets

Foto = dict[str, Any]
Lugar = tuple[str, int]  # a column, and the key of one of its values
Conteos = dict[str, dict[int, int]]

log = LogTransaccional


class Emptied(Exception):
    """An event that is needed was emptied: what it changed is not known any more."""


def kept(since: date) -> Conteos | None:
    """Column -> key -> how many, of days those from ``since`` on. None where counting all is as quick."""
    # Of what was purged before it was counted nothing could be taken back.
    place = select(Lectura.secuencia).where(Lectura.nombre == LECTOR, Lectura.secuencia >= PURGADO)
    lately = or_(Conteo.campo.in_(IDS), Conteo.campo.in_(DIAS) & (Conteo.clave >= key_of(DIAS[0], since)))
    rows = db.session.execute(
        select(Conteo.campo, Conteo.clave, Conteo.cantidad, place.scalar_subquery().label("hasta")).where(
            lately
        )
    ).all()
    if not rows or rows[0].hasta is None:
        return None
    late = behind(rows[0].hasta)
    some = select(log.id).where(*late).limit(MAX_PENDIENTES + 1).subquery()
    pending = db.session.scalar(select(func.count()).select_from(some)) or 0
    if pending > MAX_PENDIENTES:
        return None
    found = Counter({(row.campo, row.clave): row.cantidad for row in rows})
    try:
        found.update(change(events(*late) if pending else ()))
    except Emptied:
        return None
    by_column: Conteos = {campo: {} for campo in (*IDS, *DIAS)}
    for (campo, clave), cantidad in found.items():
        if cantidad:
            by_column[campo][clave] = cantidad
    return by_column


def behind(secuencia: int) -> tuple[ColumnElement[bool], ...]:
    """Events of tickets themselves behind a place of the log, those without a number too."""
    return or_(log.secuencia > secuencia, log.secuencia.is_(None)), log.entidad == "tiquet"


def events(*where: ColumnElement[bool]) -> Sequence[Any]:
    """What happened, as ``change`` reads it."""
    # All that a new ticket has, which nobody takes back, would be the most of it by far.
    cambios = case((log.accion.not_in(ABIERTO), log.cambios)).label("cambios")
    columns = (log.secuencia, log.accion, log.id_tiquet, log.version_resultante, cambios, log.sal)
    return db.session.execute(select(*columns).where(*where)).all()


def change(events: Sequence[Any], hasta: int | None = None) -> Counter[Lugar]:
    """What those of ``events`` up to a place of the log changed.

    They are all that their tickets had since the first of them.
    """
    own = defaultdict(list)
    for event in events:
        if event.sal is None and event.secuencia is not None:
            raise Emptied
        own[event.id_tiquet].append(event)
    columns = (getattr(Tiquet, name) for name in LEIDOS)
    found = (
        db.session.execute(select(Tiquet.id, *columns).where(Tiquet.id.in_(own))).mappings() if own else ()
    )
    present = {row["id"]: row for row in found}
    counted: Counter[Lugar] = Counter()
    for id, news in own.items():
        news.sort(key=lambda event: event.version_resultante, reverse=True)
        later = [e for e in news if hasta is not None and (e.secuencia is None or e.secuencia > hasta)]
        now = dict(present.get(id, {}))
        counted.update(places(taken_back(now, later)))
        counted.subtract(places(taken_back(now, news)))
    return counted


def taken_back(now: Foto, events: Sequence[Any]) -> Foto:
    """A ticket as it was before ``events``, the newest first; nothing when there was none."""
    was = dict(now)
    for event in events:
        if event.accion in ABIERTO:
            return {}
        was |= {one["campo"]: one["anterior"] for one in event.cambios if one["campo"] in LEIDOS}
    return was


def places(tiquet: Foto) -> Iterator[Lugar]:
    """Where a ticket is counted."""
    if tiquet and not tiquet.get("fecha_eliminacion"):
        for campo in IDS:
            yield campo, tiquet.get(campo) or NADIE
        for campo in DIAS:
            if tiquet.get(campo):
                yield campo, key_of(campo, tiquet[campo])


def key_of(campo: str, value: Any) -> int:
    """What stands in ``clave`` for a value; an instant may be one or be written as in the log."""
    return int(str(value)[:10].replace("-", "")) if campo in DIAS else value or NADIE
