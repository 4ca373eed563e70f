"""The application under test, on SQLite or with ``--mariadb`` on a throwaway MariaDB."""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from app import create_app, transaction
from app.database import ALONE
from app.extensions import db
from app.migrations import upgrade
from app.models import GENESIS, Base, LogCabeza, LogTransaccional, Tiquet
from app.services import seed
from app.utils.live import streams
from config.config import Config
from migrations import triggers
from tests import factories
from tests.client import ApiClient
from tests.mariadb import Server

streams.LIFE = 0.0  # In this process a stream tells what there is, and ends.
FILES = tempfile.TemporaryDirectory(prefix="adjuntos-")  # Gone with this process.
# What every application under test is set to, in this process and in others.
SECRETS = {
    "SECRET_KEY": "k1-" + uuid.uuid4().hex,
    "JWT_SECRET_KEY": "k2-" + uuid.uuid4().hex,
    "STORAGE_URL": f"file://{FILES.name}",
}
CATALOGS = (
    "Cat_tiquet",
    "Estado_tiquet",
    "Catalogo_criticidad",
    "Prioridades",
    "Ubicaciones",
    "Cat_problema",
)
KEPT = (*CATALOGS, "Catalogo_epoca", "Cerrojo", "Log_cabeza", "alembic_version")
pytest_plugins = ("tests.browser",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mariadb", action="store_true", help="start a MariaDB server for this run and test on it"
    )
    parser.addoption(
        "--driver",
        choices=("pymysql", "mysqldb"),
        default="pymysql",
        help="by which the tests reach the MariaDB that they start",
    )
    parser.addoption("--browser", action="store_true", help="also run the tests that need Chromium")
    parser.addoption(
        "--schemathesis", type=int, help="also run schemathesis, with so many random cases per operation"
    )
    parser.addoption(
        "--manipulaciones",
        type=int,
        default=200,
        metavar="N",
        help="how often test_chain.py falsifies the log",
    )
    parser.addoption(
        "--tormenta", type=float, default=12, metavar="SECONDS", help="how long test_log_storm.py goes on"
    )


def pytest_configure(config: pytest.Config) -> None:
    Server.driver = config.getoption("--driver")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and count as left out, what is about another database or driver, or was not asked for."""
    absent = {"sqlite" if on_mariadb(config) else "mariadb"}
    absent |= {name for name in ("browser", "schemathesis") if not config.getoption(f"--{name}")}
    absent |= {"pymysql"} - {config.getoption("--driver")}
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in absent)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def on_mariadb(config: pytest.Config) -> bool:
    return bool(config.getoption("--mariadb")) or os.environ.get("TEST_DATABASE_URL", "").startswith("mysql")


def config_for(url: str, **values: str) -> Config:
    """The settings of tests; who tests the limits of requests turns them on."""
    own = {"FLASK_ENV": "testing", "DATABASE_URL": url, "RATELIMIT_ENABLED": "false"}
    own["IMPORTACION_MAX_MB"] = "25"  # As much as an attachment: what is too large is so for both.
    return Config.from_mapping({**own, **SECRETS, **values})


def disconnect() -> None:
    """Close the connections of the running application that nobody uses."""
    for engine in db.engines.values():
        engine.dispose()


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server | None]:
    """The throwaway MariaDB of this run, if there is one."""
    if pytestconfig.getoption("--mariadb"):
        with Server() as started:
            yield started
    else:
        yield None


@pytest.fixture(scope="session")
def new_database(server: Server | None, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes empty databases; answers the URL of each."""

    def make() -> str:
        name = f"prueba_{uuid.uuid4().hex[:12]}"
        if server:
            return server.url(name)
        if url := os.environ.get("TEST_DATABASE_URL"):
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            engine.dispose()
            return sa.make_url(url).set(database=name).render_as_string(hide_password=False)
        return f"sqlite:///{(tmp_path_factory.mktemp('bases') / f'{name}.db').as_posix()}"

    return make


@pytest.fixture
def fresh_database(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="session")
def app(database_url: str) -> Iterator[Flask]:
    """The application, its database migrated and its catalogs loaded."""
    app = create_app(config_for(database_url))
    app.test_client_class = ApiClient
    with app.app_context():
        upgrade()
        transaction.run(seed.seed_catalogs)
        db.session.remove()
    yield app
    with app.app_context():
        disconnect()


@pytest.fixture
def with_settings(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Other settings for one test."""

    def change(**values: str) -> None:
        url = app.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
        monkeypatch.setitem(app.extensions, "soporteplus", config_for(url, **values))

    return change


@pytest.fixture(autouse=True)
def session(request: pytest.FixtureRequest) -> Iterator[scoped_session[Session] | None]:
    """A session whose changes, committed or not, are undone when the test ends."""
    if {"committed", "without_app"} & set(request.fixturenames):
        yield None
        return
    app: Flask = request.getfixturevalue("app")
    if "tampering" in request.fixturenames:
        request.getfixturevalue("tampering")  # Before the transaction, which a DROP TRIGGER would end.
    with app.app_context():
        engine = db.engine
        connection = engine.connect()
        limit = let_idle(connection)
        outer = connection.begin()
        # Requests join through a savepoint, and all that they read is read by this connection.
        alone = db.engines.pop(ALONE, None)
        db.engines[None] = connection  # type: ignore[assignment]
        try:
            yield db.session
        finally:
            db.session.remove()
            outer.rollback()
            let_idle(connection, limit)
            connection.close()
            db.engines[None] = engine
            if alone:
                db.engines[ALONE] = alone


def let_idle(connection: Connection, seconds: int = 0) -> int:
    """Let a transaction that wrote wait so long for its test, 0 for ever; answers how long it might before.

    MariaDB ends those of the application after three seconds, which a test on a slow machine may compute.
    """
    if not getattr(connection.dialect, "is_mariadb", False):
        return seconds
    before: int = connection.exec_driver_sql("SELECT @@idle_write_transaction_timeout").scalar_one()
    connection.exec_driver_sql(f"SET idle_write_transaction_timeout = {seconds}")
    connection.rollback()
    return before


@pytest.fixture
def tampering(app: Flask) -> Iterator[None]:
    """A database whose log takes any change, as it is for whoever has all rights."""
    with app.app_context():
        with db.engine.begin() as connection:
            triggers.drop(connection)
        yield
        with db.engine.begin() as connection:
            triggers.create(connection)


@pytest.fixture
def without_app() -> None:
    """For tests that make what they need themselves."""


@pytest.fixture
def committed(app: Flask) -> Iterator[Flask]:
    """The real engine, for what cannot be rolled back; all but the catalogs is emptied afterwards."""
    with app.app_context():
        yield app
        empty_tables()


def empty_tables() -> None:
    """Undo what was committed, but for the catalogs."""
    db.session.remove()
    with db.engine.begin() as connection:
        # InnoDB checks row by row: a ticket cannot go before those that point at it.
        connection.execute(sa.update(Tiquet).values(id_tiquet_padre=None, id_tiquet_fusionado=None))
        triggers.drop(connection)
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(table.delete())
        connection.execute(sa.update(LogCabeza).values(secuencia=0, hash=GENESIS))
        triggers.create(connection)


@pytest.fixture
def client(app: Flask, session: Any) -> ApiClient:
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def call(client: ApiClient) -> Callable[..., TestResponse]:
    """One request of somebody's: ``call(tecnico, "PUT", path, {…}, If_Match=etag)``."""

    def call(
        quien: factories.Quien | None, method: str, path: str, body: Any = None, **headers: str
    ) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = quien.headers if quien else {}
        return client.open(path, method=method, json=body, headers={**signed, **sent})

    return call


@pytest.fixture
def events(session: Any) -> Callable[..., list[Any]]:
    """The events of one action, oldest first: ``id_usuario, id_entidad, version_resultante, cambios``."""

    def events(accion: str) -> list[Any]:
        db.session.commit()  # Begin anew, to see what others committed; a rollback would undo it in a test.
        log = LogTransaccional
        columns = (log.id_usuario, log.id_entidad, log.id_tiquet, log.version_resultante, log.cambios)
        return list(db.session.execute(sa.select(*columns).where(log.accion == accion).order_by(log.id)))

    return events


@pytest.fixture
def admin(request: pytest.FixtureRequest, session: Any) -> factories.Quien:
    return factories.quien("Administrador")


@pytest.fixture
def tecnico(session: Any) -> factories.Quien:
    return factories.quien("Técnico")


@pytest.fixture
def tmp_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
