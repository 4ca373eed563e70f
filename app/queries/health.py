"""Whether the database is there, as new as the code, and of the same time."""

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, column, inspect, select, table, text
from sqlalchemy.exc import DBAPIError

from app.database import code_of
from app.errors import Unavailable
from app.extensions import db
from app.models import LogTransaccional, utcnow
from config.places import ROOT

APPLIED = "alembic_version"  # the table that tells what was
DENIED = (1142, 1143)  # for a table, for a column of it
REVISIONS = ROOT / "migrations" / "versions"


@cache
def newest() -> str:
    """The revision that the code was written for; each file has its number, one after the other."""
    return max(file.name for file in REVISIONS.glob("[0-9]*.py")).partition("_")[0]


def check_migrations() -> None:
    """Raise 503 unless the database is at the newest revision."""
    applied: Select[Any] = select(column("version_num")).select_from(table(APPLIED))
    there = inspect(db.session.connection()).has_table(APPLIED)
    if not there or db.session.scalars(applied).all() != [newest()]:
        raise Unavailable("migraciones_pendientes", retry_after=30)


def on_sqlite() -> bool:
    return db.session.get_bind().dialect.name == "sqlite"


def server() -> tuple[str, str]:
    """The server's version, and the character set of the database; SQLite knows but one."""
    if on_sqlite():
        return f"SQLite {db.session.scalar(text('SELECT sqlite_version()'))}", ""
    version, charset = db.session.execute(text("SELECT VERSION(), @@character_set_database")).one()
    return str(version), str(charset)


def skew() -> timedelta:
    """How far the database's clock is ahead of ours; SQLite has ours."""
    if on_sqlite():
        return timedelta(0)
    theirs = db.session.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
    return theirs - utcnow()  # type: ignore[no-any-return]


def newest_event_ahead() -> timedelta:
    """How far the latest event is in the future; it would be from before a clock was set back."""
    latest = db.session.scalar(select(LogTransaccional.fecha).order_by(LogTransaccional.id.desc()).limit(1))
    return (latest - utcnow()) if latest else timedelta(0)


def too_much_on_the_log() -> list[str]:
    """Which statements the database would take that change or erase events; SQLite has no accounts.

    Asked by EXPLAIN, which needs the same rights and does nothing: grants may come by roles and patterns.
    """
    if on_sqlite():
        return []
    statements = {
        "DELETE": "DELETE FROM Log_transaccional",
        "UPDATE": "UPDATE Log_transaccional SET accion = ''",
    }
    return [name for name, statement in statements.items() if is_allowed(f"EXPLAIN {statement} WHERE id = 0")]


def is_allowed(statement: str) -> bool:
    try:
        db.session.execute(text(statement))
    except DBAPIError as error:
        if code_of(error) not in DENIED:
            raise
        return False
    return True
