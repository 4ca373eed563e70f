"""Whether the database is there and as new as the code."""

from functools import cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.errors import Unavailable
from app.extensions import db

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@cache
def newest() -> frozenset[str]:
    """The revisions that the code was written for."""
    return frozenset(ScriptDirectory(str(MIGRATIONS)).get_heads())


def check_migrations() -> None:
    """Raise 503 unless the database is at the newest revision."""
    present = MigrationContext.configure(db.session.connection()).get_current_heads()
    if frozenset(present) != newest():
        raise Unavailable("migraciones_pendientes", retry_after=30)
