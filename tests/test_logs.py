"""One line for each request, which says what was done and nothing that anybody sent."""

import json
import logging
import logging.config
import os
import subprocess
import sys

import pytest
from pythonjsonlogger.json import JsonFormatter

from app import transaction
from app.extensions import db
from config.logs import logging_config
from tests import factories
from tests.test_config import GOOD

LINES = "soporteplus.peticiones"
TICKETS = "/api/tickets/tickets"
MARK = "marca-que-no-debe-verse"


@pytest.fixture
def lines(caplog):
    """The fields of each request's line so far."""
    caplog.set_level(logging.INFO)
    return lambda: [vars(record) for record in caplog.records if record.name == LINES]


def formatted(record: logging.LogRecord, production: bool = True) -> str:
    configurator = logging.config.DictConfigurator(logging_config(production))
    return configurator.configure_formatter(configurator.config["formatters"]["line"]).format(record)


def test_a_request_leaves_one_line(client, tecnico, lines):
    id = factories.tiquet()

    client.get(f"{TICKETS}/{id}", headers=tecnico.headers | {"X-Request-Id": "mi-peticion"})

    [line] = lines()
    assert {
        "metodo": "GET",
        "ruta": f"{TICKETS}/<id:id>",
        "estado": 200,
        "reintentos": 0,
        "id_usuario": tecnico.id,
        "id_solicitud": "mi-peticion",
    }.items() <= line.items()
    assert 0 < line["ms"] < 60_000
    assert line["sentencias"] >= 2


def test_statements_are_counted_for_each_request_by_itself(client, tecnico, lines):
    for _ in range(2):
        client.get("/api/auth/me", headers=tecnico.headers)
    client.get("/health")

    first, second, alive = (line["sentencias"] for line in lines())
    assert first == second > 0
    assert alive == 0


def test_retries_are_counted(client, tecnico, lines, monkeypatch):
    failures = [transaction.TryAgain(), transaction.TryAgain()]
    attempt = transaction.attempt

    def failing(*args):
        if failures:
            raise failures.pop()
        return attempt(*args)

    monkeypatch.setattr(transaction, "attempt", failing)
    answer = client.post(TICKETS, json=factories.NUEVO, headers=tecnico.headers)

    assert answer.status_code == 201
    assert lines()[-1]["reintentos"] == 2


def test_nothing_that_was_sent_is_written(client, tecnico, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    login = {"email": f"{MARK}@example.org", "password": MARK}
    client.post("/api/auth/login", json=login)
    client.post(TICKETS, json={**factories.NUEVO, "titulo": MARK}, headers=tecnico.headers)
    client.get(f"{TICKETS}?q={MARK}&{MARK}={MARK}", headers=tecnico.headers)
    client.get(f"/{MARK}?{MARK}", headers={"Authorization": f"Bearer {MARK}", "User-Agent": MARK})
    monkeypatch.setattr(
        "app.queries.access.users.by_email",
        lambda email: db.session.execute(db.text("SELECT :x FROM nada"), {"x": email}),
    )
    failed = client.post("/api/auth/login", json=login)

    assert failed.status_code in (500, 503)
    written = "".join(
        formatted(record, production) for record in caplog.records for production in (True, False)
    )
    assert "nada" in written
    assert MARK not in written
    assert tecnico.headers["Authorization"].removeprefix("Bearer ") not in written


@pytest.mark.parametrize("sent", ["a\r\nb", "\x1b[31m", '"}\n{"nivel":"INFO"}', "\u2028\u0085", "ñ" * 10])
def test_a_line_stays_one_line_whatever_it_holds(sent):
    record = logging.LogRecord("prueba", logging.INFO, __file__, 1, "dijo %s", (sent,), None)
    record.id_solicitud = sent

    text = formatted(record)

    assert text.splitlines() == [text]
    assert text.isascii()
    assert text.isprintable()
    line = json.loads(text)
    assert (line["mensaje"], line["id_solicitud"], line["nivel"]) == (f"dijo {sent}", sent, "INFO")
    assert line["fecha"].endswith("+00:00")


@pytest.mark.parametrize(
    "told", ["sin nada", "Falló «a»", "\ud800", "a\u2028b", 2**70, {1: b"x"}, factories], ids=repr
)
def test_a_line_is_the_same_whichever_way_it_is_written(told):
    record = logging.makeLogRecord({"name": "a", "msg": "m", "levelname": "INFO", "dicho": told})

    line = formatted(record)

    options = logging_config(True)["formatters"]["line"] | {"timestamp": False}
    del options["()"]
    by_json = JsonFormatter(**options).format(record)
    read = json.loads(line)
    assert line.isascii()
    assert read.pop("fecha")
    assert read == json.loads(by_json)


def test_a_forged_request_id_does_not_reach_the_log(client, lines):
    client.get("/health", headers={"X-Request-Id": "a b {}"})

    assert " " not in lines()[0]["id_solicitud"]


def test_what_a_client_makes_up_is_no_route_and_no_method(client, lines):
    client.open("/no/hay/nada", method="INVENTADO")

    assert (lines()[0]["metodo"], lines()[0]["ruta"], lines()[0]["estado"]) == ("otro", "otro", 404)


def test_an_error_is_written_with_its_trace_on_one_line(client, tecnico, caplog, monkeypatch):
    monkeypatch.setattr("app.services.access.users.profile", lambda _id: 1 / 0)

    answer = client.get("/api/auth/me", headers=tecnico.headers)

    trace = next(record for record in caplog.records if record.exc_info)
    text = formatted(trace)
    assert text.splitlines() == [text]
    assert "ZeroDivisionError" in json.loads(text)["excepcion"]
    assert answer.json["id_solicitud"] in text
    assert "ZeroDivisionError" in formatted(trace, production=False)


def test_in_development_a_line_can_be_read(client, caplog):
    caplog.set_level(logging.INFO)
    client.get("/health")

    record = next(record for record in caplog.records if record.name == LINES)
    assert "GET /health 200 en " in formatted(record, production=False)


def test_a_command_writes_as_its_environment_says():
    program = "from app import create_app; create_app().logger.warning('uno\\ndos')"
    environment = {**os.environ, **GOOD}  # Production, on a server that it has no need to ask.

    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert json.loads(ended.stderr)["mensaje"] == "uno\ndos"
