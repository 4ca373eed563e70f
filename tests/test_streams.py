"""Server-sent events: read as a browser reads them, resumed, refused, and ended."""

import http.client
import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import Sesion, utcnow
from app.utils.live import streams, waiting
from tests import factories
from tests.factories import NUEVO
from tests.gunicorn import Gunicorn, gunicorn
from tests.nginx import nginx
from tests.sse import Listener, Message, messages
from tests.test_chain import plant
from tests.test_feed import FEED, TICKETS, cursors_say, get
from tests.test_feed_waiting import SOON, STOPS, meanwhile
from tests.threads import at_once

STREAM = f"{FEED}/eventos"
PASS = f"{FEED}/pase"


def read(client: Any, path: str = STREAM, **headers: str) -> list[Message]:
    answer = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    return list(messages(iter(answer.text.split("\n"))))


def test_a_stream_tells_the_events_of_the_feed(client, tecnico):
    client.post(TICKETS, json=NUEVO | {"descripcion": "Dos\u2028líneas\nñ"}, headers=tecnico.headers)
    plant(3, entidad="sesion")
    client.post(TICKETS, json=NUEVO, headers=tecnico.headers)
    page = get(client, tecnico)

    told = read(client, **tecnico.headers)

    assert [one.data for one in told] == page["data"]
    assert [one.event for one in told] == ["tiquet.creado"] * 2
    assert [cursors_say(client, one.id) for one in told] == [one["secuencia"] for one in page["data"]]


def test_it_is_not_kept_on_the_way(client, tecnico):
    headers = client.get(STREAM, headers=tecnico.headers).headers

    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")


def test_it_goes_on_where_the_client_has_come_to(client, tecnico):
    plant(5)
    told = read(client, **tecnico.headers)

    again = read(client, **tecnico.headers, Last_Event_ID=told[2].id)
    from_address = read(client, f"{STREAM}?desde={told[3].id}", **tecnico.headers)
    both = read(client, f"{STREAM}?desde={told[0].id}", **tecnico.headers, Last_Event_ID=told[2].id)
    page = get(client, tecnico, desde=told[2].id)

    assert again == both == told[3:]
    assert from_address == told[4:]
    assert page["data"] == [one.data for one in told[3:]]


@pytest.mark.parametrize("sent", [{"query": {"desde": "x"}}, {"more": {"Last-Event-ID": "x"}}])
def test_a_broken_place_is_refused_before_the_stream_begins(client, tecnico, sent):
    more = {"query_string": sent.get("query", {}), "headers": tecnico.headers | sent.get("more", {})}

    assert client.get(STREAM, **more).json["codigo"] == "cursor_invalido"


def new_pass(client: Any, quien: factories.Quien) -> str:
    answer = client.post(PASS, headers=quien.headers)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.json["pase"])


def test_a_pass_opens_one_stream(client, tecnico):
    plant(2)
    path = f"{STREAM}?pase={new_pass(client, tecnico)}"

    assert len(read(client, path)) == 2
    second = client.get(path)
    assert (second.status_code, second.json["codigo"]) == (401, "pase_invalido")


def test_of_many_who_come_with_one_pass_at_once_one_gets_in(app, committed):
    tecnico = factories.quien("Técnico")
    path = f"{STREAM}?pase={new_pass(app.test_client(), tecnico)}"

    def work(_: int) -> int:
        with app.app_context():
            return int(app.test_client().get(path).status_code)

    statuses = at_once(6, work)
    assert sorted(statuses) == [200, *[401] * 5]


def test_a_pass_is_no_good_after_thirty_seconds(client, tecnico, monkeypatch):
    pase = new_pass(client, tecnico)
    monkeypatch.setattr("app.utils.access.passes.LIFE", -1)

    assert client.get(f"{STREAM}?pase={pase}").json["codigo"] == "pase_invalido"


@pytest.mark.parametrize("end", [{"fin": utcnow()}, {"vence": utcnow() - timedelta(seconds=1)}])
def test_a_pass_ends_with_its_session(client, tecnico, end):
    pase = new_pass(client, tecnico)
    db.session.execute(sa.update(Sesion).where(Sesion.id == tecnico.sid).values(**end))
    db.session.commit()

    assert client.get(f"{STREAM}?pase={pase}").json["codigo"] == "sesion_terminada"


@pytest.mark.parametrize("pase", ["x", "", "W10.x.y"])
def test_a_forged_pass_opens_nothing(client, tecnico, pase):
    assert client.get(f"{STREAM}?pase={pase}").json["codigo"] == "pase_invalido"


def test_a_cursor_is_no_pass_and_a_pass_opens_nothing_else(client, tecnico):
    cursor = get(client, tecnico)["siguiente"]

    assert client.get(f"{STREAM}?pase={cursor}").json["codigo"] == "pase_invalido"
    for path in (FEED, TICKETS):
        assert client.get(f"{path}?pase={new_pass(client, tecnico)}").json["codigo"] == "token_ausente"


def test_a_stream_takes_a_place_until_it_ends(client, tecnico, monkeypatch):
    monkeypatch.setattr(waiting, "PLAZAS", BoundedSemaphore(1))
    for _ in range(3):
        read(client, **tecnico.headers)
        client.get(f"{STREAM}?desde=x", headers=tecnico.headers)

    assert waiting.PLAZAS.acquire(blocking=False)
    refused = client.get(STREAM, headers=tecnico.headers)
    assert (refused.status_code, refused.json["codigo"]) == (503, "demasiadas_esperas")


def test_what_comes_while_it_is_open_is_told_and_in_silence_a_heartbeat(app, committed, monkeypatch):
    monkeypatch.setattr(streams, "LIFE", 3.0)
    monkeypatch.setattr(streams, "HEARTBEAT", 0.7)
    tecnico, client = factories.quien("Técnico"), app.test_client()
    held = []

    def work() -> None:
        plant(2)
        held.append(db.engine.pool.checkedout())

    with meanwhile(app, work):
        answer = client.get(STREAM, headers=tecnico.headers)

    assert [one.data["secuencia"] for one in messages(iter(answer.text.split("\n")))] == [1, 2]
    assert answer.text.count(": latido\n") >= 3
    last = re.findall("id: (.*)", answer.text)[-1]
    assert cursors_say(client, last) == 2


def test_it_ends_with_the_session(app, committed, monkeypatch):
    monkeypatch.setattr(streams, "LIFE", 20.0)
    monkeypatch.setattr(streams, "HEARTBEAT", 0.5)
    tecnico, client = factories.quien("Técnico"), app.test_client()
    begun = monotonic()

    def work() -> None:
        db.session.execute(sa.update(Sesion).values(fin=utcnow()))
        db.session.commit()
        plant(1)

    with meanwhile(app, work):
        told = read(client, **tecnico.headers)

    assert told == []
    assert monotonic() - begun < 20 / 2


@contextmanager
def listening(server: Gunicorn, path: str = STREAM, **headers: str) -> Iterator[Listener]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        yield Listener(connection, path, **headers)


def test_a_real_client_hears_of_what_others_do_and_resumes(committed, database_url):
    tecnico = factories.quien("Técnico")
    with gunicorn(database_url, "-w", "2") as server:
        with listening(server, **tecnico.headers) as first:
            created = server.ask("POST", TICKETS, NUEVO, **tecnico.headers).json
            told = next(first.messages)
            assert (told.event, told.data["objeto"]["id"]) == ("tiquet.creado", created["id"])
        path = f"{TICKETS}/{created['id']}"
        for titulo in ("Uno", "Dos"):
            server.ask("PUT", path, {"titulo": titulo}, **tecnico.headers)
        pase = server.ask("POST", PASS, **tecnico.headers).json["pase"]
        with listening(server, f"{STREAM}?pase={pase}", Last_Event_ID=told.id) as second:
            rest = [next(second.messages) for _ in range(2)]

    assert [one.data["secuencia"] for one in rest] == [2, 3]
    assert [one.data["objeto"]["titulo"] for one in rest] == ["Dos"] * 2


def test_streams_end_when_the_service_stops_and_leave_room_while_it_runs(committed, database_url):
    tecnico = factories.quien("Técnico")
    with (
        gunicorn(database_url, "-w", "1") as server,
        listening(server, **tecnico.headers) as one,
        listening(server, **tecnico.headers) as two,
    ):
        refused = server.ask("GET", STREAM, **tecnico.headers)
        also = server.ask("GET", f"{FEED}?espera=1", **tecnico.headers)
        served = server.ask("GET", TICKETS, **tecnico.headers)
        begun = monotonic()
        os.kill(server.process.pid, signal.SIGTERM)
        left = [list(listener.messages) for listener in (one, two)]
        ended = monotonic() - begun
        status = server.process.wait(30)
        stopped = monotonic() - begun

    assert [(answer.status, answer.headers["Retry-After"]) for answer in (refused, also)] == [(503, "5")] * 2
    assert served.status == 200
    assert left == [[], []]
    assert status == 0
    assert ended < SOON
    assert stopped < STOPS


def test_who_hangs_up_makes_room_at_once(committed, database_url):
    tecnico = factories.quien("Técnico")
    with gunicorn(database_url, "-w", "1") as server:
        for _ in range(3):
            with listening(server, **tecnico.headers) as one, listening(server, **tecnico.headers) as two:
                assert (one.answer.status, two.answer.status) == (200, 200)
            sleep(2 * waiting.EVERY)


def test_through_nginx_each_event_comes_when_it_happens(committed, database_url, tmp_path):
    tecnico = factories.quien("Técnico")
    behind = gunicorn(database_url, "-w", "2", TRUSTED_PROXIES="127.0.0.1")
    with behind as server, nginx(tmp_path / "nginx", server.port) as front:
        for prefix in ("", "/mesa"):
            secure = http.client.HTTPSConnection("127.0.0.1", front.port, timeout=20, context=front.tls)
            with closing(secure):
                listener = Listener(secure, f"{prefix}{STREAM}?desde=ahora", **tecnico.headers)
                assert listener.answer.status == 200
                begun = monotonic()
                created = front.ask("POST", f"{prefix}{TICKETS}", NUEVO, **tecnico.headers).json
                assert next(listener.messages).data["id_entidad"] == created["id"]
                assert monotonic() - begun < SOON
        sleep(2 * waiting.EVERY)
        begun = monotonic()
        waited = front.ask("GET", f"{FEED}?desde=ahora&espera=17", **tecnico.headers)

    assert (waited.status, waited.json["data"]) == (200, [])
    assert monotonic() - begun >= 17
