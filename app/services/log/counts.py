"""Keeping the counts of tickets: the numbered log is read on, off the way of whoever changes them."""

from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from app import database, transaction
from app.extensions import db
from app.models import Conteo, Lectura
from app.queries import mail
from app.queries.desk import stats
from app.queries.desk.tickets import NOT_IN_TRASH
from app.queries.log import counts as queries
from app.queries.log import feed
from app.queries.log.counts import LECTOR, Lugar, log
from app.services.log import sequencer

BATCH = 2_000  # numbers of the log that one unit of work reads
ATRASO = 20_000  # numbers; so far behind, to count all tickets is quicker
NUNCA = -1  # the place of who has not begun

ADD = (
    update(Conteo.__table__)  # type: ignore[arg-type]
    .where(Conteo.campo == bindparam("en"), Conteo.clave == bindparam("de"))
    .values(cantidad=Conteo.cantidad + bindparam("mas"))
)


def read_on() -> int:
    """Count what happened since; answers how many numbers of the log were passed."""
    if not transaction.read(lambda: mail.is_behind(LECTOR)):
        return 0
    return transaction.run(unit)


def recount() -> int:
    """Count all tickets anew; answers how many there are."""
    sequencer.number_events()
    return transaction.run(count_all)


def unit() -> int:
    """One batch, or all tickets: for who begins, is far behind, or has the log of another copy."""
    seen, end = locked_place(), feed.ends()
    if not end.purgado <= seen <= end.ultima or end.ultima - seen > ATRASO:
        count_all()
        return 1
    hasta = min(seen + BATCH, end.ultima)
    touched = select(log.id_tiquet).where(log.secuencia > seen, log.secuencia <= hasta)
    ids = set(db.session.scalars(touched.where(log.entidad == "tiquet")))
    news = queries.events(*queries.behind(seen), log.id_tiquet.in_(ids)) if ids else ()
    try:
        change = queries.change(news, hasta)
    except queries.Emptied:
        count_all()
        return 1
    add(change)
    move(seen, hasta)
    passed: int = hasta - seen
    return passed


def count_all() -> int:
    """Write all counts as of the last number of the log, in one snapshot. A unit of work."""
    seen, end = locked_place(), feed.ends()
    found: Counter[Lugar] = Counter()
    by_column = stats.counted(NOT_IN_TRASH, date.min)
    for campo, values in by_column.items():
        found.update({(campo, clave): cantidad for clave, cantidad in values.items()})
    found.subtract(queries.change(queries.events(*queries.behind(end.ultima))))
    db.session.execute(delete(Conteo))
    insert_new({place: count for place, count in found.items() if count})
    move(seen, end.ultima)
    return sum(by_column["id_estado"].values())


def locked_place() -> int:
    """How far the log was read; whoever wants to read on too waits here."""
    begin = database.insert_missing(db.session.get_bind(), Lectura, nombre=LECTOR, secuencia=NUNCA)
    db.session.execute(begin)
    return mail.locked_reader(LECTOR).secuencia


def move(seen: int, hasta: int) -> None:
    here = (Lectura.nombre == LECTOR, Lectura.secuencia == seen)
    moved: Any = db.session.execute(update(Lectura).where(*here).values(secuencia=hasta))
    if moved.rowcount != 1:
        raise transaction.TryAgain  # The nodes of a cluster do not see each other's locks.


def add(change: Counter[Lugar]) -> None:
    """Add to the counts what is not zero of ``change``."""
    more = {place: count for place, count in change.items() if count}
    if not more:
        return
    known = select(Conteo.campo, Conteo.clave).where(tuple_(Conteo.campo, Conteo.clave).in_(more))
    there = {(campo, clave) for campo, clave in db.session.execute(known)}
    if there:
        db.session.connection().execute(
            ADD, [{"en": campo, "de": clave, "mas": more[campo, clave]} for campo, clave in sorted(there)]
        )
    insert_new({place: count for place, count in more.items() if place not in there})


def insert_new(counts: dict[Lugar, int]) -> None:
    rows = [
        {"campo": campo, "clave": clave, "cantidad": count}
        for (campo, clave), count in sorted(counts.items())
    ]
    if rows:
        db.session.execute(insert(Conteo), rows)
