"""The sessions that somebody has: seen, ended one by one or all at once, by nobody else."""

from datetime import timedelta

import pytest
import time_machine

from app.extensions import db
from app.models import Sesion, utcnow
from app.queries.access import sessions as queries
from app.services.access import sessions
from tests import factories
from tests.factories import CLAVE, quien, signed_in
from tests.gunicorn import gunicorn, prepared

SESIONES = "/api/auth/sesiones"
ME = "/api/auth/me"
CAMPOS = {"id", "agente", "ip", "fecha_creacion", "ultimo_uso", "vence", "actual"}


@pytest.fixture
def two(client):
    """Two sign-ins of one user, on a computer and on a telephone."""
    email = factories.UsuarioFactory().email

    def sign_in(agent):
        body = {"email": email, "password": CLAVE}
        return client.post("/api/auth/login", json=body, headers={"User-Agent": agent}).json

    return [sign_in(agent) for agent in ("Escritorio/1.0", "Movil/2.0")]


def headers(pair, kind="access_token"):
    return {"Authorization": f"Bearer {pair[kind]}"}


def listed(client, pair):
    return client.get(SESIONES, headers=headers(pair)).json["data"]


def test_everybody_sees_its_own_sessions_the_newest_first(client, two):
    quien("Técnico")
    mobile, desktop = listed(client, two[1])

    assert set(mobile) == CAMPOS
    assert (mobile["actual"], desktop["actual"]) == (True, False)
    assert (desktop["agente"], desktop["ip"]) == ("Escritorio/1.0", "127.0.0.1")
    assert mobile["fecha_creacion"] > desktop["fecha_creacion"]
    assert [one["actual"] for one in listed(client, two[0])] == [False, True]
    for one in (mobile, desktop):
        assert client.get(f"{SESIONES}/{one['id']}", headers=headers(two[1])).json == one


def test_no_token_and_no_digest_of_one_is_shown(client, two):
    stored = {row.refresco for row in db.session.query(Sesion)}
    text = client.get(SESIONES, headers=headers(two[0])).text

    assert not any(secret in text for secret in {*stored, two[0]["refresh_token"], two[0]["access_token"]})


@pytest.mark.parametrize(
    "fields",
    [
        {"fin": utcnow()},
        {"vence": utcnow() - timedelta(seconds=1)},
        {"ultimo_uso": utcnow() - timedelta(days=7, seconds=1)},
    ],
    ids=["ended", "over", "no longer renewed"],
)
def test_what_is_no_longer_alive_is_not_there(client, tecnico, fields):
    sid, _ = signed_in(tecnico.id, **fields)

    shown = client.get(SESIONES, headers=tecnico.headers).json["data"]

    assert [one["id"] for one in shown] == [tecnico.sid]
    for method in ("GET", "DELETE"):
        answer = client.open(f"{SESIONES}/{sid}", method=method, headers=tecnico.headers)
        assert (answer.status_code, answer.json["codigo"]) == (404, "sesion_no_encontrada")


def test_a_session_says_when_it_ends_unless_it_is_renewed(client, tecnico):
    used, ends = utcnow() - timedelta(days=2), utcnow() + timedelta(days=20)
    sid, _ = signed_in(tecnico.id, ultimo_uso=used, vence=ends)

    shown = client.get(f"{SESIONES}/{sid}", headers=tecnico.headers).json

    assert shown["vence"] == f"{(used + timedelta(days=7)).isoformat()}Z"


def test_it_ends_seven_days_after_its_last_renewal(client, two):
    pair, _ = two
    with time_machine.travel(utcnow().isoformat() + "+00:00") as clock:
        clock.shift(timedelta(minutes=60, seconds=10))
        late = client.get(ME, headers=headers(pair))
        assert (late.status_code, late.json["codigo"]) == (401, "token_caducado")
        clock.shift(timedelta(days=6, hours=22))
        renewed = client.post("/api/auth/refresh", headers=headers(pair, "refresh_token"))
        assert renewed.status_code == 200
        clock.shift(timedelta(days=7, seconds=10))

        answer = client.post("/api/auth/refresh", headers=headers(renewed.json, "refresh_token"))

    assert (answer.status_code, answer.json["codigo"]) == (401, "token_caducado")


def test_it_ends_thirty_days_after_its_beginning_however_often_it_is_renewed(client, two):
    pair, _ = two
    with time_machine.travel(utcnow().isoformat() + "+00:00") as clock:
        for _ in range(5):
            clock.shift(timedelta(days=5, hours=23))
            renewed = client.post("/api/auth/refresh", headers=headers(pair, "refresh_token"))
            assert renewed.status_code == 200
            pair = renewed.json
        clock.shift(timedelta(hours=4))
        assert client.get(ME, headers=headers(pair)).status_code == 401  # An hour has passed.
        clock.shift(timedelta(hours=2))

        answer = client.post("/api/auth/refresh", headers=headers(pair, "refresh_token"))

    assert (answer.status_code, answer.json["codigo"]) == (401, "sesion_terminada")


def test_its_last_use_is_that_of_its_renewal(client, two):
    before = listed(client, two[0])[1]
    client.get(ME, headers=headers(two[0]))
    assert listed(client, two[0])[1] == before

    renewed = client.post("/api/auth/refresh", headers=headers(two[0], "refresh_token")).json

    after = listed(client, renewed)[1]
    assert after["ultimo_uso"] > before["ultimo_uso"]
    assert (after["id"], after["fecha_creacion"]) == (before["id"], before["fecha_creacion"])


def test_a_session_that_is_ended_ends_at_once_and_the_others_go_on(client, two, events):
    mobile, desktop = listed(client, two[1])

    answer = client.delete(f"{SESIONES}/{desktop['id']}", headers=headers(two[1]))

    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(ME, headers=headers(two[0])).json["codigo"] == "sesion_terminada"
    refused = client.post("/api/auth/refresh", headers=headers(two[0], "refresh_token"))
    assert (refused.status_code, refused.json["codigo"]) == (401, "sesion_terminada")
    assert listed(client, two[1]) == [mobile]
    assert client.delete(f"{SESIONES}/{desktop['id']}", headers=headers(two[1])).status_code == 404
    assert len(events("sesion.cerrada")) == 1


def test_a_session_of_which_nothing_is_left_is_not_renewed(client, two):
    db.session.query(Sesion).delete()
    db.session.commit()

    answer = client.post("/api/auth/refresh", headers=headers(two[0], "refresh_token"))

    assert (answer.status_code, answer.json["codigo"]) == (401, "sesion_terminada")


def test_a_session_that_ended_while_its_user_signs_out_does_not_end_twice(
    client, tecnico, events, monkeypatch
):
    locked = queries.locked

    def beaten(sid):
        sessions.end_all(tecnico.id)
        return locked(sid)

    monkeypatch.setattr(queries, "locked", beaten)

    assert client.post("/api/auth/logout", headers=tecnico.headers).status_code == 204
    assert events("sesion.cerrada") == []


def test_the_present_session_can_be_ended_too(client, tecnico):
    assert client.delete(f"{SESIONES}/{tecnico.sid}", headers=tecnico.headers).status_code == 204
    assert client.get(ME, headers=tecnico.headers).status_code == 401


def test_nobody_not_even_an_administrador_sees_or_ends_anothers(client, admin, tecnico, two):
    theirs = [tecnico.sid, *(one["id"] for one in listed(client, two[0]))]

    for sid in theirs:
        for method in ("GET", "DELETE"):
            answer = client.open(f"{SESIONES}/{sid}", method=method, headers=admin.headers)
            assert (answer.status_code, answer.json["codigo"]) == (404, "sesion_no_encontrada")
    assert [one["id"] for one in client.get(SESIONES, headers=admin.headers).json["data"]] == [admin.sid]
    assert client.get(ME, headers=tecnico.headers).status_code == 200


@pytest.mark.parametrize(
    "form", ["1", "F" * 32, "f" * 31, "f" * 33, "g" * 32, "%00" * 11, "..", "f" * 31 + "é"]
)
def test_an_id_of_another_form_is_no_address(client, tecnico, form):
    answer = client.get(f"{SESIONES}/{form}", headers=tecnico.headers)

    assert (answer.status_code, answer.json["codigo"]) == (404, "no_encontrado")


def test_signing_out_everywhere_ends_all_sessions_of_that_user_only(client, two, tecnico, events):
    answer = client.post("/api/auth/logout-todas", headers=headers(two[0]))

    assert (answer.status_code, answer.data) == (204, b"")
    for pair in two:
        assert client.get(ME, headers=headers(pair)).json["codigo"] == "sesion_terminada"
        assert client.post("/api/auth/refresh", headers=headers(pair, "refresh_token")).status_code == 401
    assert client.get(ME, headers=tecnico.headers).status_code == 200
    (event,) = events("sesion.todas_cerradas")
    assert event.id_usuario == event.id_entidad == two[0]["user"]["id"]
    assert events("sesion.cerrada") == []


def test_a_session_that_has_ended_keeps_when_it_did(client, tecnico):
    ended = utcnow() - timedelta(days=1)
    sid, _ = signed_in(tecnico.id, fin=ended)

    client.post("/api/auth/logout-todas", headers=tecnico.headers)

    db.session.expire_all()
    assert db.session.get_one(Sesion, sid).fin == ended


def test_a_new_role_counts_at_once_and_ends_no_session(client, admin, tecnico):
    sessions = client.get(SESIONES, headers=tecnico.headers).json
    assert client.post("/api/users", json={}, headers=tecnico.headers).status_code == 403

    client.put(f"/api/users/{tecnico.id}", json={"tipo_usuario": "Administrador"}, headers=admin.headers)

    assert client.post("/api/users", json={}, headers=tecnico.headers).status_code == 422
    assert client.get(SESIONES, headers=tecnico.headers).json == sessions


def test_it_ends_on_every_worker_at_once(fresh_database, without_app):
    with prepared(fresh_database):
        somebody = quien("Técnico")
    with gunicorn(fresh_database) as server:
        assert server.ask("POST", "/api/auth/logout-todas", **somebody.headers).status == 204

        answers = [server.ask("GET", ME, **somebody.headers) for _ in range(40)]

    assert {answer.status for answer in answers} == {401}
