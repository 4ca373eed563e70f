"""What is read in no transaction: by connections of its own, which are as safe as the others."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from app.database import ALONE, STATEMENT, Verdict, verdict
from app.driver import executing, fetch
from app.extensions import db
from app.models import EstadoTiquet, Tiquet
from app.queries.alone import rows
from app.services.desk import tickets
from tests import factories
from tests.conftest import disconnect
from tests.rows import LISTA
from tests.statements import noted


@pytest.fixture
def asked(committed):
    """Gets a path for a technician."""
    disconnect()
    headers = factories.quien("Técnico").headers
    db.session.remove()
    return lambda path: committed.test_client().get(path, headers=headers)


@pytest.fixture
def id(committed):
    found = factories.tiquet()
    db.session.remove()
    return found


def connection_id():
    """Of the one that whoever asks next is given."""
    with db.engines[ALONE].connect() as connection:
        return connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()


def in_transaction(number):
    """Whether this connection is in one, by the server's word."""
    with db.engine.connect() as other:
        told = sa.text(
            "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = :number"
        )
        return bool(other.execute(told, {"number": number}).scalar_one())


@pytest.mark.mariadb
def test_a_ticket_and_a_page_of_tickets_are_read_in_no_transaction(asked, id):
    mine = db.session.connection().exec_driver_sql("SELECT CONNECTION_ID() FROM Tiquet").scalar()
    assert in_transaction(mine)  # That of the session is.
    db.session.remove()

    before = connection_id()
    for path in (f"{LISTA}/{id}", LISTA):
        assert asked(path).status_code == 200
        assert db.engine.pool.checkedout() == db.engines[ALONE].pool.checkedout() == 0
    assert connection_id() == before
    assert not in_transaction(before)


@pytest.mark.mariadb
def test_its_connections_have_the_limits_of_the_others(committed):
    read = "SELECT @@max_statement_time, @@time_zone, @@sql_mode, @@innodb_lock_wait_timeout"
    disconnect()
    with (
        committed.test_request_context(),
        db.engines[ALONE].connect() as alone,
        db.engine.connect() as others,
    ):
        limits, theirs = (connection.exec_driver_sql(read).one() for connection in (alone, others))
        commits = alone.exec_driver_sql("SELECT @@autocommit").scalar_one()
    disconnect()

    assert limits == theirs
    assert (limits[0], commits) == (STATEMENT, 1)


@pytest.mark.mariadb
def test_one_that_was_killed_is_replaced(asked, id):
    mine = connection_id()
    with db.engine.connect() as other:
        other.exec_driver_sql(f"KILL CONNECTION {mine}")

    assert asked(f"{LISTA}/{id}").status_code == 200
    assert connection_id() != mine


@pytest.mark.mariadb
def test_when_one_is_lost_those_that_lie_beside_it_are_let_go(committed):
    disconnect()
    engine = db.engines[ALONE]
    held = [engine.connect() for _ in range(3)]
    numbers = [connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one() for connection in held]
    for connection in held:
        connection.close()
    with db.engine.connect() as other:
        for number in numbers:
            other.exec_driver_sql(f"KILL CONNECTION {number}")

    with pytest.raises(OperationalError) as lost:
        fetch(engine, "SELECT 1", ())
    assert (lost.value.connection_invalidated, verdict(lost.value)) == (True, Verdict.LOST)
    assert [fetch(engine, "SELECT 1", ())[0][0] for _ in range(3)] == [1, 1, 1]
    assert engine.pool.checkedout() == 0


def test_after_a_mistake_of_ours_the_same_one_goes_on(committed):
    engine = db.engines[ALONE]
    fetch(engine, "SELECT 1", ())
    before = engine.pool.checkedin()

    with pytest.raises(DBAPIError) as wrong:
        fetch(engine, "SELECT nothing FROM nowhere", ())

    assert (wrong.value.connection_invalidated, verdict(wrong.value)) == (False, Verdict.WRONG)
    assert (engine.pool.checkedout(), engine.pool.checkedin()) == (0, before)
    assert fetch(engine, "SELECT 1", ())[0][0] == 1


def test_one_whose_statement_was_broken_off_is_nobody_elses(committed):
    disconnect()
    engine = db.engines[ALONE]
    given = []

    def leave(_engine, **_said):
        raise SystemExit

    @sa.event.listens_for(engine, "checkout")
    def note(connection, *_):
        given.append(connection)  # Kept, so that the next one is not made in its place.

    try:
        fetch(engine, "SELECT 1", ())
        with executing.connected_to(leave), pytest.raises(SystemExit):
            fetch(engine, "SELECT 1", ())
        assert (engine.pool.checkedout(), fetch(engine, "SELECT 1", ())[0][0]) == (0, 1)
    finally:
        sa.event.remove(engine, "checkout", note)

    first, broken_off, after = given
    assert first is broken_off
    assert after is not broken_off


def test_that_there_is_no_server_is_known_from_what_is_raised(committed):
    options = {"connect_args": {"connect_timeout": 1}} if db.engine.dialect.name == "mysql" else {}
    gone = db.engine.url.set(port=1) if options else "sqlite:////nowhere/at/all.db"
    engine = sa.create_engine(gone, **options)

    with pytest.raises(OperationalError) as away:
        fetch(engine, "SELECT 1", ())

    assert verdict(away.value) is (Verdict.LOST if options else Verdict.BUSY)


def test_what_is_read_by_them_is_counted_in_the_line_of_the_request(asked, id, caplog):
    asked(f"{LISTA}/{id}")
    caplog.clear()
    with caplog.at_level("INFO", "soporteplus.peticiones"):
        asked(f"{LISTA}/{id}")

    (line,) = [record for record in caplog.records if record.name == "soporteplus.peticiones"]
    assert line.sentencias == 1


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&orden=prioridad",
        "&orden=fecha_actualizacion",
        "&etiqueta=red",
        "&id_estado=1&creado_desde=2020-01-01T00:00:00Z",
        "&id_usuario_asignado=ninguno&id_usuario_asignado=yo",
    ],
)
def test_page_by_page_the_list_is_what_it_is_at_once(asked, committed, query):
    with committed.test_request_context():
        for number in range(4):
            labelled = factories.tiquet(titulo=f"Tiquet {number}", etiquetas=["red"])
            tickets.write_labels(db.session.get_one(Tiquet, labelled))
        db.session.commit()
    whole = asked(f"{LISTA}?limite=10{query}").json["data"]

    pages, cursor = [], ""
    while cursor is not None:
        page = asked(f"{LISTA}?limite=1{query}{cursor}").json
        pages += page["data"]
        following = page["paginacion"]["siguiente"]
        cursor = following and f"&cursor={following}"

    assert pages == whole
    assert len(whole) == 4


def test_a_list_of_values_is_written_into_its_statement_each_time(committed):
    wanted = sa.select(EstadoTiquet.id).where(EstadoTiquet.id.in_(sa.bindparam("ids", expanding=True)))
    wanted = wanted.order_by(EstadoTiquet.id)

    assert [list(rows(wanted, {"ids": ids})) for ids in ([1], [2, 1], [])] == [[(1,)], [(1,), (2,)], []]


def test_they_are_closed_with_the_others(asked, id):
    assert asked(f"{LISTA}/{id}").status_code == 200
    pool = db.engines[ALONE].pool
    assert pool.checkedin() > 0

    disconnect()

    assert db.engines[ALONE].pool is not pool
    assert db.engines[ALONE].pool.checkedin() == 0


@pytest.fixture
def small_packets(committed):
    """Makes MariaDB send no value of more than this many bytes to whoever connects from now on."""
    with db.engine.connect() as connection:
        usual = connection.exec_driver_sql("SELECT @@GLOBAL.max_allowed_packet").scalar_one()

    def limit(length):
        with db.engine.connect() as connection:
            connection.exec_driver_sql(f"SET GLOBAL max_allowed_packet = {length}")
        disconnect()

    yield limit
    limit(usual)


@pytest.mark.mariadb
def test_a_page_that_is_longer_than_the_server_sends_is_read_row_by_row(asked, committed, small_packets):
    with committed.test_request_context():
        for number in range(5):
            factories.tiquet(titulo=f"Tiquet {number}", descripcion="Con ñ y «comillas» " * 300)
        db.session.commit()
    whole = asked(f"{LISTA}?limite=3")
    small_packets(16 * 1024)

    with noted() as statements:
        by_rows = asked(f"{LISTA}?limite=3")

    assert (whole.status_code, by_rows.status_code) == (200, 200)
    assert len(statements) == 2  # Who asks and what is too long; the rows.
    assert by_rows.json == whole.json
    assert [tiquet["titulo"] for tiquet in whole.json["data"]] == ["Tiquet 4", "Tiquet 3", "Tiquet 2"]
    assert whole.json["paginacion"]["total"] == 5


def test_that_none_is_free_is_an_honest_503(asked, id, monkeypatch):
    pool = db.engines[ALONE].pool
    monkeypatch.setattr(pool, "_timeout", 0.1)
    held = [db.engines[ALONE].connect() for _ in range(pool.size() + pool._max_overflow)]
    try:
        answer = asked(f"{LISTA}/{id}")
    finally:
        for connection in held:
            connection.close()

    assert (answer.status_code, answer.json["codigo"]) == (503, "base_de_datos_ocupada")
    assert asked(f"{LISTA}/{id}").status_code == 200
