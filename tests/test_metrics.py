"""``/metrics``: who may read it, what it counts, and that all workers count together."""

import json
import os
import re
import signal
from datetime import timedelta
from time import monotonic, sleep

import pytest
import sqlalchemy as sa
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app import transaction
from app.errors import Unavailable
from app.extensions import db
from app.models import Correos, LogTransaccional, utcnow
from app.routes.desk import tickets
from app.services import leases, worker
from config.config import Config, ConfigError
from config.places import ROOT
from tests import factories
from tests.gunicorn import TICKETS, gunicorn
from tests.test_config import GOOD

TOKEN = "Zk3vN8qLw5Tx9Yb2Rm7Hd4Gs6Jf1Pc0A"
OPERACION = ROOT / "docs" / "operacion"
AWAY = {"REMOTE_ADDR": "203.0.113.7"}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text).get((name, frozenset(labels.items())), 0.0)


@pytest.fixture
def grown(client):
    """Answers by how much a number has grown since the test began."""
    before = client.get("/metrics").text

    def growth(name: str, **labels: str) -> float:
        return value(client.get("/metrics").text, name, **labels) - value(before, name, **labels)

    return growth


def test_requests_are_counted_by_route_and_status(client, tecnico, grown):
    ruta = {"metodo": "GET", "ruta": f"{TICKETS}/<id:id>"}
    id = factories.tiquet()
    for path in (id, id, 999_999):
        client.get(f"{TICKETS}/{path}", headers=tecnico.headers)

    assert grown("soporteplus_peticiones_total", estado="200", **ruta) == 2
    assert grown("soporteplus_peticiones_total", estado="404", **ruta) == 1
    assert grown("soporteplus_peticion_segundos_count", **ruta) == 3
    assert grown("soporteplus_peticion_segundos_bucket", le="+Inf", **ruta) == 3
    assert grown("soporteplus_sentencias_sql_total", ruta=ruta["ruta"]) >= 6


def test_paths_that_clients_make_up_are_one_series(client, grown):
    for path in ("/wp-login.php", "/.env", "/api/nada"):
        client.get(path)

    assert grown("soporteplus_peticiones_total", metodo="GET", ruta="otro", estado="404") == 3
    assert "wp-login" not in client.get("/metrics").text


def test_sign_ins_are_counted_good_and_bad(client, grown, tecnico):
    for password in (factories.CLAVE, "no es esta", "tampoco"):
        client.post("/api/auth/login", json={"email": tecnico.email, "password": password})

    assert grown("soporteplus_eventos_total", accion="sesion.iniciada") == 1
    assert grown("soporteplus_eventos_total", accion="sesion.rechazada") == 2


def test_what_is_rolled_back_is_not_counted_and_what_is_repeated_once(client, grown, tecnico, monkeypatch):
    failures, shown = [transaction.TryAgain()], tickets.shown

    def failing(*args, **kwargs):
        db.session.flush()
        if failures:
            raise failures.pop()
        return shown(*args, **kwargs)

    monkeypatch.setattr(tickets, "shown", failing)
    answer = client.post(TICKETS, json=factories.NUEVO, headers=tecnico.headers)

    assert answer.status_code == 201
    assert grown("soporteplus_eventos_total", accion="tiquet.creado") == 1
    assert grown("soporteplus_reintentos_total") == 1


def backlog(client) -> dict[str, float]:
    """By queue what is late, and what else the database tells."""
    found = samples(client.get("/metrics").text)
    names = ("base_de_datos", "trabajadores", "webhooks_pausados", "entregas_muertas")
    told = {name: found.get((f"soporteplus_{name}", frozenset())) for name in names}
    late = {
        dict(labels)["cola"]: value
        for (name, labels), value in found.items()
        if name == "soporteplus_atrasados"
    }
    return {name: value for name, value in (told | late).items() if value}


def write_events(count, age):
    """Events that have no number."""
    about = {"accion": "usuario.creado", "entidad": "usuario", "tipo_actor": "sistema", "origen": "sistema"}
    about |= {"fecha": utcnow() - age, "cambios": []}
    db.session.execute(sa.insert(LogTransaccional), [about | {"id_evento": f"e-{n}"} for n in range(count)])


def test_what_waits_for_a_worker_is_told_when_it_is_late(client, session):
    now = utcnow()
    assert backlog(client) == {"base_de_datos": 1}
    leases.take(f"{worker.TRABAJADOR}uno", timedelta(hours=1))
    leases.take(f"{worker.TRABAJADOR}otro", timedelta(hours=1))
    webhook, paused = factories.WebhookFactory(), factories.WebhookFactory()
    paused.activo, paused.motivo_pausa = False, "fallos"
    for row, estado, waited in (
        (webhook, "pendiente", 70),
        (webhook, "pendiente", 50),
        (webhook, "pendiente", -600),
        (paused, "pendiente", 3600),
        (webhook, "muerta", 3600),
        (webhook, "entregada", 3600),
    ):
        factories.EntregaFactory(
            id_webhook=row.id, estado=estado, proximo_intento=now - timedelta(seconds=waited)
        )
    for waited in (70, 50):
        times = {"proximo": now - timedelta(seconds=waited), "vence": now + timedelta(hours=1)}
        db.session.add(Correos(id_evento=f"e-{waited}", direccion="a@example.org", tipo="nuevo", **times))
    write_events(1, timedelta(seconds=70))
    db.session.commit()

    assert backlog(client) == {
        "base_de_datos": 1,
        "trabajadores": 2,
        "webhooks_pausados": 1,
        "entregas_muertas": 1,
        "numeracion": 1,
        "webhooks": 1,
        "correo": 1,
    }


def test_of_more_than_a_thousand_no_more_are_counted(client, session):
    write_events(1200, timedelta(hours=1))
    db.session.commit()

    assert backlog(client)["numeracion"] == 1001


def test_without_a_database_the_rest_is_told_all_the_same(client, monkeypatch):
    def away(*_args):
        raise Unavailable("base_de_datos_no_disponible")

    monkeypatch.setattr(worker, "late", away)

    assert backlog(client) == {}
    assert value(client.get("/metrics").text, "soporteplus_base_de_datos") == 0
    assert "soporteplus_peticiones_total" in client.get("/metrics").text


def test_behind_the_code_the_database_is_not_asked_for_what_it_may_not_have(client):
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()

    answer = client.get("/metrics")

    assert (answer.status_code, backlog(client)) == (200, {})


def test_from_elsewhere_a_token_is_needed(client, with_settings):
    def status(**headers):
        return client.get("/metrics", headers=headers, environ_base=AWAY).status_code

    assert status(Authorization=f"Bearer {TOKEN}") == 401  # None is set, so none is right.
    with_settings(METRICS_TOKEN=TOKEN)
    assert status() == 401
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "A", TOKEN.lower(), "ñ"):
        assert status(Authorization=f"Bearer {wrong}") == 401
    assert status(Authorization=f"Bearer {TOKEN}") == 200


def test_a_proxy_on_this_machine_does_not_open_it(client):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401


@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize("weak", ["corto", "cambie-esto-por-otra-cosa-mas-larga-que-esta"])
def test_production_takes_no_weak_token(weak):
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(GOOD | {"METRICS_TOKEN": weak})

    assert "METRICS_TOKEN" in refused.value.message


def test_all_workers_count_together_also_when_some_have_ended(committed, database_url):
    ruta = {"metodo": "GET", "ruta": "/health", "estado": "200"}
    with gunicorn(database_url, "-w", "2") as server:
        for _ in range(20):
            server.ask("GET", "/health")
        first = value(server.ask("GET", "/metrics").text, "soporteplus_peticiones_total", **ruta)
        workers = set(server.workers())
        os.kill(server.process.pid, signal.SIGHUP)
        until = monotonic() + 30
        while workers & set(server.workers()) and monotonic() < until:
            sleep(0.1)
        for _ in range(20):
            server.ask("GET", "/health")
        text = server.ask("GET", "/metrics").text
        log = server.written()

    assert first == 20
    assert value(text, "soporteplus_peticiones_total", **ruta) == 40
    assert value(text, "soporteplus_conexiones", estado="en_uso") == 0
    assert 'pid="' not in text
    assert log.count("GET /health 200") == 40


def test_the_log_of_gunicorn_is_json_in_production_and_has_no_second_line(committed, database_url):
    options = {**GOOD, "DATABASE_URL": database_url, "PERMITIR_SQLITE": "true", "TMPDIR": "/var/tmp"}
    with gunicorn(database_url, "-w", "1", **options) as server:
        server.ask("GET", "/health?clave=valor", X_Request_Id="una-sola")
        server.stop()
        lines = [json.loads(line) for line in server.written().splitlines()]

    assert {line["registro"] for line in lines} >= {"gunicorn.error", "soporteplus.peticiones"}
    assert [line["ruta"] for line in lines if "una-sola" in str(line)] == ["/health"]
    assert "valor" not in str(lines)
    assert all(re.fullmatch(r"[\d-]+T[\d:.]+\+00:00", line["fecha"]) for line in lines)


def expressions() -> list[str]:
    alerts = yaml.safe_load((OPERACION / "alertas.yml").read_text("utf-8"))
    board = json.loads((OPERACION / "grafana.json").read_text("utf-8"))
    found = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    return found + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_alerts_and_dashboard_ask_for_what_there_is(client, tecnico):
    for password in (factories.CLAVE, "no es esta"):
        client.post("/api/auth/login", json={"email": tecnico.email, "password": password})
    client.post(TICKETS, json=factories.NUEVO, headers=tecnico.headers)
    there = samples(client.get("/metrics").text)
    labels: dict[str, set[str]] = {}
    for name, pairs in there:
        labels.setdefault(name, set()).update(label for label, _ in pairs)
    actions = {pair[1] for name, pairs in there for pair in pairs if name == "soporteplus_eventos_total"}

    asked = set()
    for expression in expressions():
        for name, selected in re.findall(r"(soporteplus_\w+)(?:\{(.*?)\})?", expression):
            asked.add(name)
            assert name in labels, expression
            assert set(re.findall(r"(\w+)=", selected)) <= labels[name], expression
            assert set(re.findall(r'accion="(.*?)"', selected)) <= actions, expression
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in labels if name.startswith("soporteplus_")}
    assert {re.sub(r"_bucket$", "", name) for name in asked} == bases
