"""Numbering the log: committed events get the next numbers, without a gap, and are chained.

Ids are not in the order of commits, so nobody may go by them; and numbers given while writing would
make all writers queue. Therefore rows are written bare, and numbered here once they are committed. Any number
of sequencers may run, be killed or paused: one row, the head, lets one of them go on at a time.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, update

from app import transaction
from app.database import end_if_idle
from app.extensions import db
from app.models import CABEZA_ID, LogCabeza, LogTransaccional
from app.queries.log import chain as queries
from app.services.log import chain

BATCH = 500  # events that are numbered in one transaction
EN_UNA_PETICION = 5_000  # that a request numbers before it reads

SEAL = (
    update(LogTransaccional.__table__)  # type: ignore[arg-type]
    .where(LogTransaccional.__table__.c.id == bindparam("fila"))
    .values({name: bindparam(name) for name in ("secuencia", "hash_anterior", "hash", "sal", "digesto")})
)


def number_events(most: int | None = None, deadline: float | None = None) -> int:
    """Number what was committed before this call, or about ``most`` events of it; answers how many."""
    done = 0
    db.session.rollback()  # A snapshot that stands open sees nothing of what was committed since.
    while (most is None or done < most) and transaction.read(queries.is_waiting, deadline):
        found = transaction.run(number_batch, deadline=deadline)
        done += found
        if found < BATCH:
            break  # The rest came after us; whoever asks for it numbers it.
    return done


def number_batch() -> int:
    """Number and chain the oldest events that are without; answers how many. A unit of work."""
    end_if_idle(db.session.connection())
    secuencia, previous = queries.locked_head()
    seals = []
    for number, row in enumerate(in_order(queries.waiting(BATCH)), start=secuencia + 1):
        sealed = chain.seal(row, previous, secrets.token_hex(16))
        seals.append({"fila": row.id, "secuencia": number, **sealed})
        previous = sealed["hash"]
    if not seals:
        return 0
    db.session.execute(SEAL, seals)
    head = update(LogCabeza).where(LogCabeza.id == CABEZA_ID, LogCabeza.secuencia == secuencia)
    moved: Any = db.session.execute(head.values(secuencia=secuencia + len(seals), hash=previous))
    if moved.rowcount != 1:
        raise transaction.TryAgain  # The nodes of a cluster do not see each other's locks.
    return len(seals)


def in_order(rows: Sequence[Any]) -> list[Any]:
    """By id, but for the events of one thing, which share their places by the versions they resulted in."""
    places = defaultdict(list)
    for place, row in enumerate(rows):
        if row.version_resultante is not None:
            places[row.entidad, row.id_entidad].append(place)
    ordered = list(rows)
    for own in places.values():
        by_version = sorted((rows[place] for place in own), key=lambda row: (row.version_resultante, row.id))
        for place, row in zip(own, by_version, strict=True):
            ordered[place] = row
    return ordered
