"""Waiting for changes: told at once, no connection held meanwhile, and never so many that others wait too."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Thread
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import Sesion, TokenServicio, Usuario, utcnow
from app.utils.live import waiting
from tests import factories
from tests.factories import NUEVO
from tests.gunicorn import Gunicorn, gunicorn
from tests.test_chain import plant
from tests.test_feed import FEED, TICKETS, cursors_say, get

SOON = 3.0  # seconds, on a busy machine
STOPS = 12.0  # With kept-alive connections let go; whom gunicorn has to cut off takes 20.


@contextmanager
def meanwhile(app: Any, work: Callable[[], Any], after: float = 0.6) -> Iterator[None]:
    """Do ``work`` in a thread of its own, a little later."""

    def late() -> None:
        sleep(after)
        with app.app_context():
            work()

    thread = Thread(target=late)
    thread.start()
    yield
    thread.join()


def test_whoever_waits_is_told_as_soon_as_there_is_something(app, committed):
    tecnico, client = factories.quien("Técnico"), app.test_client()
    start = get(client, tecnico, desde="ahora")["siguiente"]
    begun = monotonic()

    with meanwhile(app, lambda: app.test_client().post(TICKETS, json=NUEVO, headers=tecnico.headers)):
        page = get(client, tecnico, desde=start, espera=30)

    assert [event["accion"] for event in page["data"]] == ["tiquet.creado"]
    assert monotonic() - begun < 30 / 2


def test_whoever_waits_in_vain_gets_an_empty_page(client, tecnico):
    begun = monotonic()

    assert get(client, tecnico, espera=1)["data"] == []

    assert monotonic() - begun >= 1


def test_what_the_caller_may_not_see_does_not_end_the_wait(app, committed):
    tecnico, client = factories.quien("Técnico"), app.test_client()

    with meanwhile(app, lambda: plant(2, entidad="sesion", accion="sesion.iniciada")):
        page = get(client, tecnico, espera=2)

    assert page["data"] == []
    assert cursors_say(client, page["siguiente"]) == 2


def test_whoever_is_told_something_at_once_takes_no_place(client, tecnico, monkeypatch):
    monkeypatch.setattr(waiting, "PLAZAS", BoundedSemaphore(0))
    plant(1)

    assert len(get(client, tecnico, espera=30)["data"]) == 1
    refused = client.get(f"{FEED}?desde=ahora&espera=30", headers=tecnico.headers)
    assert (refused.status_code, refused.json["codigo"]) == (503, "demasiadas_esperas")
    assert refused.headers["Retry-After"] == "5"


def test_a_place_is_free_again_whatever_the_wait_ended_with(client, tecnico, monkeypatch):
    def fails(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(waiting, "PLAZAS", BoundedSemaphore(1))
    get(client, tecnico, espera=1)
    with monkeypatch.context() as patch:
        patch.setattr("app.queries.log.feed.has_more", fails)
        assert client.get(f"{FEED}?espera=1", headers=tecnico.headers).status_code == 500

    assert waiting.PLAZAS.acquire(blocking=False)


def test_no_connection_is_held_while_waiting(app, committed):
    tecnico, client = factories.quien("Técnico"), app.test_client()
    held = []

    def look() -> None:
        held.extend(db.engine.pool.checkedout() for _ in range(20) if not sleep(0.05))

    with meanwhile(app, look):
        get(client, tecnico, espera=2)

    assert held.count(0) > len(held) / 2


def end_session() -> None:
    db.session.execute(sa.update(Sesion).values(fin=utcnow()))
    db.session.commit()


def demote() -> None:
    db.session.execute(sa.update(Usuario).values(tipo_usuario="Solicitante"))
    db.session.commit()


@pytest.mark.parametrize(("change", "status"), [(end_session, 401), (demote, 403)])
def test_who_may_no_longer_know_is_not_told_what_came_meanwhile(app, committed, change, status):
    tecnico, client = factories.quien("Técnico"), app.test_client()

    def work() -> None:
        change()
        plant(1)

    with meanwhile(app, work):
        answer = client.get(f"{FEED}?espera=10", headers=tecnico.headers)

    assert answer.status_code == status


def test_a_program_whose_token_was_revoked_is_not_told_what_came_meanwhile(app, committed):
    program, client = factories.programa(factories.quien("Técnico").id, "cambios:leer"), app.test_client()

    def work() -> None:
        db.session.execute(sa.delete(TokenServicio))
        db.session.commit()
        plant(1)

    with meanwhile(app, work):
        answer = client.get(f"{FEED}?espera=10", headers=program.headers)

    assert answer.status_code == 401


@pytest.mark.parametrize("espera", [-1, 31, "x"])
def test_nobody_waits_longer_than_thirty_seconds(client, tecnico, espera):
    answer = client.get(f"{FEED}?espera={espera}", headers=tecnico.headers)

    assert (answer.status_code, list(answer.json["errores"])) == (422, ["espera"])


def waiting_on(server: Gunicorn, quien: factories.Quien, count: int, path: str) -> list[Any]:
    """Answers that will come of requests that wait."""
    answers: list[Any] = []
    for _ in range(count):
        ask = lambda: answers.append(server.ask("GET", path, **quien.headers))  # noqa: E731
        Thread(target=ask, daemon=True).start()
    sleep(1)
    return answers


def test_others_are_served_while_as_many_wait_as_may(committed, database_url):
    tecnico = factories.quien("Técnico")
    with gunicorn(database_url, "-w", "1", "--threads", "4") as server:
        server.timeout = 60
        answers = waiting_on(server, tecnico, 4, f"{FEED}?espera=20")
        refused = [(one.status, one.json["codigo"], one.headers["Retry-After"]) for one in answers]
        begun = monotonic()
        created = server.ask("POST", TICKETS, NUEVO, **tecnico.headers)
        took = monotonic() - begun
        while len(answers) < 4 and monotonic() < begun + 15:
            sleep(0.05)

    assert refused == [(503, "demasiadas_esperas", "5")] * 2
    assert created.status == 201
    assert took < SOON
    told = [one.json["data"][0]["id_entidad"] for one in answers if one.status == 200]
    assert told == [created.json["id"]] * 2


def test_whoever_waits_is_answered_when_the_service_stops(committed, database_url):
    tecnico = factories.quien("Técnico")
    with gunicorn(database_url, "-w", "1") as server:
        server.timeout = 60
        answers = waiting_on(server, tecnico, 2, f"{FEED}?espera=30")
        begun = monotonic()
        os.kill(server.process.pid, signal.SIGTERM)
        status = server.process.wait(30)
        took = monotonic() - begun

    assert [(one.status, one.json["data"]) for one in answers] == [(200, [])] * 2
    assert status == 0
    assert took < STOPS
