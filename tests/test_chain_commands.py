"""What an operator does about the log: keeps its head, and compares it later."""

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import BASE_ID, GENESIS, LogCabeza, LogTransaccional, Webhooks
from app.services.log import deliveries, purging
from tests import factories
from tests.factories import NUEVO
from tests.world import between_requests

TICKETS = "/api/tickets/tickets"


@pytest.fixture
def path(call, tecnico) -> str:
    made = call(tecnico, "POST", TICKETS, NUEVO)
    return f"{TICKETS}/{made.json['id']}"


@pytest.fixture
def command(app, session):
    def command(*args):
        with between_requests():
            return app.test_cli_runner().invoke(args=list(args))

    return command


def test_an_operator_keeps_a_head_and_compares_it_later(command, call, tecnico, path):
    head = command("auditoria", "cabeza")
    exported, when = head.output.split()
    call(tecnico, "PUT", path, {"titulo": "Otro"})

    verified = command("auditoria", "verificar", "--cabeza", exported)

    assert (head.exit_code, verified.exit_code) == (0, 0)
    assert exported.startswith("1:")
    assert when.endswith("Z")
    assert "Íntegro: 2 eventos, 0 de ellos vaciados." in verified.output
    other = command("auditoria", "verificar", "--cabeza", f"1:{'0' * 64}")
    assert (other.exit_code, "secuencia 1, alterado" in other.output) == (1, True)
    beyond = command("auditoria", "verificar", "--cabeza", f"9:{'0' * 64}")
    assert (beyond.exit_code, "secuencia 9, ausente" in beyond.output) == (1, True)
    assert command("auditoria", "verificar", "--cabeza", "algo").exit_code == 2


def test_an_operator_is_told_what_is_wrong_by_the_exit_status_too(tampering, command, path):
    assert command("auditoria", "verificar").exit_code == 0
    db.session.execute(sa.delete(LogTransaccional))
    db.session.commit()

    ended = command("auditoria", "verificar")

    assert (ended.exit_code, "secuencia 1, ausente" in ended.output) == (1, True)


def test_an_empty_log_has_a_head(command):
    assert command("auditoria", "cabeza").output == f"0:{GENESIS} sin eventos\n"
    assert command("auditoria", "verificar", "--cabeza", f"0:{GENESIS}").exit_code == 0


def test_maintenance_numbers_the_log(command, path):
    assert "Eventos numerados: 1." in command("mantenimiento").output
    assert "Eventos numerados: 0." in command("mantenimiento").output


def test_the_beginning_of_the_log_is_purged_up_to_an_exported_head_and_the_rest_verifies(
    command, call, admin, path
):
    for number in range(3):
        call(admin, "PUT", path, {"titulo": f"Título {number}"})
    exported = command("auditoria", "cabeza").output.split()[0]
    call(admin, "PUT", path, {"titulo": "Otro"})

    purged = command("auditoria", "purgar", "--hasta", exported, "--si")

    secuencia = int(exported.partition(":")[0])
    assert (purged.exit_code, purged.output) == (0, f"Eventos borrados: {secuencia}.\n")
    left = db.session.scalars(sa.select(LogTransaccional.accion).order_by(LogTransaccional.id)).all()
    assert left == ["tiquet.actualizado", "auditoria.purgada"]
    verified = command("auditoria", "verificar", "--cabeza", exported)
    assert (verified.exit_code, "Íntegro: 2 eventos" in verified.output) == (0, True)
    assert f"Cabeza: {secuencia + 2}:" in verified.output
    told = call(admin, "GET", "/api/auditoria/verificar").json
    assert (told["integra"], told["desde"], told["eventos"]) == (True, secuencia + 1, 2)
    assert call(admin, "GET", "/api/auditoria/verificar?desde=2").json["codigo"] == "eventos_purgados"
    old = command("auditoria", "verificar", "--cabeza", f"1:{'0' * 64}")
    assert (old.exit_code, f"hasta la secuencia {secuencia} se purgaron" in old.output) == (1, True)
    again = command("auditoria", "purgar", "--hasta", exported, "--si")
    assert (again.exit_code, again.output) == (0, "Eventos borrados: 0.\n")


def test_nothing_is_purged_by_a_head_that_is_not_of_this_log_nor_without_a_yes(command, path):
    exported = command("auditoria", "cabeza").output.split()[0]
    count = sa.select(sa.func.count()).select_from(LogTransaccional)
    before = db.session.scalar(count)

    for head in (f"1:{'0' * 64}", f"99:{'0' * 64}"):
        ended = command("auditoria", "purgar", "--hasta", head, "--si")
        assert (ended.exit_code, "no está íntegro" in ended.output) == (1, True)
    assert command("auditoria", "purgar", "--hasta", exported).exit_code == 1

    assert db.session.scalar(count) == before


def test_a_log_that_was_tampered_with_is_not_purged(tampering, command, call, admin, path):
    call(admin, "PUT", path, {"titulo": "Otro"})
    exported = command("auditoria", "cabeza").output.split()[0]
    db.session.execute(
        sa.update(LogTransaccional).where(LogTransaccional.secuencia == 1).values(id_usuario=77)
    )
    db.session.commit()

    ended = command("auditoria", "purgar", "--hasta", exported, "--si")

    assert (ended.exit_code, "secuencia 1, alterado" in ended.output) == (1, True)


def test_a_base_that_was_moved_over_events_is_found(command, call, admin, path):
    call(admin, "PUT", path, {"titulo": "Otro"})
    command("auditoria", "cabeza")
    first = sa.select(LogTransaccional.hash).where(LogTransaccional.secuencia == 1).scalar_subquery()
    db.session.execute(sa.update(LogCabeza).where(LogCabeza.id == BASE_ID).values(secuencia=1, hash=first))
    db.session.commit()

    ended = command("auditoria", "verificar")

    assert (ended.exit_code, "secuencia 1, insertado" in ended.output) == (1, True)


def test_a_purge_that_is_stopped_leaves_a_log_that_verifies_and_is_taken_up_again(
    command, call, admin, path, monkeypatch
):
    for number in range(5):
        call(admin, "PUT", path, {"titulo": f"Título {number}"})
    exported = command("auditoria", "cabeza").output.split()[0]
    monkeypatch.setattr(purging, "BATCH", 2)
    real, calls = purging.batch, []

    def stopped(secuencia: int) -> int:
        calls.append(secuencia)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(secuencia)

    monkeypatch.setattr(purging, "batch", stopped)
    assert command("auditoria", "purgar", "--hasta", exported, "--si").exit_code != 0
    assert "Íntegro: 5 eventos" in command("auditoria", "verificar").output

    assert command("auditoria", "purgar", "--hasta", exported, "--si").output == "Eventos borrados: 4.\n"
    assert command("auditoria", "verificar").exit_code == 0


def test_what_a_webhook_has_not_been_given_yet_is_not_purged(command, path):
    webhook = factories.WebhookFactory(hasta_secuencia=0).id
    db.session.commit()
    exported = command("auditoria", "cabeza").output.split()[0]

    ended = command("auditoria", "purgar", "--hasta", exported, "--si")
    with between_requests():
        deliveries.fan_out()
    assert (ended.exit_code, "más allá de la secuencia 0" in ended.output) == (1, True)

    assert db.session.get(Webhooks, webhook).hasta_secuencia == int(exported.partition(":")[0])
    assert command("auditoria", "purgar", "--hasta", exported, "--si").exit_code == 0
