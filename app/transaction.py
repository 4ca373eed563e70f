"""The unit of work: all that writes goes through ``run``, in one transaction, retried whole.

Measured with an operation id stored in the transaction: nothing lost and nothing doubled under killed
servers, cut connections and COMMITs whose answer never came. The same retries without it doubled.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic, sleep
from typing import Any, TypeVar, cast
from uuid import uuid4

from blinker import Signal
from sqlalchemy import Connection, Insert, Select, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app import database, driver
from app.database import PoolTimeout, Verdict
from app.errors import AppError, Unavailable
from app.extensions import db
from app.models import LogTransaccional
from app.prepared import Prepared, prepared
from app.together import block

T = TypeVar("T")

TRIES = 6
LIMIT = 10.0  # seconds that a unit of work may take, with its retries
SHORTEST = 1.0  # seconds that a try needs at least: the grain of the server's lock wait
TOGETHER = 8  # rows that are written in one trip: of more, each statement is one of its own

EVENT = insert(LogTransaccional)

# Sent in a unit of work before it is committed or refused: whoever went by what may have changed meanwhile
# looks, and raises ``TryAgain`` if it did.
ending = Signal()
retried = Signal()  # Sent before each further try, for whoever counts them.


class TryAgain(Exception):
    """Raised in a unit that met a state which will have passed when it runs again."""


def new_operation() -> str:
    """An id for one operation, the same in all its tries."""
    return uuid4().hex


def in_unit() -> bool:
    """Whether a unit of work is under way."""
    return db.session.registry.has() and "operation" in db.session().info


def event_id() -> str:
    """The id of the next event of this unit: the same in each try, so that a second one collides."""
    info = db.session().info
    info["events"] = info.get("events", -1) + 1
    return f"{info['operation']}-{info['events']}"


def tell(statement: Insert, row: dict[str, Any]) -> None:
    """Have a row written with this unit, by a statement that is made once and always told the same columns.

    Nothing in the unit may depend on when; who reads such rows in it calls ``flush`` before.
    """
    db.session().info.setdefault("told", {}).setdefault(statement, []).append(row)


def flush() -> None:
    """Write what the unit has not written yet: changed rows, and then what it was told."""
    db.session.flush()
    if told := db.session().info.pop("told", None):
        write(told)


def ask(statement: Select[Any], parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
    """What a statement, made once, finds in the session's transaction when all of the unit is written."""
    told = db.session().info.pop("told", None)
    if told:
        db.session.flush()
        return write(told, statement, parameters)
    ready = prepared(connection().dialect, statement)
    return connection().execute(statement, parameters).all() if ready.lists else sent(ready, parameters)


def write(
    told: dict[Insert, list[dict[str, Any]]],
    query: Select[Any] | None = None,
    parameters: dict[str, Any] | None = None,
) -> Sequence[Sequence[Any]]:
    """Write rows by each statement, and then find what ``query`` does: in one trip if that can be."""
    together = None
    if (
        len(told) + (query is not None) > 1
        and sum(map(len, told.values())) <= TOGETHER
        and database.is_mariadb(connection())
    ):
        together = block(connection().dialect, told, query, parameters)
    if together and not together[0].lists:
        found = sent(*together)
    else:
        for statement, rows in told.items():
            insert_rows(statement, rows)
        found = [] if query is None else ask(query, parameters or {})
    db.session().info.setdefault("written", []).extend(told.get(EVENT, ()))
    return found


def sent(ready: Prepared, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
    return [ready.read(row) for row in executed(ready, values)[0]]


def executed(ready: Prepared, values: dict[str, Any]) -> tuple[Sequence[Any], int | None]:
    mine = connection()
    return driver.execute(mine.engine, mine.connection, ready.sql, ready.filled(values), mine.invalidate)


def connection(**options: Any) -> Connection:
    """The connection that the session's transaction is on, for a statement that goes past the ORM.

    Looked up once in a transaction, with ``options`` that count then: the session goes a long way for it.
    """
    session = db.session()
    known: tuple[Any, Connection] | None = session.info.get("connection")
    if known is None or known[0] is not session.get_transaction():
        found = session.connection(execution_options=options)
        known = session.info["connection"] = session.get_transaction(), found
    return known[1]


def insert_rows(statement: Insert, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, some at least, in one statement and past the ORM."""
    connection().execute(statement, rows if len(rows) > 1 else rows[0])


def insert_one(statement: Insert, row: dict[str, Any]) -> int:
    """Insert a row by a statement that is made once, past the ORM; answers the id that it got."""
    _, id = executed(prepared(connection().dialect, statement), row)
    return cast(int, id)


def run(
    unit: Callable[[], T],
    operation: str | None = None,
    deadline: float | None = None,
    *,
    keep: bool = True,
) -> T:
    """Run ``unit`` in one transaction, commit it, and answer what it answered.

    ``unit`` may run several times, each with a fresh session: it must not change what it was given. An
    ``AppError`` rolls back, unless it says ``conserva``. ``deadline`` is an instant of ``monotonic()``.
    Without ``keep`` all of it is done, and then rolled back instead of committed.
    """
    operation = operation or new_operation()
    deadline = deadline or monotonic() + LIMIT
    doubtful: list[T | AppError] = []  # Outcomes of tries whose COMMIT may have happened.
    for tries in count(1):
        try:
            with database.turn(db.engine, deadline):
                return attempt(unit, operation, deadline, doubtful, keep)
        except IntegrityError as error:
            raise database.refusal(error) or error from error
        except (DBAPIError, PoolTimeout, StaleDataError, TryAgain) as error:
            with suppress(DBAPIError):  # The connection may be gone; then the server rolls back unasked.
                db.session.rollback()
            wait_or_give_up(error, tries, deadline, in_doubt=bool(doubtful))
    raise AssertionError("unreachable")


def attempt(
    unit: Callable[[], T], operation: str, deadline: float, doubtful: list[T | AppError], keep: bool
) -> T:
    """One try. Adds to ``doubtful`` when the connection is lost at COMMIT."""
    # The hook that read the token may have left a transaction open; BEGIN IMMEDIATE would pass it by.
    db.session.remove()
    db.session().info["operation"] = operation
    database.limit_lock_wait(connection(begin="IMMEDIATE", wait=deadline - monotonic()))
    if doubtful and happened(operation):
        return settled(doubtful[-1])
    outcome: T | AppError
    try:
        try:
            outcome = unit()
        except AppError as error:
            if not error.conserva:
                raise
            outcome = error
        flush()
    except (AppError, IntegrityError):
        db.session.rollback()
        # The try before may have committed after we looked: then this is its own trace, not a refusal.
        if doubtful and happened(operation):
            return settled(doubtful[-1])
        ending.send()
        raise
    ending.send()
    if not keep:
        db.session.rollback()
        return settled(outcome)
    try:
        db.session.commit()
    except DBAPIError as error:
        if database.verdict(error) is Verdict.LOST:
            doubtful.append(outcome)
        raise
    return settled(outcome)


def settled(outcome: T | AppError) -> T:
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def happened(operation: str) -> bool:
    """Whether an earlier try of ``operation`` was committed: every change leaves an event."""
    first = select(LogTransaccional.id).where(LogTransaccional.id_evento == f"{operation}-0")
    return db.session.scalar(first) is not None


def read(query: Callable[[], T], deadline: float | None = None) -> T:
    """Run a reading ``query``, again on a fresh connection when the database went away meanwhile.

    And when it says ``TryAgain``.
    """
    deadline = deadline or monotonic() + LIMIT
    for tries in count(1):
        try:
            return query()
        except (DBAPIError, PoolTimeout, TryAgain) as error:
            db.session.remove()
            wait_or_give_up(error, tries, deadline)
    raise AssertionError("unreachable")


def wait_or_give_up(error: Exception, tries: int, deadline: float, in_doubt: bool = False) -> None:
    """Wait before the next try, or raise what the caller is to know."""
    judged = database.verdict(error) if isinstance(error, DBAPIError) else Verdict.AGAIN
    if judged is Verdict.WRONG:
        raise error
    pause = random.uniform(0, min(1.0, 0.02 * 2**tries))
    needed = database.CONNECT if judged is Verdict.LOST else SHORTEST
    late = monotonic() + pause + needed >= deadline
    if judged is Verdict.BUSY or isinstance(error, PoolTimeout) or late or tries >= TRIES:
        if in_doubt:  # The other two say that nothing was saved.
            raise Unavailable("resultado_desconocido") from error
        raise Unavailable(
            "base_de_datos_no_disponible" if judged is Verdict.LOST else "base_de_datos_ocupada"
        ) from error
    retried.send()
    sleep(pause)
