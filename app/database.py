"""What differs between SQLite, MariaDB and MySQL: connections, their limits, and what their errors mean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from time import monotonic
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, Executable, UniqueConstraint, event, inspect
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import AppError, Conflict, Falla, Invalid, Unavailable
from app.models import Base

# Seconds. Each limit is shorter than the one around it: a request has 10, a proxy 15, a stop 20.
LOCK_WAIT = 2
IDLE_WRITE = 3
STATEMENT = 5
POOL_WAIT = 5
SOCKET = 6
FRESH = 1  # How long a connection lies before it is asked whether it is still there.
CONNECT = 2  # The connection and then the handshake: a dead one is found out (SOCKET) before it is replaced.

ALONE = "alone"  # The connections of statements that read in no transaction: their key among the engines.

SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
SNAPSHOT_ISOLATION_SINCE = (10, 11, 8)


class Verdict(Enum):
    """What a database error says of the transaction that met it."""

    AGAIN = "rolled back, or never began: the whole unit may run again"
    LOST = "the connection is gone: nothing happened before COMMIT, at COMMIT nobody knows"
    BUSY = "overloaded, full or too slow: an honest 503"
    WRONG = "a mistake of ours"


MYSQL_VERDICTS = {
    **dict.fromkeys((1020, 1205, 1213), Verdict.AGAIN),
    **dict.fromkeys((0, 1047, 1053, 1180, 1317, 1927, 2002, 2003, 2006, 2013, 2014, 2055), Verdict.LOST),
    **dict.fromkeys(
        (1021, 1040, 1044, 1045, 1049, 1114, 1203, 1226, 1290, 1836, 1969, 2026, 3024), Verdict.BUSY
    ),
}
# SQLite's primary result codes.
SQLITE_VERDICTS = {
    **dict.fromkeys((5, 6), Verdict.AGAIN),  # BUSY, LOCKED
    **dict.fromkeys((8, 10, 13, 14), Verdict.BUSY),  # READONLY, IOERR, FULL, CANTOPEN
}
LOCK_WAIT_EXCEEDED = 1205
IN_TRANSACTION = 1
REFERENCED_ROW_MISSING = 1452


def code_of(error: DBAPIError) -> int | None:
    """The server's own number for ``error``."""
    original: Any = error.orig
    if hasattr(original, "sqlite_errorcode"):
        return int(original.sqlite_errorcode) & 0xFF
    args = getattr(original, "args", ())
    return args[0] if args and isinstance(args[0], int) else None


def verdict(error: DBAPIError) -> Verdict:
    if unanswered(error):  # It was given as long as any may take: another try would wait as long again.
        return Verdict.BUSY
    code = code_of(error)
    if code is None:
        # PyMySQL closes a connection that broke or got out of step, and answers without a number.
        lost = error.connection_invalidated or isinstance(error, (InterfaceError, InternalError))
        return Verdict.LOST if lost else Verdict.WRONG
    table = SQLITE_VERDICTS if hasattr(error.orig, "sqlite_errorcode") else MYSQL_VERDICTS
    return table.get(code, Verdict.WRONG)


def unanswered(error: DBAPIError) -> bool:
    """Whether a statement had no answer for ``SOCKET`` seconds; a COMMIT or a handshake is none.

    MariaDB ends one at ``STATEMENT``, but a busy server sometimes misses the one that it wants to wake.
    """
    return error.statement is not None and isinstance(getattr(error.orig, "__context__", None), TimeoutError)


def refusal(error: IntegrityError) -> AppError | None:
    """A broken constraint in our own words, unless it is a mistake of ours."""
    # MySQL shows the value before the key, and a value may look like the name of another key.
    text = str(error.orig).rpartition(" for key ")[2]
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            columns = [column.name for column in constraint.columns] if hasattr(constraint, "columns") else []
            if isinstance(constraint, UniqueConstraint):
                listed = ", ".join(f"{table.name}.{name}" for name in columns)
                if (
                    f"'{constraint.name}'" in text
                    or f"{table.name}.{constraint.name}'" in text
                    or listed in text
                ):
                    return Conflict("ya_existe", campos=", ".join(columns), miembros={"campos": columns})
            elif code_of(error) == REFERENCED_ROW_MISSING and f"`{constraint.name}`" in text:
                return Invalid({name: [Falla("no_existe")] for name in columns})
    # What is left is a NULL or a CHECK that our own validation should have refused.
    return Conflict("referencia_en_conflicto") if "FOREIGN KEY" in str(error.orig) else None


def insert_missing(bind: Engine | Connection, model: type[Base], **values: Any) -> Executable:
    """An INSERT of a row, or a lock on the one with this primary key that is there."""
    if bind.dialect.name == "sqlite":
        return sqlite.insert(model).values(values).on_conflict_do_nothing()
    (key,) = inspect(model).primary_key
    # Not INSERT IGNORE: it shares the lock, and two that share it then wait for each other.
    return mysql.insert(model).values(values).on_duplicate_key_update({key.name: key})


def engine_options(url: URL, ssl_ca: str) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        # A database in memory has one connection, and no pool that could be waited for.
        pool = {"pool_timeout": POOL_WAIT} if in_file(url) else {}
        return {"hide_parameters": True, "connect_args": {"timeout": POOL_WAIT}, **pool}
    return {
        "hide_parameters": True,  # What users wrote does not go into the log with an error.
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": POOL_WAIT,
        "pool_recycle": 280,
        "pool_reset_on_return": None,  # ``prepare`` does it, where it is needed.
        "connect_args": {"connect_timeout": CONNECT, **tls(ssl_ca)},
    }


def tls(ssl_ca: str) -> dict[str, Any]:
    """Options for a connection that is refused unless it is encrypted and ``ssl_ca`` vouches for the host."""
    return {"ssl": {"ca": ssl_ca}} if ssl_ca else {}


def in_file(url: URL) -> bool:
    """Whether a SQLite database is on the disk."""
    return url.database not in (None, "", ":memory:")


def alone_options(url: URL, ssl_ca: str) -> dict[str, Any] | None:
    """For connections that begin no transaction, so that none has to be ended; None for one in memory."""
    if url.get_backend_name() == "sqlite" and not in_file(url):
        return None
    autocommit = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return {"url": url, **engine_options(url, ssl_ca), **autocommit}


def prepare(engine: Engine, serving: Callable[[], bool], alone: bool = False) -> None:
    """Set up each connection that ``engine`` opens; ``alone``, for statements in no transaction.

    ``serving`` says whether a request is being served. Only then are statements and idle transactions cut
    short: the same limits would kill a migration's CREATE INDEX.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", prepare_sqlite)
        if not alone:
            event.listen(engine, "begin", begin_sqlite)
        return

    # mysqlclient takes its limits for the handshake and all that follows.
    limit_later = engine.driver == "pymysql"

    @event.listens_for(engine, "do_connect")
    def limit_handshake(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        if serving():
            options |= {"read_timeout": CONNECT if limit_later else SOCKET, "write_timeout": SOCKET}

    @event.listens_for(engine, "connect")
    def prepare_mysql(connection: Any, _record: Any) -> None:
        if serving() and limit_later:
            connection._read_timeout = SOCKET  # PyMySQL has no public way to say it after the handshake.
        with connection.cursor() as cursor:
            cursor.execute("SET " + ", ".join(mysql_variables(connection.get_server_info(), serving())))

    if not alone:
        event.listen(engine, "reset", restore)
    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", ping_if_idle)


def limit_lock_wait(connection: Connection) -> None:
    """Wait for a row no longer than its transaction was told to; SQLite was told when that began."""
    wait = connection.get_execution_options().get("wait", LOCK_WAIT)
    if wait < LOCK_WAIT and connection.dialect.name != "sqlite":
        connection.info["lock_wait"] = True
        # Less than a request has left; the server counts in whole seconds.
        connection.exec_driver_sql(f"SET innodb_lock_wait_timeout = {max(1, int(wait))}")


def restore(connection: Any, record: Any, state: Any) -> None:
    """Make a connection good for whoever has it next. A session that ends has rolled back."""
    if not state.transaction_was_reset and may_be_in_transaction(connection):
        connection.rollback()
    if record.info.pop("lock_wait", None):
        with connection.cursor() as cursor:
            cursor.execute(f"SET innodb_lock_wait_timeout = {LOCK_WAIT}")
    if record.info.pop("ends_if_idle", None):
        with connection.cursor() as cursor:
            cursor.execute("SET idle_transaction_timeout = DEFAULT")


def may_be_in_transaction(connection: Any) -> bool:
    """By the server's own word with its last answer; mysqlclient does not pass that on."""
    return bool(getattr(connection, "server_status", IN_TRANSACTION) & IN_TRANSACTION)


def note_use(_connection: Any, record: Any) -> None:
    record.info["used"] = monotonic()


def ping_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
    """Replace a connection that died while nobody used it.

    One that dies between two requests of a busy server is replaced all the same, when it fails: that is tried
    again. So it need not be asked before each.
    """
    if monotonic() - record.info.get("used", monotonic()) < FRESH:
        return
    try:
        connection.ping()
    except Exception as error:  # Whatever the driver says, it is of no use any more.
        raise InvalidatePoolError from error


def mysql_variables(server: str, serving: bool) -> list[str]:
    """The session variables, by server: what MariaDB alone knows kills a connection to MySQL."""
    variables = [
        "time_zone = '+00:00'",
        f"sql_mode = '{SQL_MODE}'",
        f"innodb_lock_wait_timeout = {LOCK_WAIT}",
    ]
    if "MariaDB" not in server:
        return variables
    if numbers(server) >= SNAPSHOT_ISOLATION_SINCE:
        # A read that a later write has overtaken fails (1020) instead of losing that write in silence.
        variables.append("innodb_snapshot_isolation = ON")
    if serving:
        variables += [f"max_statement_time = {STATEMENT}", f"idle_write_transaction_timeout = {IDLE_WRITE}"]
    return variables


def is_mariadb(connection: Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))


def end_if_idle(connection: Connection) -> None:
    """Let MariaDB end this transaction should its process stop, and so free the row that it holds.

    Unlike the limit for writers it counts before the first write, too.
    """
    if is_mariadb(connection):
        connection.info["ends_if_idle"] = True
        connection.exec_driver_sql(f"SET idle_transaction_timeout = {IDLE_WRITE}")


def numbers(server: str) -> tuple[int, ...]:
    """The three numbers of a server's version; old clients were told 5.5.5 before it."""
    return tuple(int(n) for n in server.replace("5.5.5-", "").split("-")[0].split(".")[:3])


def prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # We say BEGIN ourselves, see begin_sqlite.
    for pragma in (
        "foreign_keys=ON",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={POOL_WAIT * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "wait" in options:
        milliseconds = int(1000 * min(POOL_WAIT, max(0, options["wait"])))
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
    # A deferred BEGIN that reads first cannot wait when it wants to write: it fails at once.
    connection.exec_driver_sql(f"BEGIN {options.get('begin', '')}")


@contextmanager
def turn(bind: Engine | Connection, deadline: float) -> Iterator[None]:
    """Hold the place of the one writer that SQLite allows; other databases need no queue.

    A lock file, because the kernel frees it when a worker is killed.
    """
    url = bind.engine.url
    if url.get_backend_name() != "sqlite" or not in_file(url):
        yield
        return
    try:
        lock = FileLock(f"{url.database}.lock").acquire(max(0, deadline - monotonic()), poll_interval=0.002)
    except Timeout as error:
        raise Unavailable("base_de_datos_ocupada") from error
    with lock:
        yield


__all__ = [
    "PoolTimeout",
    "Verdict",
    "end_if_idle",
    "engine_options",
    "is_mariadb",
    "prepare",
    "refusal",
    "turn",
    "verdict",
]
