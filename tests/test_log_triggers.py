"""The log refuses, in the database itself, to be changed or erased; but for what sealing and erasing need."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import BASE_ID, LogCabeza, LogTransaccional
from app.services.log import chain, sequencer
from migrations import triggers
from tests import factories
from tests.mariadb import Server
from tests.world import between_requests

LOG = LogTransaccional.__table__
OTHER = {
    **dict.fromkeys(("id", "id_usuario", "id_entidad", "id_tiquet", "version_resultante"), 777),
    **dict.fromkeys(("id_evento", "accion", "entidad", "origen", "id_solicitud", "ip"), "otro"),
    "tipo_actor": "sistema",
    "fecha": "2020-01-01 00:00:00",
    "secuencia": 777,
    **dict.fromkeys(("hash", "hash_anterior", "digesto"), "f" * 64),
    "sal": "f" * 32,
    "cambios": '[{"campo": "titulo", "anterior": null, "nuevo": "otro"}]',
}


def write(id_evento: str) -> None:
    """An event without a number."""
    about = {"accion": "tiquet.actualizado", "entidad": "tiquet", "tipo_actor": "anonimo", "origen": "http"}
    cambios = [{"campo": "titulo", "anterior": "Á", "nuevo": "a"}]
    db.session.add(LogTransaccional(id_evento=id_evento, cambios=cambios, **about))
    db.session.commit()


@pytest.fixture
def sealed(session) -> int:
    """The number of an event that has a text."""
    factories.tiquet()
    write("uno-0")
    with between_requests():
        sequencer.number_events()
    return db.session.scalar(sa.select(LOG.c.secuencia).where(LOG.c.id_evento == "uno-0"))


def refused(statement: sa.Executable) -> bool:
    try:
        db.session.execute(statement)
    except DBAPIError as error:
        return "solo se añade" in str(error)
    finally:
        db.session.rollback()
    return False


def assigned(column: str, value: object) -> sa.Executable:
    return sa.text(f"UPDATE Log_transaccional SET {column} = :value WHERE id_evento = 'uno-0'").bindparams(
        value=value
    )


def test_no_column_of_a_sealed_event_can_be_changed(sealed):
    assert OTHER.keys() == {column.name for column in LOG.columns}
    assert [name for name, value in OTHER.items() if not refused(assigned(name, value))] == []
    assert refused(assigned("accion", "TIQUET.actualizado"))
    assert refused(assigned("sal", None))
    assert refused(sa.text("UPDATE Log_transaccional SET cambios = '[]'"))


def test_its_text_can_be_emptied_with_its_salt_and_does_not_come_back(sealed):
    empty = sa.update(LOG).where(LOG.c.secuencia == sealed)
    db.session.execute(empty.values(sal=None, cambios=[]))
    db.session.commit()

    assert refused(empty.values(cambios=[{"campo": "titulo", "anterior": None, "nuevo": "b"}]))
    with between_requests():
        assert chain.verify()["vaciados"] == 1


def test_an_event_cannot_be_erased_but_behind_the_base(sealed):
    assert refused(sa.delete(LOG).where(LOG.c.secuencia == sealed))
    write("dos-0")
    assert refused(sa.delete(LOG).where(LOG.c.id_evento == "dos-0"))
    assert refused(sa.update(LOG).where(LOG.c.id_evento == "dos-0").values(accion="c.d"))

    db.session.execute(sa.update(LogCabeza).where(LogCabeza.id == BASE_ID).values(secuencia=sealed))
    db.session.commit()

    assert refused(sa.delete(LOG))  # The second has no number.
    assert not refused(sa.delete(LOG).where(LOG.c.secuencia <= sealed))


@pytest.mark.mariadb
def test_a_server_that_allows_no_triggers_is_used_without(without_app):
    with Server("--skip-ssl", "--log-bin=binlog", "--log-bin-trust-function-creators=0") as server:
        engine = sa.create_engine(server.url("sin"))
        server.execute("CREATE USER sin@'127.0.0.1'")
        server.execute("GRANT ALL ON sin.* TO sin@'127.0.0.1'")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE Log_cabeza (id INT, secuencia INT)")
            connection.exec_driver_sql(
                f"CREATE TABLE {triggers.LOG} ({', '.join(f'{c} INT' for c in OTHER)})"
            )
        engine.dispose()
        lesser = sa.create_engine(server.url("sin").replace("root@", "sin@"))
        with lesser.begin() as connection:
            assert triggers.create(connection) is False
        lesser.dispose()
