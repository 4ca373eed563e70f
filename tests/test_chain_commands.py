"""What an operator does about the log: keeps its head, and compares it later."""

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import GENESIS, LogTransaccional
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


def test_an_operator_is_told_what_is_wrong_by_the_exit_status_too(command, path):
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
