"""Webhooks: what is told to whom, how it is signed, and what happens when nobody listens."""

import base64
import hashlib
import hmac
import json
import random
from datetime import UTC, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from standardwebhooks import Webhook

from app import transaction
from app.extensions import db
from app.models import EN_FILA, Entregas, LogTransaccional, Webhooks, utcnow
from app.queries.log import deliveries as queries
from app.services import maintenance, worker
from app.services.log import deliveries, sequencer, webhooks
from app.services.log.webhooks import TEMAS
from config.places import ROOT
from tests import factories
from tests.client import codes
from tests.factories import NUEVO
from tests.receivers import LOOPBACK, receiver
from tests.world import TIQUETS, WEBHOOKS, between_requests
from tests.writes import CASES

ALL = ["*"]


def work(rounds=20):
    """What a worker does, until nothing is left that is due."""
    for _ in range(rounds):
        db.session.remove()
        done = deliveries.fan_out() + deliveries.deliver()
        db.session.remove()
        if not done:
            return
    raise AssertionError("it does not end")


@pytest.fixture
def hook(call, admin, with_settings):
    """Makes webhooks, as they are answered, which a receiver on the loopback may have."""
    with_settings(**LOOPBACK)

    def hook(url, eventos=ALL, **fields):
        answer = call(admin, "POST", WEBHOOKS, {"url": url, "eventos": eventos, **fields})
        assert answer.status_code == 201, answer.json
        return answer.json

    return hook


@pytest.fixture
def get(call, admin):
    return lambda path: call(admin, "GET", path).json


@pytest.fixture
def open_ticket(call, admin):
    return lambda **fields: call(admin, "POST", TIQUETS, NUEVO | fields).json


@pytest.fixture
def told(get):
    """The deliveries of a webhook, the oldest first."""
    return lambda one: get(f"{WEBHOOKS}/{one['id']}/entregas?limite=200")["data"][::-1]


def stored(one):
    """The same without a request, for another time than that of who asks."""
    with between_requests():
        return queries.page(one["id"], None, 200, None).filas[::-1]


def at(seconds):
    return time_machine.travel(utcnow().replace(tzinfo=UTC) + timedelta(seconds=seconds), tick=True)


def actions(own):
    return [arrival.json["type"] for arrival in own.arrivals]


def test_what_happens_is_told_as_the_feed_shows_it(hook, open_ticket, told, get, call, admin):
    open_ticket(titulo="Antes de que hubiera nadie")
    with receiver() as own:
        made = hook(own.url)
        ticket = open_ticket()
        call(admin, "POST", f"{TIQUETS}/{ticket['id']}/comentarios", {"mensaje": "Se reinició"})
        work()

    feed = get("/api/cambios?limite=200")["data"]
    since = [one for one in feed if one["fecha"] >= made["fecha_creacion"] and one["entidad"] != "webhook"]
    assert actions(own) == ["tiquet.creado", "comentario.creado", "tiquet.comentado"]
    assert [arrival.json["data"] for arrival in own.arrivals] == since
    assert [arrival.json["timestamp"] for arrival in own.arrivals] == [one["fecha"] for one in since]
    assert [arrival.id for arrival in own.arrivals] == [one["id_evento"] for one in since]
    first = told(made)[0]
    arrival = own.arrivals[0]
    assert (first["estado"], first["intentos"], first["error"]) == ("entregada", 1, None)
    assert (first["peticion"]["url"], first["peticion"]["cuerpo"]) == (own.url, arrival.body.decode())
    sent = {name.lower(): value for name, value in first["peticion"]["cabeceras"].items()}
    assert arrival.headers.items() >= sent.items()
    assert arrival.headers["user-agent"] == "SoportePlus"
    assert first["respuesta"] == {"estado": 204, "cabeceras": {}, "cuerpo": ""}
    assert first["fecha_creacion"] <= first["fecha_intento"]
    assert 0 <= first["milisegundos"] < 5000
    assert get(f"{WEBHOOKS}/{made['id']}")["fecha_ultima_entrega"] is not None


def test_the_signature_is_what_standard_webhooks_say(hook, open_ticket):
    with receiver() as own:
        secret = hook(own.url)["secreto"]
        open_ticket(titulo="Ñandú «» 🦜")
        work()

    (arrival,) = own.arrivals
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert Webhook(secret).verify(arrival.body, arrival.headers)["type"] == "tiquet.creado"
    with pytest.raises(Exception, match="signature"):
        Webhook(webhooks.new_secret()).verify(arrival.body, arrival.headers)
    with pytest.raises(Exception, match="signature"):
        Webhook(secret).verify(arrival.body + b" ", arrival.headers)


def example_receiver():
    """``verificar`` as docs/webhooks.md shows it."""
    text = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    names = {}
    exec(text.partition("```python\n")[2].partition("```")[0], names)
    return names["verificar"]


def test_the_receiver_of_the_documentation_takes_what_is_ours_for_five_minutes_and_nothing_else(
    hook, open_ticket
):
    verificar = example_receiver()
    with receiver() as own:
        secret = hook(own.url)["secreto"]
        open_ticket()
        work()

    (arrival,) = own.arrivals
    assert verificar(secret, arrival.headers, arrival.body) is True
    assert verificar(webhooks.new_secret(), arrival.headers, arrival.body) is False
    assert verificar(secret, arrival.headers, arrival.body + b" ") is False
    assert verificar(secret, arrival.headers | {"webhook-id": "otro"}, arrival.body) is False
    later = str(int(arrival.headers["webhook-timestamp"]) + 1)
    assert verificar(secret, arrival.headers | {"webhook-timestamp": later}, arrival.body) is False
    for seconds, taken in ((290, True), (310, False), (-310, False)):
        with at(seconds):
            assert verificar(secret, arrival.headers, arrival.body) is taken


def test_after_a_rotation_both_secrets_sign_until_the_old_one_ends(hook, open_ticket, call, admin):
    with receiver() as own:
        made = hook(own.url)
        path = f"{WEBHOOKS}/{made['id']}/rotar"
        answer = call(admin, "POST", path, {"horas": 2}).json
        open_ticket()
        work()
        open_ticket()
        with at(2 * 3600 + 1):
            work()
        last = call(admin, "POST", path, {"horas": 0}).json
        open_ticket()
        work()

    both, one, none = own.arrivals
    old, new = made["secreto"], answer["secreto"]
    assert answer["secreto_anterior_vence"] is not None
    assert last["secreto_anterior_vence"] is None
    assert [arrival.headers["webhook-signature"].count("v1,") for arrival in own.arrivals] == [2, 1, 1]
    for secret in (old, new):
        Webhook(secret).verify(both.body, both.headers)
    with at(2 * 3600 + 1):
        Webhook(new).verify(one.body, one.headers)
    Webhook(last["secreto"]).verify(none.body, none.headers)
    assert len({old, new, last["secreto"]}) == 3


def test_a_secret_is_shown_once_and_is_in_no_list_no_event_and_no_kept_answer(hook, call, admin, get):
    body = {"url": "https://avisos.example.org/", "eventos": ALL}
    key = {"Idempotency_Key": "una"}
    first = call(admin, "POST", WEBHOOKS, body, **key).json
    again = call(admin, "POST", WEBHOOKS, body, **key).json
    rotated = call(admin, "POST", f"{WEBHOOKS}/{first['id']}/rotar", {}, Idempotency_Key="dos").json

    assert again == {name: value for name, value in first.items() if name != "secreto"}
    with between_requests():
        kept = repr(db.session.execute(sa.text("SELECT * FROM Idempotencia")).all())
        kept += repr(db.session.execute(sa.select(LogTransaccional.cambios)).all())
    shown = json.dumps([get(WEBHOOKS), get(f"{WEBHOOKS}/{first['id']}")])
    for secret in (first["secreto"], rotated["secreto"]):
        assert secret not in kept
        assert secret not in shown


@pytest.mark.parametrize(
    ("eventos", "expected"),
    [
        (["*"], ["tiquet.creado", "comentario.creado", "tiquet.comentado", "vista.creado"]),
        (["tiquet.*"], ["tiquet.creado", "tiquet.comentado"]),
        (["comentario.creado", "vista.*"], ["comentario.creado", "vista.creado"]),
        (["webhook.*"], ["webhook.creado", "webhook.probado"]),
        (["usuario.*"], []),
    ],
)
def test_patterns_say_which_events_and_the_news_of_webhooks_only_by_name(
    hook, open_ticket, call, admin, eventos, expected
):
    with receiver() as own:
        made = hook(own.url, eventos)
        ticket = open_ticket()
        call(admin, "POST", f"{TIQUETS}/{ticket['id']}/comentarios", {"mensaje": "Se reinició"})
        call(admin, "POST", "/api/tickets/vistas", {"nombre": "Una", "filtros": {}})
        call(admin, "POST", f"{WEBHOOKS}/{made['id']}/probar", {})
        work()

    told = [action for action in actions(own) if action != "webhook.prueba"]
    assert sorted(told) == sorted(expected)


def test_every_entity_that_has_events_may_be_named():
    actions = {
        one if isinstance(one, str) else one[0] for cases in CASES.values() for c in cases for one in c.events
    }

    assert {action.partition(".")[0] for action in actions} <= set(TEMAS)


def test_filters_are_of_the_ticket_as_it_is_or_was_and_let_it_be_seen_to_leave(
    hook, open_ticket, call, admin
):
    with receiver() as own:
        hook(own.url, ALL, filtros={"id_categoria": [2, 3], "id_estado": [1]})
        one, other = open_ticket(id_categoria=2), open_ticket(id_categoria=1)
        for ticket in (one, other):
            call(admin, "POST", f"{TIQUETS}/{ticket['id']}/comentarios", {"mensaje": "Se reinició"})
        work()
        call(admin, "PUT", f"{TIQUETS}/{one['id']}", {"id_categoria": 4})
        call(admin, "PUT", f"{TIQUETS}/{one['id']}", {"titulo": "Ya de otros"})
        call(admin, "PUT", f"{TIQUETS}/{other['id']}", {"id_categoria": 3})
        call(admin, "DELETE", f"{TIQUETS}/{other['id']}")
        work()

    assert [(arrival.json["type"], arrival.json["data"]["id_tiquet"]) for arrival in own.arrivals] == [
        ("tiquet.creado", one["id"]),
        ("comentario.creado", one["id"]),
        ("tiquet.comentado", one["id"]),
        ("tiquet.actualizado", one["id"]),
        ("tiquet.actualizado", other["id"]),
        ("tiquet.eliminado", other["id"]),
    ]


@pytest.mark.parametrize(
    ("fields", "errores"),
    [
        ({"url": "https://127.0.0.1/"}, {"url": ["destino_no_permitido"]}),
        ({"url": "https://2130706433/"}, {"url": ["destino_no_permitido"]}),
        ({"url": "http://example.org/"}, {"url": ["solo_https"]}),
        ({"url": "https://a:b@example.org/"}, {"url": ["url_invalida"]}),
        ({"url": "example.org"}, {"url": ["url_invalida"]}),
        ({"eventos": []}, {"eventos": ["cantidad"]}),
        ({"eventos": ["tiquet"]}, {"eventos.0": ["patron_de_evento"]}),
        ({"eventos": ["ticket.*"]}, {"eventos.0": ["patron_de_evento"]}),
        ({"filtros": {"id_cliente": [1]}}, {"filtros.id_cliente": ["desconocido"]}),
        ({"filtros": {"id_estado": "1"}}, {"filtros.id_estado": ["tipo"]}),
    ],
)
def test_what_could_not_work_is_refused_by_its_field(call, admin, fields, errores):
    body = {"url": "https://avisos.example.org/", "eventos": ALL}

    answer = call(admin, "POST", WEBHOOKS, body | fields)

    assert (answer.status_code, codes(answer)) == (422, errores)


def test_tries_come_after_1_5_and_30_seconds_and_then_by_chance_up_to_a_day(monkeypatch):
    assert [deliveries.pause(tries) for tries in (1, 2, 3)] == [1, 5, 30]
    bounds = []
    monkeypatch.setattr(random, "uniform", lambda low, high: bounds.append((low, high)) or high)
    for tries in range(4, deliveries.INTENTOS):
        deliveries.pause(tries)
    assert bounds[:4] == [(0, 60), (0, 120), (0, 240), (0, 480)]
    assert bounds[-1] == (0, 24 * 3600)
    assert sum(high for _, high in bounds) / 2 > 2 * 24 * 3600  # On average it is tried for so long.


def test_what_fails_is_tried_again_when_it_is_time_and_then_given_up(
    hook, open_ticket, monkeypatch, call, admin
):
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    with receiver(lambda _arrival: 500) as own:
        made = hook(own.url)
        ticket = open_ticket()
        clock = time_machine.travel(utcnow().replace(tzinfo=UTC), tick=False)
        with clock as now:
            call(admin, "PUT", f"{TIQUETS}/{ticket['id']}", {"titulo": "Lo que espera detrás"})
            work()
            waits = []
            for _ in range(deliveries.INTENTOS - 1):
                first, behind = stored(made)
                assert (first["estado"], first["respuesta"]["estado"]) == ("pendiente", 500)
                assert (behind["estado"], behind["intentos"], behind["proximo_intento"]) == (
                    "pendiente",
                    0,
                    None,
                )
                waits.append((first["proximo_intento"] - utcnow()).total_seconds())
                now.shift(waits[-1] - 0.001)
                work()
                assert stored(made)[0]["intentos"] == len(waits)
                now.shift(0.001)
                work()
            dead, freed = stored(made)

    assert waits[:5] == [1, 5, 30, 60, 120]
    assert (dead["estado"], dead["intentos"], dead["proximo_intento"]) == (
        "muerta",
        deliveries.INTENTOS,
        None,
    )
    assert freed["intentos"] == 1  # The next one has its turn.
    assert {arrival.id for arrival in own.arrivals[: deliveries.INTENTOS]} == {dead["id_evento"]}
    assert len({arrival.headers["webhook-timestamp"] for arrival in own.arrivals}) > 5


def test_the_events_of_a_ticket_wait_for_each_other_and_those_of_others_do_not(
    hook, open_ticket, call, admin, told
):
    bad = set()
    with receiver(lambda arrival: 500 if arrival.json["data"]["id_tiquet"] in bad else 200) as own:
        made = hook(own.url, ["tiquet.*"])
        one, other = open_ticket(), open_ticket()
        bad.add(one["id"])
        for ticket in (one, other):
            for title in ("Primero", "Segundo"):
                call(admin, "PUT", f"{TIQUETS}/{ticket['id']}", {"titulo": title})
        work()
        assert [row["estado"] for row in told(made) if row["id_tiquet"] == one["id"]] == ["pendiente"] * 3
        bad.clear()
        with at(2):
            work()

    assert {row["estado"] for row in told(made)} == {"entregada"}
    assert all(numbers == sorted(numbers) and len(numbers) == 3 for numbers in own.of_tickets().values())
    first = [arrival.secuencia for arrival in own.arrivals if arrival.json["data"]["id_tiquet"] == one["id"]]
    assert first == [
        first[0],
        *sorted(set(first)),
    ]  # The first came twice, and nothing before its second time.


def test_who_says_that_it_is_gone_is_paused_at_once(hook, open_ticket, get, told, events, call, admin):
    with receiver(lambda _arrival: 410) as own:
        made = hook(own.url, ["*", "webhook.*"])
        open_ticket()
        open_ticket()
        work()
        paused = get(f"{WEBHOOKS}/{made['id']}")
        assert (paused["activo"], paused["motivo_pausa"]) == (False, "ya_no_existe")
        assert paused["version"] == made["version"] + 1
        count = len(own.arrivals)
        with at(100):
            open_ticket()
            work()
        assert len(own.arrivals) == count == 1  # It is left alone.
        own.answer = lambda _arrival: 200
        back = call(admin, "PATCH", f"{WEBHOOKS}/{made['id']}", {"activo": True}).json
        work()

    assert (back["activo"], back["motivo_pausa"], back["fallos_seguidos"]) == (True, None, 0)
    assert {row["estado"] for row in told(made)} == {"entregada"}
    assert actions(own).count("tiquet.creado") == 3
    (event,) = events("webhook.pausado")
    assert {c["campo"] for c in event.cambios} >= {"activo", "motivo_pausa", "fecha_pausa"}


def test_where_nobody_answers_for_a_day_it_is_paused_and_before_that_asked_by_one_at_a_time(
    hook, open_ticket, get, monkeypatch
):
    monkeypatch.setattr(deliveries, "FALLOS", 10)
    with receiver(lambda _arrival: 503) as own:
        made = hook(own.url)
        for _ in range(12):
            open_ticket()
        work()
        shown = get(f"{WEBHOOKS}/{made['id']}")
        assert (shown["activo"], shown["fallos_seguidos"]) == (True, 12)
        with between_requests():
            webhook = db.session.get(Webhooks, made["id"])
            assert webhook.fallos_desde <= utcnow()
        with at(24 * 3600 + 1):
            work()
        shown = get(f"{WEBHOOKS}/{made['id']}")

    assert (shown["activo"], shown["motivo_pausa"], shown["fallos_seguidos"]) == (False, "fallos", 13)
    assert shown["fecha_pausa"] is not None


def test_one_success_ends_a_row_of_failures(hook, open_ticket, get):
    with receiver(lambda _arrival: 503) as own:
        made = hook(own.url)
        open_ticket()
        work()
        assert get(f"{WEBHOOKS}/{made['id']}")["fallos_seguidos"] == 1
        own.answer = lambda _arrival: 200
        with at(2):
            work()

    assert get(f"{WEBHOOKS}/{made['id']}")["fallos_seguidos"] == 0


def test_a_test_is_sent_once_and_even_while_nothing_else_is(hook, open_ticket, call, admin, told):
    with receiver() as own:
        made = hook(own.url, activo=False)
        open_ticket()
        answer = call(admin, "POST", f"{WEBHOOKS}/{made['id']}/probar", {})
        assert (answer.json["estado"], answer.json["accion"]) == ("pendiente", "webhook.prueba")
        work()
        assert actions(own) == ["webhook.prueba"]
        Webhook(made["secreto"]).verify(own.arrivals[0].body, own.arrivals[0].headers)
        own.answer = lambda _arrival: 500
        call(admin, "POST", f"{WEBHOOKS}/{made['id']}/probar", {})
        work()

    good, bad = told(made)
    assert (good["estado"], good["secuencia"]) == ("entregada", None)
    assert (bad["estado"], bad["intentos"], bad["respuesta"]["estado"]) == ("muerta", 1, 500)


def test_one_is_sent_again_with_its_id_and_its_body(hook, open_ticket, call, admin, told):
    with receiver() as own:
        made = hook(own.url)
        open_ticket()
        work()
        (row,) = told(made)
        path = f"{WEBHOOKS}/{made['id']}/entregas/{row['id']}"
        answer = call(admin, "POST", f"{path}/reenviar", {})
        assert (answer.json["estado"], answer.json["intentos"]) == ("pendiente", 0)
        work()

    first, second = own.arrivals
    assert (first.id, first.body) == (second.id, second.body)
    assert call(admin, "GET", path).json["estado"] == "entregada"


def test_a_pending_one_that_is_sent_again_has_its_next_try_now(hook, open_ticket, call, admin, told):
    with receiver(lambda _arrival: 500) as own:
        made = hook(own.url)
        open_ticket()
        work()
        (row,) = told(made)
        own.answer = lambda _arrival: 200
        call(admin, "POST", f"{WEBHOOKS}/{made['id']}/entregas/{row['id']}/reenviar", {})
        work()

    assert (told(made)[0]["estado"], told(made)[0]["intentos"]) == ("entregada", 2)


def test_a_range_is_sent_again_in_its_order(hook, open_ticket, call, admin, told, monkeypatch):
    monkeypatch.setattr(webhooks, "REENVIOS", 4)
    with receiver() as own:
        made = hook(own.url, ["tiquet.*"])
        path = f"{WEBHOOKS}/{made['id']}/entregas/reenviar"
        tickets = [open_ticket()["id"] for _ in range(2)]
        for id in tickets * 2:
            call(admin, "PUT", f"{TIQUETS}/{id}", {"titulo": f"Título {random.random()}"})
        work()
        rows = told(made)
        numbers = [row["secuencia"] for row in rows]
        own.arrivals.clear()

        answer = call(admin, "POST", path, {"desde_secuencia": numbers[1]}).json
        assert answer == {"reenviadas": 4, "siguiente_secuencia": numbers[5]}
        work()
        assert sorted(arrival.secuencia for arrival in own.arrivals) == numbers[1:5]
        assert all(one == sorted(one) for one in own.of_tickets().values())
        own.arrivals.clear()
        rest = {"desde_secuencia": numbers[5]}
        assert call(admin, "POST", path, rest).json == {"reenviadas": 1, "siguiente_secuencia": None}
        between = {"desde": rows[0]["fecha_creacion"], "hasta": "2020-01-01T00:00:00Z"}
        assert call(admin, "POST", path, between).json["reenviadas"] == 0
        assert call(admin, "POST", path, {"estado": "muerta"}).json["reenviadas"] == 0
        assert call(admin, "POST", path, {"hasta_secuencia": numbers[0]}).json["reenviadas"] == 1
        work()

    assert sorted(arrival.secuencia for arrival in own.arrivals) == [numbers[0], numbers[5]]
    assert codes(call(admin, "POST", path, {})) == {"desde_secuencia": ["requerido"]}


def test_the_dead_ones_are_sent_again_before_what_came_after_them(
    hook, open_ticket, call, admin, told, monkeypatch
):
    monkeypatch.setattr(deliveries, "INTENTOS", 1)
    with receiver(lambda _arrival: 500) as own:
        made = hook(own.url, ["tiquet.*"])
        ticket = open_ticket()
        work()
        monkeypatch.setattr(deliveries, "INTENTOS", 9)
        call(admin, "PUT", f"{TIQUETS}/{ticket['id']}", {"titulo": "Lo de después"})
        work()
        assert [row["estado"] for row in told(made)] == ["muerta", "pendiente"]
        call(admin, "POST", f"{WEBHOOKS}/{made['id']}/entregas/reenviar", {"estado": "muerta"})
        assert told(made)[1]["proximo_intento"] is None  # It waits behind.
        own.answer = lambda _arrival: 200
        own.arrivals.clear()
        work()

    assert actions(own) == ["tiquet.creado", "tiquet.actualizado"]


def test_what_is_deleted_is_told_no_more_and_its_deliveries_go(hook, open_ticket, call, admin, told):
    with receiver(lambda _arrival: 500) as own:
        made, kept = hook(own.url), hook(own.url)
        open_ticket()
        work()
        own.arrivals.clear()
        assert call(admin, "DELETE", f"{WEBHOOKS}/{made['id']}").status_code == 204
        with at(2):
            work()
        assert len(own.arrivals) == 1  # that of the other
        assert call(admin, "GET", f"{WEBHOOKS}/{made['id']}/entregas").status_code == 404
        db.session.remove()
        assert maintenance.maintain()["entregas"] == 1

    with between_requests():
        assert list(db.session.scalars(sa.select(Entregas.id_webhook))) == [kept["id"]]


def test_old_deliveries_are_purged_but_not_what_still_waits(session, monkeypatch):
    monkeypatch.setattr(maintenance, "BATCH", 2)
    webhook = factories.WebhookFactory().id
    old, new = utcnow() - timedelta(days=31), utcnow() - timedelta(days=29)
    rows = [("entregada", old)] * 3 + [
        ("muerta", old),
        ("pendiente", old),
        ("entregada", new),
        ("muerta", new),
    ]
    ids = [factories.EntregaFactory(id_webhook=webhook, estado=e, fecha_creacion=d).id for e, d in rows]
    db.session.remove()

    assert maintenance.maintain()["entregas"] == 4

    assert list(db.session.scalars(sa.select(Entregas.id).order_by(Entregas.id))) == ids[4:]


def test_an_event_that_its_deliveries_could_not_hold_is_not_told(hook, open_ticket, call, admin):
    with receiver() as own:
        made = hook(own.url, activo=False)
        open_ticket()
        with at(31 * 24 * 3600):
            later, ticket = factories.quien("Administrador"), factories.tiquet()
            db.session.remove()
            call(later, "PATCH", f"{WEBHOOKS}/{made['id']}", {"activo": True})
            call(later, "PUT", f"{TIQUETS}/{ticket}", {"titulo": "Nuevo"})
            work()

    assert [action for action in actions(own) if action.startswith("tiquet.")] == ["tiquet.actualizado"]


def test_what_was_sent_of_a_ticket_can_be_forgotten_and_what_waits_is_told_with_the_rest(
    hook, open_ticket, told, call, admin
):
    bad = [True]
    with receiver(lambda _arrival: 500 if bad else 200) as own:
        made = hook(own.url, ["tiquet.*"])
        one, _ = open_ticket(titulo="Secreto de Ana"), open_ticket()
        work()
        db.session.remove()
        assert transaction.run(lambda: webhooks.forget_ticket([one["id"]])) == 1
        emptied, whole = told(made)
        assert (emptied["peticion"]["cuerpo"], emptied["respuesta"]["cuerpo"]) == (None, None)
        assert whole["peticion"]["cuerpo"] is not None
        call(admin, "DELETE", f"{TIQUETS}/{one['id']}")
        bad.clear()
        own.arrivals.clear()
        with at(2):
            work()

    first = next(arrival for arrival in own.arrivals if arrival.id == emptied["id_evento"])
    assert first.json["data"]["objeto"] is None  # It lies in the trash by now.
    assert {row["estado"] for row in told(made)} == {"entregada"}


def test_what_is_forgotten_while_it_is_being_sent_stays_forgotten(hook, open_ticket, told):
    with receiver() as own:
        made = hook(own.url, ["tiquet.*"])
        ticket = open_ticket()
        db.session.remove()
        deliveries.fan_out()
        turno = transaction.run(lambda: deliveries.claim(made["id"], "a" * 32))
        transaction.run(lambda: webhooks.forget_ticket([ticket["id"]]))
        tried = deliveries.attempt(turno)
        transaction.run(lambda: deliveries.settle(turno, tried, more=False))
        db.session.remove()

    (row,) = told(made)
    assert (row["estado"], row["peticion"]["cuerpo"]) == ("entregada", None)


def test_when_there_is_no_webhook_nothing_is_numbered_or_written(session, admin, call):
    call(admin, "POST", TIQUETS, NUEVO)
    db.session.remove()

    assert (deliveries.fan_out(), deliveries.deliver()) == (0, 0)
    assert db.session.scalar(sa.select(sa.func.count()).where(LogTransaccional.secuencia.is_(None))) > 0
    assert sequencer.number_events() > 0


def test_the_worker_does_it(app, hook, open_ticket):
    names = {job.nombre: job.work for job in worker.JOBS}

    assert names["reparto de webhooks"] is deliveries.fan_out
    assert names["entrega de webhooks"] is deliveries.deliver
    with receiver() as own:
        hook(own.url)
        open_ticket()
        db.session.remove()
        done = worker.once()

    assert (done["reparto de webhooks"] > 0, done["entrega de webhooks"]) == (True, 1)
    assert len(own.arrivals) == 1


def test_of_those_in_line_only_the_first_is_due(hook, open_ticket, call, admin):
    with receiver() as own:
        made = hook(own.url, ["tiquet.*"])
        ticket = open_ticket()
        call(admin, "PUT", f"{TIQUETS}/{ticket['id']}", {"titulo": "Otro título"})
        db.session.remove()
        deliveries.fan_out()
        call(admin, "PUT", f"{TIQUETS}/{ticket['id']}", {"titulo": "Y otro"})
        db.session.remove()
        deliveries.fan_out()

    mine = sa.select(Entregas.proximo_intento).where(Entregas.id_webhook == made["id"]).order_by(Entregas.id)
    with between_requests():
        assert [due == EN_FILA for due in db.session.scalars(mine)] == [False, True, True]


def test_a_signature_by_hand_is_the_same():
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    by_hand = base64.b64encode(hmac.new(b"k" * 32, b"a.1.{}", hashlib.sha256).digest()).decode()

    assert deliveries.sign(secret, b"a.1.{}") == by_hand
