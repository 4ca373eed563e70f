"""Migrations go up, down and up again with rows in the tables, and end where the models are."""

import logging
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Table, func, inspect, select, text

from app import create_app
from app.extensions import db
from app.migrations import bound
from app.models import CERROJOS, Base, BusquedaTiquet, Cerrojo, Tiquet
from app.queries import health
from app.services.desk import search
from config.config import Config
from migrations.types import compared
from tests.conftest import disconnect

pytestmark = pytest.mark.usefixtures("without_app")

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = str(ROOT / "migrations")
PARTS = re.compile(r",\s*(?![^(]*\))|\n")  # at commas that stand in no parentheses, and at ends of lines
REVISIONS = [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()]  # newest first

# By the type in Python; our own types say object.
VALUES = {int: 1, str: "x", bool: True, bytes: b"x", object: "x", datetime: datetime(2026, 1, 2, 3, 4, 5)}
CHECKED = {
    "canal": "api",
    "id_empleado": None,  # A ticket has one requester.
    "Entregas.estado": "pendiente",
    "idioma": "es",
    "asignacion": "ninguna",
    "motivo": "manual",
    "motivo_cierre": "resuelto",
    "tipo": "nuevo",
    "Relaciones.tipo": "padre",
    "Correos.estado": "pendiente",
    "tipo_actor": "usuario",
    "tipo_usuario": "Técnico",
}


# Tables that a migration fills itself -> how many rows it gives them.
LOADED = {"Cerrojo": len(CERROJOS), "Log_cabeza": 2}
# Tables whose rows a migration makes of those of others.
DERIVED = {"Busqueda_tiquet"}


def settings(url: str) -> dict[str, str]:
    return {"FLASK_ENV": "testing", "DATABASE_URL": url, "SECRET_KEY": "s" * 40, "JWT_SECRET_KEY": "j" * 40}


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """An empty database, in the context of an application that uses it."""
    with create_app(Config.from_mapping(settings(fresh_database))).app_context():
        yield db.engine
        disconnect()


def upgrade(revision: str = "head") -> None:
    bound().upgrade(MIGRATIONS, revision)


def downgrade(revision: str) -> None:
    bound().downgrade(MIGRATIONS, revision)


def tables(engine: Engine) -> set[str]:
    found = inspect(engine).get_table_names()
    return {name for name in found if compared(name, "table", {})} - {"alembic_version"}


def row(table: Table) -> dict[str, object]:
    """A row that the table's checks accept; each foreign key points at the one row of its table."""
    return {
        c.name: CHECKED.get(f"{table.name}.{c.name}", CHECKED.get(c.name, VALUES[c.type.python_type]))
        for c in table.columns
    }


def fill(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in LOADED:
                connection.execute(table.insert().values(row(table)))


def counts(engine: Engine) -> dict[str, int | None]:
    """How many rows there are, but in tables that migrations fill."""
    with engine.connect() as connection:
        known = Base.metadata.tables
        return {
            name: connection.scalar(select(func.count()).select_from(known[name]))
            for name in tables(engine) - LOADED.keys()
        }


def shape(engine: Engine) -> dict[str, set[str]]:
    """The parts of each table's definition as the database keeps it, without regard to their order."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            own = "type IN ('table', 'index') AND sql IS NOT NULL"
            kept = connection.execute(text(f"SELECT name, sql FROM sqlite_master WHERE {own}"))
        else:
            kept = (connection.execute(text(f"SHOW CREATE TABLE `{name}`")).one() for name in tables(engine))
        # SQLite keeps an added column as the end of the statement that made the table.
        found = {name: {part.strip() for part in PARTS.split(ddl.removesuffix(")"))} for name, ddl in kept}
    return {
        name: lines for name, lines in found.items() if name not in ("alembic_version", "sqlite_sequence")
    }


def test_the_tables_are_those_of_the_models(engine):
    upgrade()

    with engine.connect() as connection:
        assert (
            compare_metadata(
                MigrationContext.configure(connection, opts={"include_name": compared}), Base.metadata
            )
            == []
        )


def test_the_tables_are_defined_word_for_word_as_the_models_would(engine):
    upgrade()
    migrated = shape(engine)
    downgrade("base")
    Base.metadata.create_all(engine)

    assert shape(engine) == migrated
    assert migrated.keys() >= Base.metadata.tables.keys()


def test_each_revision_goes_down_and_up_and_leaves_the_rows_of_others(engine):
    upgrade()
    fill(engine)
    before = counts(engine)
    assert before == dict.fromkeys(Base.metadata.tables.keys() - LOADED.keys(), 1)

    for _ in REVISIONS:
        downgrade("-1")
        kept = counts(engine)
        assert kept.items() <= before.items()

        upgrade("+1")
        derived = {name: count for name, count in before.items() if name in DERIVED}
        assert counts(engine) == dict.fromkeys(before, 0) | derived | kept

        downgrade("-1")
        before = kept
    assert before == {}


def test_each_lock_is_there(engine):
    upgrade()

    with engine.connect() as connection:
        assert set(connection.scalars(select(Cerrojo.nombre))) == set(CERROJOS)


def test_all_the_way_down_and_up_again(engine):
    upgrade()
    fill(engine)
    downgrade("base")
    assert tables(engine) == set()

    upgrade()
    fill(engine)
    assert tables(engine) == Base.metadata.tables.keys()


@pytest.mark.parametrize("opened", [(1985, 3), (1990, 1), (2026, 12), (2150, 1)], ids=str)
def test_search_rows_get_the_marks_of_their_months(engine, opened):
    upgrade()
    fill(engine)
    tiquet = db.session.scalars(select(Tiquet)).one()
    tiquet.titulo, tiquet.descripcion = "Árbol xx_xx, ¿qué?", "axx xx"
    tiquet.fecha_creacion = datetime(*opened, 28)
    search.index(tiquet)
    db.session.commit()
    rows = select(BusquedaTiquet.mes, BusquedaTiquet.publico, BusquedaTiquet.interno)
    with engine.connect() as connection:
        written = connection.execute(rows).one()

    downgrade("0024")
    with engine.connect() as connection:
        before = connection.scalar(text("SELECT publico FROM Busqueda_tiquet"))
    upgrade()

    assert before == " xxsp000001 xx000001 xx_ xxarbol xxxx xxxx xxque xx_ xxaxx xxxx xx_ xxx "
    with engine.connect() as connection:
        assert connection.execute(rows).one() == written


def test_revisions_are_numbered():
    assert REVISIONS[::-1] == [f"{n:04}" for n in range(1, len(REVISIONS) + 1)]


def test_a_script_for_the_operator_creates_every_table(engine, capsys):
    bound().upgrade(MIGRATIONS, sql=True)

    script = capsys.readouterr().out
    quote = engine.dialect.identifier_preparer.quote
    assert all(f"CREATE TABLE {quote(name)} (" in script for name in Base.metadata.tables)
    assert ("utf8mb4_nopad_bin" in script) == (engine.dialect.name == "mysql")
    assert tables(engine) == set()


def test_loggers_go_on_speaking(engine):
    logger = logging.getLogger("app")
    level = logging.getLogger().level

    upgrade()

    assert not logger.disabled
    assert logging.getLogger().level == level


@pytest.mark.sqlite
def test_a_migration_that_would_leave_orphans_is_undone(engine):
    upgrade("0003")
    with closing(sqlite3.connect(engine.url.database)) as unchecked, unchecked:
        unchecked.execute("INSERT INTO Usuario_categoria (id_usuario, id_categoria) VALUES (404, 404)")

    with pytest.raises(SystemExit):
        upgrade()

    assert "Log_transaccional" not in tables(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0003"


@pytest.mark.sqlite
def test_processes_that_start_together_migrate_once(engine, fresh_database):
    command = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade", "--directory", MIGRATIONS]
    environment = {**os.environ, **settings(fresh_database)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    processes = [subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) for _ in range(3)]

    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert tables(engine) == Base.metadata.tables.keys()


def test_the_newest_revision_is_the_last_file():
    script = ScriptDirectory(MIGRATIONS)

    assert script.get_heads() == [health.newest()] == [REVISIONS[0]]
