"""Many at once, through HTTP on the real engine: nothing lost, nothing doubled, nobody waits for ever."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

import pymysql
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from app import create_app, database
from app.extensions import db
from app.models import Clientes, Idempotencia, LogTransaccional, Tiquet, utcnow
from app.services.desk import tickets
from app.services.log import audit
from app.utils import requests
from app.utils.access import tokens
from tests import factories
from tests.client import ApiClient
from tests.conftest import config_for, disconnect
from tests.factories import NUEVO
from tests.threads import at_once
from tests.world import refresh_token

pytestmark = pytest.mark.usefixtures("committed")

TICKETS = "/api/tickets/tickets"


@pytest.fixture
def tiquet() -> int:
    return factories.tiquet()


def path(id: int) -> str:
    return f"{TICKETS}/{id}"


def rows(*conditions: sa.ColumnElement[bool]) -> int:
    """How many tickets are committed."""
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Tiquet).where(*conditions)) or 0


def events(accion: str) -> int:
    db.session.rollback()
    same = LogTransaccional.accion == accion
    return db.session.scalar(sa.select(sa.func.count()).select_from(LogTransaccional).where(same)) or 0


def keyed(quien: factories.Quien, key: str | None = None) -> dict[str, str]:
    return {**quien.headers, "Idempotency-Key": key or uuid4().hex}


def fails_once(error: Exception, real: Callable[..., Any]) -> Callable[..., Any]:
    """``real``, but what it did the first time is followed by ``error``."""
    faults = [error]

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        if faults:
            raise faults.pop()
        return answer

    return wrapper


# Changes


def test_sixty_changes_by_twelve_at_once_all_count(app: Flask, client, tecnico, tiquet):
    def work(writer: int) -> Counter[int]:
        mine = app.test_client()
        bodies = ({"titulo": f"Cambio {writer}-{number}"} for number in range(5))
        return Counter(
            mine.put(path(tiquet), json=body, headers=tecnico.headers).status_code for body in bodies
        )

    answers = at_once(12, work)

    assert sum(answers, Counter()) == {200: 60}
    assert client.get(path(tiquet), headers=tecnico.headers).json["version"] == 61
    assert events("tiquet.actualizado") == 60


def test_changes_of_different_fields_at_once_all_stay(app: Flask, client, tecnico, tiquet):
    changes = [
        *({"titulo": "Otro título"}, {"descripcion": "Otra"}, {"id_categoria": 2}, {"id_criticidad": 3}),
        *({"id_prioridad": 4}, {"id_ubicacion": 5}, {"telefono_contacto": "555"}, {"etiquetas": ["a", "b"]}),
    ]

    def work(number: int) -> int:
        mine = app.test_client()
        return mine.put(path(tiquet), json=changes[number], headers=tecnico.headers).status_code

    assert set(at_once(len(changes), work)) == {200}
    shown = client.get(path(tiquet), headers=tecnico.headers).json
    assert all(shown[name] == value for change in changes for name, value in change.items())


@pytest.mark.parametrize(
    "error",
    [OperationalError("…", {}, pymysql.err.OperationalError(1213, "Deadlock found")), StaleDataError()],
    ids=["deadlock", "stale"],
)
def test_a_change_that_is_tried_again_keeps_all_of_it(client, tecnico, tiquet, monkeypatch, error):
    monkeypatch.setattr(audit, "record", fails_once(error, audit.record))
    changes = {
        "titulo": "Otro",
        "id_estado": 2,
        "id_usuario_asignado": tecnico.id,
        "etiquetas": ["red", "wifi"],
    }

    answer = client.put(path(tiquet), json=changes, headers=tecnico.headers)

    assert answer.status_code == 200, answer.json
    assert {name: answer.json[name] for name in changes} == changes
    assert client.get(path(tiquet), headers=tecnico.headers).json == answer.json
    assert (answer.json["version"], events("tiquet.actualizado")) == (2, 1)


def test_a_second_try_gets_what_the_first_one_took_out_of_its_arguments(client, tecnico, tiquet, monkeypatch):
    def greedy(actor: Any, id: int, cambios: dict[str, Any], precondicion: Any) -> bool:
        taken = dict(cambios)
        cambios.clear()
        return update(actor, id, taken, precondicion)

    update = tickets.update_ticket
    monkeypatch.setattr(tickets, "update_ticket", fails_once(StaleDataError(), greedy))

    answer = client.put(path(tiquet), json={"titulo": "Otro"}, headers=tecnico.headers)

    assert (answer.status_code, answer.json["titulo"], answer.json["version"]) == (200, "Otro", 2)


def test_a_creation_that_is_tried_again_makes_one_ticket(client, tecnico, monkeypatch):
    error = OperationalError("…", {}, pymysql.err.OperationalError(1213, "Deadlock found"))
    monkeypatch.setattr(audit, "record", fails_once(error, audit.record))

    answer = client.post(TICKETS, json={**NUEVO, "etiquetas": ["a"]}, headers=keyed(tecnico))

    assert (answer.status_code, answer.json["etiquetas"]) == (201, ["a"])
    assert "Idempotent-Replayed" not in answer.headers
    assert (rows(), events("tiquet.creado")) == (1, 1)


def test_of_eight_that_saw_the_same_version_one_wins(app: Flask, client, tecnico, tiquet):
    etag = client.get(path(tiquet), headers=tecnico.headers).headers["ETag"]
    headers = {**tecnico.headers, "If-Match": etag}

    def work(number: int) -> Any:
        return app.test_client().put(path(tiquet), json={"titulo": f"De {number}"}, headers=headers)

    answers = at_once(8, work)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 7}
    won = next(answer.json for answer in answers if answer.status_code == 200)
    for answer in answers:
        if answer.status_code == 412:
            told = {name: answer.json[name] for name in ("version_actual", "campos")}
            assert told == {"version_actual": 2, "campos": ["titulo"]}
            assert answer.json["modificado_por"]["id"] == tecnico.id
            assert answer.json["modificado_en"] >= won["fecha_actualizacion"]
    assert client.get(path(tiquet), headers=tecnico.headers).json["titulo"] == won["titulo"]


def test_of_eight_that_discard_a_ticket_one_does(app: Flask, admin, tiquet):
    answers = at_once(8, lambda _n: app.test_client().delete(path(tiquet), headers=admin.headers).status_code)

    assert Counter(answers) == {204: 1, 404: 7}
    assert events("tiquet.eliminado") == 1


# Idempotency-Key


def test_ten_twins_at_once_make_one_ticket(app: Flask, client, tecnico):
    headers = keyed(tecnico)

    answers = at_once(10, lambda _n: app.test_client().post(TICKETS, json=NUEVO, headers=headers))

    made = [answer for answer in answers if answer.status_code == 201]
    assert made
    assert len({answer.get_data() for answer in made}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1
    for answer in answers:
        if answer not in made:
            assert (answer.status_code, answer.json["codigo"]) == (409, "clave_en_curso")
            assert int(answer.headers["Retry-After"]) > 0
    assert (rows(), events("tiquet.creado")) == (1, 1)


def test_a_repeated_key_gets_the_first_answer_whole(client, tecnico):
    headers = keyed(tecnico)
    first = client.post(TICKETS, json=NUEVO, headers=headers)
    client.put(path(first.json["id"]), json={"titulo": "Ya cambió"}, headers=tecnico.headers)

    again = client.post(TICKETS, json=NUEVO, headers=headers)

    assert (again.status_code, again.get_data()) == (first.status_code, first.get_data())
    assert rows() == 1
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    for name in ("Content-Type", "ETag", "Location"):
        assert again.headers[name] == first.headers[name]


def test_a_key_with_another_body_is_refused(client, tecnico):
    headers = keyed(tecnico)
    client.post(TICKETS, json=NUEVO, headers=headers)

    answer = client.post(TICKETS, json={**NUEVO, "titulo": "Otra cosa"}, headers=headers)

    assert (answer.status_code, answer.json["codigo"]) == (422, "clave_reutilizada")
    assert rows() == 1


def test_a_refused_request_may_be_sent_again_with_its_key(client, tecnico):
    headers, body = keyed(tecnico), {**NUEVO, "id_cliente": 4242}
    refused = client.post(TICKETS, json=body, headers=headers)
    db.session.add(Clientes(id=4242, nombre="Ana"))
    db.session.commit()

    answer = client.post(TICKETS, json=body, headers=headers)

    assert (refused.status_code, answer.status_code) == (422, 201)
    assert "Idempotent-Replayed" not in answer.headers
    assert rows() == 1


def test_a_refused_request_leaves_its_key_free_for_another(client, tecnico):
    headers = keyed(tecnico)
    client.post(TICKETS, json={**NUEVO, "id_categoria": 999}, headers=headers)

    assert client.post(TICKETS, json=NUEVO, headers=headers).status_code == 201


def test_a_key_belongs_to_its_user(client, tecnico, admin):
    first, second = (client.post(TICKETS, json=NUEVO, headers=keyed(w, "a")) for w in (tecnico, admin))

    assert (first.status_code, second.status_code, rows()) == (201, 201, 2)
    assert first.json["id"] != second.json["id"]


def test_keys_that_differ_in_case_or_trailing_blanks_are_two(client, tecnico):
    for key in ("clave", "CLAVE", "clave .", "clave  ."):
        assert client.post(TICKETS, json=NUEVO, headers=keyed(tecnico, key)).status_code == 201

    assert rows() == 4


def test_a_key_that_has_no_answer_yet_is_told_to_wait(client, tecnico):
    headers = keyed(tecnico)
    client.post(TICKETS, json=NUEVO, headers=headers)
    db.session.execute(sa.update(Idempotencia).values(estado=None))
    db.session.commit()

    answer = client.post(TICKETS, json=NUEVO, headers=headers)

    assert (answer.status_code, answer.json["codigo"]) == (409, "clave_en_curso")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.mariadb
def test_a_key_still_in_flight_elsewhere_is_told_to_wait(client, tecnico, database_url):
    now = utcnow()
    row = {"id_usuario": tecnico.id, "clave": "a", "huella": "x", "ruta": "x", "creado": now, "vence": now}

    with raw(database_url) as connection:
        connection.execute(sa.insert(Idempotencia).values(row))
        answer = client.post(TICKETS, json=NUEVO, headers=keyed(tecnico, "a"))
        connection.rollback()

    assert (answer.status_code, answer.json["codigo"]) == (409, "clave_en_curso")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.post(TICKETS, json=NUEVO, headers=keyed(tecnico, "a")).status_code == 201


# Locks that nobody lets go


@contextmanager
def raw(url: str) -> Iterator[sa.Connection]:
    """A connection that is none of the application's, with no limits."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with closing(engine.connect()) as connection:
        yield connection
    engine.dispose()


@contextmanager
def locked(url: str, id: int) -> Iterator[None]:
    """Hold the ticket, or on SQLite the one place of a writer."""
    with raw(url) as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.select(Tiquet.id).where(Tiquet.id == id).with_for_update())
        yield
        connection.rollback()


def test_a_lock_held_for_ever_is_a_503_and_readers_do_not_wait(
    client, tecnico, tiquet, database_url, monkeypatch
):
    before = client.get(path(tiquet), headers=tecnico.headers).json
    monkeypatch.setattr(requests, "LIMIT", 3)

    with locked(database_url, tiquet):
        answer = client.put(path(tiquet), json={"titulo": "Otro"}, headers=tecnico.headers)

        assert (answer.status_code, answer.json["codigo"]) == (503, "base_de_datos_ocupada")
        assert int(answer.headers["Retry-After"]) > 0
        assert client.get(path(tiquet), headers=tecnico.headers).json == before
    assert client.put(path(tiquet), json={"titulo": "Otro"}, headers=tecnico.headers).status_code == 200


@pytest.mark.alone
def test_a_lock_is_waited_for_no_longer_than_a_request_may_take(client, tecnico, tiquet, database_url):
    client.get(path(tiquet), headers=tecnico.headers)
    started = monotonic()

    with locked(database_url, tiquet):
        answer = client.put(path(tiquet), json={"titulo": "Otro"}, headers=tecnico.headers)

        assert monotonic() - started < 10.5
    assert answer.status_code == 503


@pytest.mark.sqlite
@pytest.mark.parametrize("limits", ["false", "true"])
@pytest.mark.parametrize("step", ["login", "login/segundo-factor", "refresh"])
def test_no_step_of_signing_in_waits_longer_than_its_request_may(
    client, tiquet, database_url, with_settings, monkeypatch, step, limits
):
    with_settings(RATELIMIT_ENABLED=limits)
    quien = factories.quien("Técnico")
    desafio = tokens.challenge(quien.id, "una marca")
    body = {
        "login": {"email": quien.email, "password": "no es esta"},
        "login/segundo-factor": {"desafio": desafio, "codigo": "000000"},
    }.get(step)
    headers = bearer(refresh_token(quien)) if step == "refresh" else quien.headers
    db.session.remove()
    monkeypatch.setattr(requests, "LIMIT", 1.2)
    started = monotonic()

    with locked(database_url, tiquet):
        answer = client.post(f"/api/auth/{step}", json=body, headers=headers)

    assert (answer.status_code, answer.json["codigo"]) == (503, "base_de_datos_ocupada")
    assert monotonic() - started < 5


# Refresh tokens


def test_a_refresh_token_used_by_twenty_at_once_is_good_for_one_and_ends_the_family(app: Flask, client):
    quien = factories.quien("Técnico")
    body = {"email": quien.email, "password": factories.CLAVE}
    signed = client.post("/api/auth/login", json=body).json

    answers = at_once(20, lambda _n: refresh(app.test_client(), signed["refresh_token"]))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}
    codes = Counter(answer.json["codigo"] for answer in answers if answer.status_code == 401)
    assert codes == {"refresco_reutilizado": 1, "sesion_terminada": 18}
    newest = next(answer.json for answer in answers if answer.status_code == 200)
    assert refresh(client, newest["refresh_token"]).status_code == 401
    for token in (signed["access_token"], newest["access_token"]):
        assert client.get("/api/auth/me", headers=bearer(token)).status_code == 401
    assert client.get("/api/auth/me", headers=quien.headers).status_code == 200  # Another session of theirs.
    assert events("sesion.refresco_reutilizado") == 1


def refresh(client: Any, token: str) -> Any:
    return client.post("/api/auth/refresh", headers=bearer(token))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_renewal_that_is_tried_again_is_no_reuse(app: Flask, client, monkeypatch):
    """Its COMMIT happened, its answer was lost: the second try meets its own new token."""
    quien = factories.quien("Técnico")
    signed = client.post("/api/auth/login", json={"email": quien.email, "password": factories.CLAVE}).json
    lost = OperationalError("COMMIT", {}, pymysql.err.OperationalError(2013, "Lost connection"))
    monkeypatch.setattr(db.session, "commit", fails_once(lost, db.session.commit))

    answer = refresh(client, signed["refresh_token"])

    assert answer.status_code == 200
    assert refresh(client, answer.json["refresh_token"]).status_code == 200
    assert events("sesion.refresco_reutilizado") == 0


@pytest.mark.alone
@pytest.mark.mariadb
@pytest.mark.usefixtures("committed")
def test_a_statement_that_takes_too_long_is_ended_and_a_503(database_url, monkeypatch):
    served = create_app(config_for(database_url))
    served.test_client_class = ApiClient
    somebody = factories.quien("Técnico")
    db.session.remove()

    def forever(*_args):
        db.session.execute(sa.text("SELECT SLEEP(20)"))

    monkeypatch.setattr("app.queries.desk.stats.dashboard", forever)
    started = monotonic()
    answer = served.test_client().get("/api/tickets/dashboard/stats", headers=somebody.headers)
    took = monotonic() - started
    with served.app_context():
        disconnect()

    assert (answer.status_code, answer.json["codigo"]) == (503, "base_de_datos_ocupada")
    assert 4 < took < 10


@pytest.mark.mariadb
@pytest.mark.pymysql
@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_statement_that_the_server_forgets_to_end_is_a_503_and_not_tried_again(
    database_url, monkeypatch, method
):
    # Too short for the server's own limit to come first, which a busy one misses at times.
    monkeypatch.setattr(database, "SOCKET", 1)
    served = create_app(config_for(database_url))
    served.test_client_class = ApiClient
    somebody = factories.quien("Técnico")
    db.session.remove()
    tries = []

    def forever(*_args, **_kwargs):
        tries.append(1)
        db.session.execute(sa.text("SELECT SLEEP(4)"))

    monkeypatch.setattr("app.queries.desk.stats.dashboard", forever)
    monkeypatch.setattr("app.services.desk.views.create", forever)
    path, json = {
        "GET": ("/api/tickets/dashboard/stats", None),
        "POST": ("/api/tickets/vistas", {"nombre": "Mías", "filtros": {}}),
    }[method]
    answer = served.test_client().open(path, method=method, json=json, headers=somebody.headers)
    with served.app_context():
        disconnect()

    assert (answer.status_code, answer.json["codigo"]) == (503, "base_de_datos_ocupada")
    assert answer.headers["Retry-After"]
    assert tries == [1]
