"""How migrations run: on an engine of their own, since the serving one cuts slow statements short."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa
from alembic import context
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from filelock import FileLock
from flask import current_app

from app.database import tls
from app.extensions import settings
from migrations.types import compared

# Alembic's own template reads its logging from a file, and so silences the application's loggers.
logging.getLogger("alembic").setLevel(logging.WARNING)

migrate = current_app.extensions["migrate"]
url = migrate.db.engine.url
sqlite = url.get_backend_name() == "sqlite"

# SQLite changes a table by dropping it: with foreign keys on, its children would lose their rows.
PREPARE = "PRAGMA foreign_keys = OFF" if sqlite else "SET time_zone = '+00:00'"
PATIENCE = 60  # seconds to wait for another writer of SQLite


def own_engine() -> sa.Engine:
    """An engine without the limits and pool of the serving one."""
    # Left to itself, Python's sqlite3 begins no transaction before CREATE or DROP; so we do, below.
    options = {"timeout": PATIENCE, "isolation_level": None} if sqlite else tls(settings().database_ssl_ca)
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(PREPARE)
        cursor.close()

    if sqlite:

        @sa.event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def check_foreign_keys(ctx: MigrationContext, **_: Any) -> None:
    """Refuse a migration, still in its transaction, that leaves rows without what they refer to."""
    if sqlite and not ctx.as_sql:
        orphans = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if orphans:
            tables = ", ".join(sorted({row[0] for row in orphans}))
            raise CommandError(f"la migración dejaría filas con referencias rotas en: {tables}")


def number(_context: Any, _revision: Any, scripts: Sequence[MigrationScript]) -> None:
    """Give a new migration the number after the last one."""
    head = context.script.get_current_head() or "0"
    for script in scripts:
        script.rev_id = f"{int(head) + 1:04}"


def one_at_a_time() -> FileLock | nullcontext[None]:
    """Of processes that start together on one SQLite file, the first migrates and the rest find it done."""
    in_file = sqlite and url.database and url.database != ":memory:"
    return FileLock(f"{url.database}.migrate.lock") if in_file else nullcontext()


OPTIONS = {
    **migrate.configure_args,
    "target_metadata": migrate.db.metadata,
    "transaction_per_migration": True,
    "transactional_ddl": sqlite,
    "on_version_apply": check_foreign_keys,
    "process_revision_directives": number,
    "include_name": compared,
}

if context.is_offline_mode():
    # Without a server to ask, take it for MariaDB.
    context.configure(
        url=url, literal_binds=True, dialect_opts={} if sqlite else {"is_mariadb": True}, **OPTIONS
    )
    context.execute(PREPARE)
    with context.begin_transaction():
        context.run_migrations()
else:
    with one_at_a_time(), own_engine().connect() as connection:
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
