"""The unit of work: what is tried again, what is refused, and what is known after a lost COMMIT."""

import gc
import multiprocessing
import socket
from threading import Barrier
from time import monotonic

import pymysql
import pytest
from flask import Flask
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from app import create_app, database, transaction
from app.errors import AppError, Conflict, Invalid, Unauthorized, Unavailable
from app.extensions import db
from app.models import Clientes, LogTransaccional, Tiquet, Usuario, utcnow
from app.permissions import SISTEMA
from app.services.log import audit
from tests import factories
from tests.conftest import config_for, disconnect
from tests.threads import at_once

pytestmark = pytest.mark.usefixtures("committed")

DEADLOCK, SNAPSHOT, TOO_MANY, SHUTDOWN, LOST = 1213, 1020, 1040, 1053, 2013


def error(code: int) -> OperationalError:
    return OperationalError("…", {}, pymysql.err.OperationalError(code, "as the server says it"))


def names() -> list[str]:
    """The customers that are committed."""
    db.session.rollback()
    return list(db.session.scalars(select(Clientes.nombre).order_by(Clientes.id)))


def events() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(LogTransaccional)) or 0


class Adding:
    """A unit that adds a customer, with its event; on its first runs it meets ``faults`` after that."""

    def __init__(self, *faults: Exception, nombre: str = "Ana") -> None:
        self.faults = list(faults)
        self.nombre = nombre
        self.runs = 0

    def __call__(self) -> int:
        self.runs += 1
        cliente = Clientes(nombre=self.nombre)
        db.session.add(cliente)
        audit.record("cliente.creado", SISTEMA, cliente, {})
        if self.faults:
            raise self.faults.pop(0)
        return cliente.id


class Commits:
    """Stands for ``session.commit``: of the first commits, ``faults`` says (happens?, error) for each."""

    def __init__(self, *faults: tuple[bool, Exception]) -> None:
        self.faults = list(faults)
        self.real = db.session.commit

    def __call__(self) -> None:
        happens, fault = self.faults.pop(0) if self.faults else (True, None)
        if happens:
            self.real()
        if fault:
            raise fault


@pytest.fixture
def no_pause(monkeypatch):
    monkeypatch.setattr(transaction, "sleep", lambda _seconds: None)


@pytest.mark.parametrize(
    "fault",
    [
        error(DEADLOCK),
        error(SNAPSHOT),
        error(1205),
        error(LOST),
        error(SHUTDOWN),
        InternalError("…", {}, pymysql.err.InternalError("Packet sequence number wrong")),
        StaleDataError(),
        transaction.TryAgain(),
    ],
    ids=lambda fault: str(getattr(fault, "orig", type(fault).__name__)),
)
def test_a_unit_that_can_run_again_does_and_leaves_one_trace(fault):
    unit = Adding(fault)

    transaction.run(unit)

    assert (unit.runs, names(), events()) == (2, ["Ana"], 1)


def test_a_unit_runs_six_times_and_no_more(no_pause):
    unit = Adding(*[error(DEADLOCK)] * 10)

    with pytest.raises(Unavailable, match=r"^base_de_datos_ocupada$"):
        transaction.run(unit)

    assert (unit.runs, names()) == (transaction.TRIES, [])


def test_no_try_begins_that_the_deadline_leaves_no_time_for():
    unit = Adding(*[error(LOST)] * 10)

    with pytest.raises(Unavailable, match=r"^base_de_datos_no_disponible$"):
        transaction.run(unit, deadline=monotonic() + transaction.SHORTEST)

    assert unit.runs == 1


@pytest.mark.parametrize("fault", [error(1064), ValueError("a mistake")], ids=["SQL", "Python"])
def test_a_mistake_of_ours_is_not_tried_again(fault):
    unit = Adding(fault)

    with pytest.raises(type(fault)):
        transaction.run(unit)
    db.session.remove()  # As the end of the request does.

    assert (unit.runs, names()) == (1, [])


def test_what_was_read_before_the_unit_does_not_hold_it_back():
    """A hook's open read would make BEGIN IMMEDIATE a no-op, and show the unit an outdated snapshot."""
    unit, seen = Adding(), []
    db.session.scalars(select(Clientes.nombre)).all()
    with db.engine.begin() as other:
        other.execute(insert(Clientes).values(nombre="Eva", activo=True, fecha_creacion=utcnow(), version=1))

    transaction.run(lambda: (seen.extend(db.session.scalars(select(Clientes.nombre))), unit()))

    assert (seen, unit.runs, names()) == (["Eva"], 1, ["Eva", "Ana"])


def test_an_overloaded_server_is_not_asked_again():
    unit = Adding(error(TOO_MANY))

    with pytest.raises(Unavailable, match=r"^base_de_datos_ocupada$") as refused:
        transaction.run(unit)

    assert unit.runs == 1
    assert refused.value.retry_after


def test_a_refusal_rolls_back():
    with pytest.raises(Conflict):
        transaction.run(Adding(Conflict()))

    assert (names(), events()) == ([], 0)


def test_a_refusal_that_is_to_be_remembered_commits_and_is_raised():
    with pytest.raises(Unauthorized):
        transaction.run(Adding(Unauthorized(conserva=True)))

    assert (names(), events()) == (["Ana"], 1)


def test_a_row_that_changed_under_its_change_is_changed_again():
    id, tries = factories.tiquet(), []

    def unit() -> str:
        tiquet = db.session.get_one(Tiquet, id)
        tries.append(tiquet.version)
        if len(tries) == 1:  # As if somebody else had been there meanwhile.
            raised = update(Tiquet).values(version=Tiquet.version + 1)
            db.session.execute(raised, execution_options={"synchronize_session": False})
        tiquet.titulo = "Otro"
        return tiquet.titulo

    assert transaction.run(unit) == "Otro"
    assert len(tries) == 2
    assert db.session.get_one(Tiquet, id).titulo == "Otro"


@pytest.mark.mariadb
def test_two_units_that_deadlock_both_succeed(app: Flask):
    first, second = factories.tiquet(), factories.tiquet()
    both_hold_one = Barrier(2)
    runs = []

    def work(number: int) -> None:
        rows = [first, second][:: 1 if number == 0 else -1]

        def unit() -> None:
            again = number in runs
            runs.append(number)
            for position, id in enumerate(rows):
                counted = Tiquet.numero_comentarios + 1
                db.session.execute(update(Tiquet).where(Tiquet.id == id).values(numero_comentarios=counted))
                if position == 0 and not again:
                    both_hold_one.wait(5)

        with app.app_context():
            transaction.run(unit)

    at_once(2, work)

    assert len(runs) == 3  # InnoDB sacrificed one of the two, once.
    db.session.rollback()
    assert list(db.session.scalars(select(Tiquet.numero_comentarios))) == [2, 2]


@pytest.mark.mariadb
def test_a_write_over_an_outdated_read_is_tried_again(app: Flask):
    id, seen = factories.tiquet(), []

    def elsewhere(_number: int) -> None:
        with db.engine.begin() as connection:
            connection.execute(update(Tiquet).values(numero_comentarios=10))

    def unit() -> None:
        number = db.session.scalar(select(Tiquet.numero_comentarios).where(Tiquet.id == id))
        seen.append(number)
        if len(seen) == 1:
            elsewhere(0)
        # Read, add and write, with no lock and no version: what an ORM would lose.
        db.session.execute(update(Tiquet).where(Tiquet.id == id).values(numero_comentarios=number + 1))

    transaction.run(unit)

    assert seen == [0, 10]
    assert db.session.scalar(select(Tiquet.numero_comentarios)) == 11


@pytest.mark.mariadb
@pytest.mark.pymysql
@pytest.mark.parametrize("code", [SHUTDOWN, 1317])
def test_a_connection_that_dies_before_it_can_roll_back_is_replaced(code):
    def die() -> None:
        if unit.runs == 1:
            raw = db.session.connection().connection.driver_connection
            raw._sock.shutdown(socket.SHUT_RDWR)
            raise error(code)

    unit = Adding()

    transaction.run(lambda: (unit(), die()))

    assert (unit.runs, names()) == (2, ["Ana"])


@pytest.mark.mariadb
def test_a_killed_connection_is_replaced():
    unit = Adding()

    def killed() -> None:
        unit()
        if unit.runs == 1:
            mine = db.session.connection().exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
            with db.engine.connect() as other:
                other.exec_driver_sql(f"KILL CONNECTION {mine}")

    transaction.run(killed)

    assert (unit.runs, names()) == (2, ["Ana"])


@pytest.mark.mariadb
@pytest.mark.parametrize(("fresh", "retries"), [(0, 0), (60, 1)], ids=["asked before", "found out"])
def test_a_connection_that_died_while_nobody_used_it_is_replaced(monkeypatch, fresh, retries):
    monkeypatch.setattr(database, "FRESH", fresh)
    counted = []
    disconnect()  # So that the only connection that waits is the one that dies.
    mine = connection_id()
    with db.engine.connect() as other:
        db.session.remove()
        other.exec_driver_sql(f"KILL CONNECTION {mine}")
        with transaction.retried.connected_to(lambda _sender: counted.append(1)):
            found = transaction.read(connection_id)

    assert found != mine
    assert len(counted) == retries


@pytest.mark.mariadb
def test_a_connection_that_is_let_go_in_a_transaction_is_rolled_back():
    db.session.remove()
    disconnect()
    forgotten = db.engine.connect()
    mine = forgotten.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
    row = {"nombre": "Eva", "activo": True, "fecha_creacion": utcnow(), "version": 1}
    forgotten.execute(insert(Clientes).values(row))

    del forgotten
    gc.collect()

    assert (connection_id(), db.session.scalar(select(func.count()).select_from(Clientes))) == (mine, 0)


@pytest.mark.mariadb
def test_a_commit_that_the_server_refused_leaves_nothing_open(monkeypatch):
    def refuse(dialect, _connection):
        raise dialect.dbapi.OperationalError(1969, "max_statement_time exceeded")

    db.session.remove()
    disconnect()
    with monkeypatch.context() as patched:
        patched.setattr(type(db.engine.dialect), "do_commit", refuse)
        with pytest.raises(Unavailable):
            transaction.run(Adding())
    db.session.remove()

    left = "SELECT COUNT(*) FROM information_schema.innodb_trx"
    with db.engine.connect() as asking:
        assert asking.exec_driver_sql(left).scalar_one() == 0
    assert names() == []


@pytest.mark.mariadb
@pytest.mark.pymysql
def test_a_unit_that_is_committed_is_not_rolled_back_too(monkeypatch):
    said = []

    def listened(name):
        do = getattr(pymysql.Connection, name)
        return lambda self: (said.append(name), do(self))

    for name in ("commit", "rollback"):
        monkeypatch.setattr(pymysql.Connection, name, listened(name))

    transaction.run(Adding())
    db.session.remove()

    assert said == ["commit"]


def connection_id() -> int:
    found: int = db.session.connection().exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
    return found


# Broken constraints


def refused_by(thing: object) -> AppError:
    def unit() -> None:
        db.session.add(thing)

    with pytest.raises(AppError) as refused:
        transaction.run(unit)
    return refused.value


def test_a_value_that_another_row_has_is_a_conflict_that_names_the_field():
    email = factories.quien("Técnico").email
    twin = Usuario(email=email, nombre="A", apellido="B", password_hash="x", tipo_usuario="Técnico")

    refused = refused_by(twin)

    assert (refused.status, refused.codigo, refused.miembros) == (409, "ya_existe", {"campos": ["email"]})


def test_values_that_are_unique_together_are_named_together():
    factories.tiquet(origen_externo="jira", id_externo="1")
    creador = factories.UsuarioFactory().id
    twin = factories.TiquetFactory.build(origen_externo="jira", id_externo="1", id_usuario_creador=creador)

    refused = refused_by(twin)

    assert (refused.status, refused.miembros) == (409, {"campos": ["origen_externo", "id_externo"]})


@pytest.mark.parametrize("value", ["Usuario.email", "'uq_Usuario_email'", "x for key 'uq_Usuario_email'"])
def test_a_value_that_looks_like_a_constraint_is_not_taken_for_one(value):
    factories.EmpleadoFactory(codigo_empleado=value)

    refused = refused_by(factories.EmpleadoFactory.build(codigo_empleado=value))

    assert refused.miembros == {"campos": ["codigo_empleado"]}


@pytest.mark.mariadb
def test_a_row_that_is_not_there_is_invalid_at_its_field():
    creador = factories.UsuarioFactory().id
    refused = refused_by(factories.TiquetFactory.build(id_cliente=4242, id_usuario_creador=creador))

    assert isinstance(refused, Invalid)
    assert refused.errores == {"id_cliente": ["no_existe"]}


@pytest.mark.sqlite
def test_a_row_that_is_not_there_is_a_conflict_where_the_database_names_no_field():
    creador = factories.UsuarioFactory().id
    refused = refused_by(factories.TiquetFactory.build(id_cliente=4242, id_usuario_creador=creador))

    assert (refused.status, refused.codigo) == (409, "referencia_en_conflicto")


def test_a_row_that_is_in_use_cannot_go():
    id = db.session.get_one(Tiquet, factories.tiquet()).id_usuario_creador

    with pytest.raises(Conflict, match=r"^referencia_en_conflicto$"):
        transaction.run(lambda: db.session.delete(db.session.get_one(Usuario, id)))


# A COMMIT whose answer is lost


def test_a_commit_that_happened_unheard_is_answered_without_a_second_effect(monkeypatch):
    unit = Adding()
    monkeypatch.setattr(db.session, "commit", Commits((True, error(LOST))))

    id = transaction.run(unit)

    assert (unit.runs, names(), events()) == (1, ["Ana"], 1)
    assert db.session.get_one(Clientes, id)


def test_a_commit_that_did_not_happen_is_made_again(monkeypatch):
    unit = Adding()
    monkeypatch.setattr(db.session, "commit", Commits((False, error(LOST)), (False, error(DEADLOCK))))

    transaction.run(unit)

    assert (unit.runs, names(), events()) == (3, ["Ana"], 1)


def test_a_refusal_whose_remembering_commit_was_lost_is_still_a_refusal(monkeypatch):
    monkeypatch.setattr(db.session, "commit", Commits((True, error(LOST))))

    with pytest.raises(Unauthorized):
        transaction.run(Adding(Unauthorized(conserva=True)))

    assert (names(), events()) == (["Ana"], 1)


def test_a_commit_that_lands_after_we_looked_is_found_by_its_event(monkeypatch):
    """The lost COMMIT is seen neither by the look before the second try, nor is it refused as a double."""
    looks = []

    def late(operation: str) -> bool:
        looks.append(operation)
        return len(looks) > 1 and happened(operation)

    happened = transaction.happened
    monkeypatch.setattr(transaction, "happened", late)
    monkeypatch.setattr(db.session, "commit", Commits((True, error(LOST))))
    unit = Adding()

    transaction.run(unit)

    assert (unit.runs, names(), events()) == (2, ["Ana"], 1)


@pytest.mark.parametrize(
    "after", [error(LOST), error(TOO_MANY), database.PoolTimeout()], ids=["lost", "busy", "no connection"]
)
def test_a_commit_in_doubt_to_the_end_is_said_to_be_in_doubt(monkeypatch, no_pause, after):
    """ "Nothing was saved" would be a lie, whatever keeps us from finding out."""

    def no_look(_operation: str) -> bool:
        raise after

    monkeypatch.setattr(db.session, "commit", Commits((True, error(LOST))))
    monkeypatch.setattr(transaction, "happened", no_look)
    unit = Adding()

    with pytest.raises(Unavailable, match=r"^resultado_desconocido$") as refused:
        transaction.run(unit)

    assert (unit.runs, refused.value.status) == (1, 503)
    assert refused.value.retry_after


# More work than connections, more processes than one


def test_no_free_connection_is_an_honest_503(app: Flask, monkeypatch):
    pool = db.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.1)
    held = [db.engine.connect() for _ in range(pool.size() + pool._max_overflow)]
    try:
        with pytest.raises(Unavailable, match=r"^base_de_datos_ocupada$"):
            transaction.run(Adding())
    finally:
        for connection in held:
            connection.close()

    transaction.run(Adding())
    assert names() == ["Ana"]


def test_nobody_waits_longer_for_a_connection_than_a_request_may(app: Flask):
    assert db.engine.pool.timeout() == database.POOL_WAIT


def write_rows(url: str, writer: int) -> None:
    """Run in a process of its own."""
    with create_app(config_for(url)).app_context():
        for number in range(25):
            transaction.run(Adding(nombre=f"{writer}-{number}"))


def test_four_processes_lose_no_row(database_url):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])  # Imported once, not four times.
    with processes.Pool(4) as pool:
        pool.starmap(write_rows, [(database_url, writer) for writer in range(4)])
        pool.close()
        pool.join()

    assert sorted(names()) == sorted(f"{writer}-{number}" for writer in range(4) for number in range(25))
    assert events() == 100


# What a unit is told


@pytest.mark.parametrize("rows", [1, 2, transaction.TOGETHER + 1])
@pytest.mark.parametrize("of", ["a value", "a list of values"])
def test_what_a_unit_is_told_is_there_for_what_it_asks(rows, of):
    wanted = {
        "a value": LogTransaccional.accion == bindparam("accion"),
        "a list of values": LogTransaccional.accion.in_(bindparam("accion", expanding=True)),
    }[of]
    query = select(LogTransaccional.accion).where(wanted)
    accion = "prueba.'hecha' %s :x; END"
    values = {"accion": accion if of == "a value" else [accion]}

    def unit():
        for _ in range(rows):
            audit.append(accion, SISTEMA)
        return [row[0] for row in transaction.ask(query, values)]

    assert transaction.run(unit) == [accion] * rows
    assert db.session.scalar(select(func.count()).select_from(LogTransaccional)) == rows
