"""Behind a network that eats the answer of one COMMIT in five, and one that swallows everything."""

from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.extensions import db
from app.models import LogTransaccional, Tiquet
from tests import factories
from tests.client import ApiClient
from tests.conftest import config_for, disconnect
from tests.factories import NUEVO
from tests.proxy import Proxy
from tests.threads import at_once

pytestmark = [pytest.mark.mariadb, pytest.mark.usefixtures("committed")]

TICKETS = "/api/tickets/tickets"
WRITERS = 4


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    url = sa.make_url(database_url)
    with Proxy(url.host or "127.0.0.1", url.port or 3306, eat_every=5) as proxy:
        yield proxy


@pytest.fixture
def far(proxy: Proxy, database_url: str) -> Iterator[Flask]:
    """An application whose way to the database leads through the proxy."""
    url = sa.make_url(database_url).set(host="127.0.0.1", port=proxy.port)
    app = create_app(config_for(url.render_as_string(hide_password=False)))
    app.test_client_class = ApiClient
    yield app
    proxy.resume()
    with app.app_context():
        disconnect()


def split(app: Flask, count: int, ask: Any) -> list[Any]:
    """``ask(client, number)`` for each number below ``count``, by four writers; the answers in order."""

    answers: dict[int, Any] = {}

    def work(writer: int) -> None:
        client = app.test_client()
        for number in range(writer, count, WRITERS):
            answers[number] = ask(client, number)

    at_once(WRITERS, work)
    return [answers[number] for number in range(count)]


def events(accion: str) -> Counter[int | None]:
    """How many events of this kind each ticket has."""
    db.session.rollback()
    which = sa.select(LogTransaccional.id_tiquet).where(LogTransaccional.accion == accion)
    return Counter(db.session.scalars(which))


def tickets() -> dict[str, int]:
    db.session.rollback()
    found = db.session.execute(sa.select(Tiquet.titulo, Tiquet.id)).all()
    by_titulo = {row.titulo: row.id for row in found}
    assert len(by_titulo) == len(found), "a ticket was made twice"
    return by_titulo


@pytest.mark.parametrize("with_key", [True, False], ids=["with key", "without key"])
def test_each_creation_happens_once(far: Flask, proxy: Proxy, tecnico, with_key):
    def create(client: Any, number: int) -> Any:
        key = {"Idempotency-Key": uuid4().hex} if with_key else {}
        return client.post(TICKETS, json={**NUEVO, "titulo": f"T {number}"}, headers=tecnico.headers | key)

    answers = split(far, 60, create)

    assert Counter(answer.status_code for answer in answers) == {201: 60}
    assert proxy.eaten > 0
    assert tickets() == {f"T {number}": answer.json["id"] for number, answer in enumerate(answers)}
    assert events("tiquet.creado") == Counter(tickets().values())


def test_each_conditional_change_happens_once_and_none_is_taken_for_a_stranger_s(
    far: Flask, proxy: Proxy, tecnico
):
    """A blind second try would meet its own first one and answer 412."""
    ids = [factories.tiquet() for _ in range(WRITERS)]

    def change(client: Any, number: int) -> Any:
        path = f"{TICKETS}/{ids[number % WRITERS]}"
        etag = client.get(path, headers=tecnico.headers).headers["ETag"]
        headers = {**tecnico.headers, "If-Match": etag}
        return client.put(path, json={"titulo": f"Cambio {number}"}, headers=headers)

    answers = split(far, 40, change)

    assert Counter(answer.status_code for answer in answers) == {200: 40}
    assert proxy.eaten > 0
    assert [answer.json["version"] for answer in answers] == [2 + number // WRITERS for number in range(40)]
    assert [answer.json["titulo"] for answer in answers] == [f"Cambio {number}" for number in range(40)]
    assert events("tiquet.actualizado") == dict.fromkeys(ids, 10)


def test_each_discard_happens_once_and_none_answers_not_found(far: Flask, proxy: Proxy, admin):
    ids = [factories.tiquet() for _ in range(20)]

    answers = split(far, 20, lambda client, n: client.delete(f"{TICKETS}/{ids[n]}", headers=admin.headers))

    assert Counter(answer.status_code for answer in answers) == {204: 20}
    assert proxy.eaten > 0
    assert events("tiquet.eliminado") == dict.fromkeys(ids, 1)


def test_each_sign_in_and_renewal_succeeds(far: Flask, proxy: Proxy):
    quien = factories.quien("Técnico")
    body = {"email": quien.email, "password": factories.CLAVE}

    def sign_in_and_renew(client: Any, _number: int) -> Counter[int]:
        answers = [client.post("/api/auth/login", json=body)]
        while answers[0].json.get("codigo") == "servicio_ocupado":  # Others are having their hashes computed.
            answers = [client.post("/api/auth/login", json=body)]
        for _ in range(3):
            bearer = {"Authorization": f"Bearer {answers[-1].json['refresh_token']}"}
            answers.append(client.post("/api/auth/refresh", headers=bearer))
        return Counter(answer.status_code for answer in answers)

    assert sum(split(far, 8, sign_in_and_renew), Counter()) == {200: 32}
    assert proxy.eaten > 0


def test_a_black_hole_is_a_503_in_time_and_what_follows_succeeds(far: Flask, proxy: Proxy, tecnico):
    id = factories.tiquet()
    client = far.test_client()
    asked = [
        lambda mine: mine.get(f"{TICKETS}/{id}", headers=tecnico.headers),
        lambda mine: mine.put(f"{TICKETS}/{id}", json={"titulo": "Otro"}, headers=tecnico.headers),
        lambda mine: mine.post(TICKETS, json=NUEVO, headers=tecnico.headers),
    ]
    before = at_once(3, lambda n: asked[n](far.test_client()).status_code)  # Each has a connection then.

    proxy.stall()
    started = monotonic()
    swallowed = at_once(3, lambda n: asked[n](far.test_client()))
    took = monotonic() - started
    proxy.resume()

    assert before == [200, 200, 201]
    assert [answer.status_code for answer in swallowed] == [503] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in swallowed)
    assert took < 10.5
    assert [ask(client).status_code for ask in asked] == [200, 200, 201]
    with far.app_context():
        assert db.engine.pool.checkedout() == 0
