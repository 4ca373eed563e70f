"""The second factor: begun, confirmed, asked for, guessed, lost and required of a role."""

import logging
import re
import time
from datetime import UTC, timedelta

import jwt
import pyotp
import pytest
import sqlalchemy as sa
import time_machine

from app import transaction
from app.extensions import db
from app.models import ROLES, SegundoFactor, Usuario, utcnow
from app.queries.access.users import hash_of
from app.services.access.sessions import mark_of
from app.utils.access import tokens
from config import config, reader
from tests import factories
from tests.conftest import SECRETS, config_for
from tests.factories import CLAVE, DE_RECUPERACION, codigo, programa, quien, segundo_factor
from tests.threads import at_once
from tests.world import AUTH, between_requests, events_after, last_event, snapshot

FACTOR, CONFIRM, LOGIN = f"{AUTH}segundo-factor", f"{AUTH}segundo-factor/confirmar", f"{AUTH}login"
FINISH, ME = f"{LOGIN}/segundo-factor", f"{AUTH}me"
NONE = {"activo": False, "pendiente": False, "codigos_restantes": 0}
WRONG = "000000"


@pytest.fixture
def ana(session):
    """A technician with a second factor."""
    ana = quien("Técnico")
    segundo_factor(ana.id)
    return ana


def sign_in(client, who, password=CLAVE):
    return client.post(LOGIN, json={"email": who.email, "password": password})


def challenge_of(client, who):
    answer = sign_in(client, who)
    assert (answer.status_code, answer.json["codigo"]) == (401, "segundo_factor_requerido")
    assert "access_token" not in answer.json
    return answer.json["desafio"]


def finish(client, desafio, code):
    return client.post(FINISH, json={"desafio": desafio, "codigo": code})


def told(answer):
    return answer.status_code, answer.json.get("codigo")


def wrong_code(client, who):
    return told(finish(client, tokens_challenge(who), WRONG))


def tokens_challenge(who):
    """What sign-in tells whoever knows the password, without a try that counts."""
    with between_requests():
        return tokens.challenge(who.id, mark_of(hash_of(who.id)))


def test_it_is_begun_confirmed_and_then_asked_for(client, tecnico, caplog):
    caplog.set_level(logging.DEBUG)
    headers, mark = tecnico.headers, last_event()
    assert client.get(FACTOR, headers=headers).json == NONE
    begun = client.post(FACTOR, json={"password": CLAVE}, headers=headers).json
    totp = pyotp.parse_uri(begun["uri"])
    assert (totp.issuer, totp.name, totp.secret) == ("SoportePlus", tecnico.email, begun["secreto"])
    assert client.get(FACTOR, headers=headers).json == NONE | {"pendiente": True}
    assert sign_in(client, tecnico).status_code == 200

    refused = client.post(CONFIRM, json={"codigo": WRONG}, headers=headers)
    used = totp.now()
    confirmed = client.post(CONFIRM, json={"codigo": used}, headers=headers)

    assert list(refused.json["errores"]) == ["codigo"]
    assert confirmed.json == {"activo": True, "pendiente": False, "codigos_restantes": 10}
    assert client.get(ME, headers=headers).json["segundo_factor"] is True
    assert told(client.post(FACTOR, json={"password": CLAVE}, headers=headers)) == (
        409,
        "segundo_factor_activo",
    )
    desafio = challenge_of(client, tecnico)
    assert told(finish(client, desafio, used)) == (401, "segundo_factor_incorrecto")
    code = begun["codigos_recuperacion"][3]
    answer = finish(client, desafio, f" {code.upper().replace('-', ' ')}")
    assert set(answer.json) == set(sign_in_of_another(client))
    assert (
        client.get(ME, headers={"Authorization": f"Bearer {answer.json['access_token']}"}).status_code == 200
    )
    assert client.get(FACTOR, headers=headers).json["codigos_restantes"] == 9
    hidden = [begun["secreto"], *begun["codigos_recuperacion"], used, desafio]
    written = f"{caplog.text} {events_after(mark)} {snapshot(SegundoFactor.__tablename__)}"
    # As words of their own: six digits are found by chance in a hash, and as the fraction of a second.
    found = set(re.findall(r"[\w.-]+", re.sub(r"datetime\([\d, ]+\)", "", written)))
    assert found & set(hidden) == set()


def test_to_begin_and_to_confirm_leave_an_event_each(client, tecnico):
    mark = last_event()
    begun = client.post(FACTOR, json={"password": CLAVE}, headers=tecnico.headers).json
    client.post(CONFIRM, json={"codigo": pyotp.TOTP(begun["secreto"]).now()}, headers=tecnico.headers)

    changed = {"campo": "segundo_factor", "anterior": False, "nuevo": True}
    assert [(left["accion"], left["id_entidad"], left["cambios"]) for left in events_after(mark)] == [
        ("usuario.segundo_factor_iniciado", tecnico.id, []),
        ("usuario.segundo_factor_activado", tecnico.id, [changed]),
    ]


def test_recovery_codes_are_ten_that_can_be_read_out(client, tecnico):
    codes = [
        code
        for _ in range(2)
        for code in client.post(FACTOR, json={"password": CLAVE}, headers=tecnico.headers).json[
            "codigos_recuperacion"
        ]
    ]

    assert len(set(codes)) == 20
    assert [code for code in codes if not re.fullmatch("([a-z2-7]{4}-){3}[a-z2-7]{4}", code)] == []
    assert any(code[1:4] != code[5:8] for code in codes)  # No group tells of the next.


def test_who_guesses_the_password_there_is_stopped_and_nobody_else(client, tecnico, admin):
    def begin(who, password):
        return told(client.post(FACTOR, json={"password": password}, headers=who.headers))

    assert {begin(tecnico, "no es esta") for _ in range(10)} == {(403, "clave_actual_incorrecta")}

    assert begin(tecnico, CLAVE) == (429, "cuenta_bloqueada")
    assert begin(admin, CLAVE)[0] == 200


def test_a_password_is_looked_at_within_the_time_of_one_request(client, tecnico, monkeypatch):
    ends, real, begun = [], transaction.attempt, time.monotonic()

    def attempt(unit, operation, deadline, *more):
        ends.append(deadline)
        return real(unit, operation, deadline, *more)

    monkeypatch.setattr(transaction, "attempt", attempt)
    client.post(FACTOR, json={"password": CLAVE}, headers=tecnico.headers)

    counted, forgotten, _begun = ends
    assert begun + transaction.LIMIT <= counted == forgotten


def test_what_is_active_is_not_confirmed_again(client, ana):
    answer = client.post(CONFIRM, json={"codigo": codigo()}, headers=ana.headers)

    assert told(answer) == (404, "segundo_factor_no_encontrado")


def test_finishing_to_sign_in_counts_as_a_sign_in_of_that_address(client, ana, with_settings):
    with_settings(RATELIMIT_ENABLED="true")

    def finish_from(ip):
        body = {"desafio": tokens_challenge(quien("Técnico")), "codigo": WRONG}
        return told(client.post(FINISH, json=body, environ_base={"REMOTE_ADDR": ip}))

    answers = [finish_from("192.0.2.1") for _ in range(31)]

    assert answers == [(401, "desafio_invalido")] * 30 + [(429, "demasiadas_peticiones")]
    assert finish_from("192.0.2.2") == (401, "desafio_invalido")


def sign_in_of_another(client):
    return sign_in(client, quien("Técnico")).json


def test_to_begin_again_before_it_is_confirmed_replaces_the_secret(client, tecnico):
    first, second = (
        client.post(FACTOR, json={"password": CLAVE}, headers=tecnico.headers).json["secreto"]
        for _ in range(2)
    )
    answers = [
        client.post(CONFIRM, json={"codigo": pyotp.TOTP(secret).now()}, headers=tecnico.headers)
        for secret in (first, second)
    ]

    assert [answer.status_code for answer in answers] == [422, 200]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_clock_of_a_telephone_may_be_a_step_off(client, ana, steps):
    with time_machine.travel(utcnow().replace(tzinfo=UTC), tick=False):
        answer = finish(client, challenge_of(client, ana), codigo(steps))

    assert answer.status_code == 200


def test_a_code_may_be_sent_as_a_telephone_shows_it(client, ana):
    code = codigo()

    assert finish(client, challenge_of(client, ana), f"{code[:3]} {code[3:]}").status_code == 200


@pytest.mark.parametrize("steps", [-3, 3])
def test_a_code_of_another_time_is_wrong(client, ana, steps):
    assert told(finish(client, challenge_of(client, ana), codigo(steps))) == (
        401,
        "segundo_factor_incorrecto",
    )


@pytest.mark.parametrize("code", [codigo, lambda: DE_RECUPERACION])
def test_a_code_is_good_once(client, ana, code):
    said = code()
    answers = [finish(client, challenge_of(client, ana), said) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 401]


def test_an_older_code_that_is_refused_makes_no_newer_one_good_again(client, ana):
    with time_machine.travel(utcnow().replace(tzinfo=UTC), tick=False):
        answers = [finish(client, challenge_of(client, ana), codigo(steps)) for steps in (0, -1, 0)]

    assert [answer.status_code for answer in answers] == [200, 401, 401]


def test_the_machine_may_be_in_any_zone(client, ana, monkeypatch):
    monkeypatch.setenv("TZ", "America/Guatemala")
    time.tzset()
    try:
        answer = finish(client, challenge_of(client, ana), codigo())
    finally:
        monkeypatch.undo()
        time.tzset()

    assert answer.status_code == 200


def test_the_session_is_called_as_the_one_that_finishes_is(client, ana):
    body = {"desafio": challenge_of(client, ana), "codigo": codigo()}
    token = client.post(FINISH, json=body, headers={"User-Agent": "Movil/2.0"}).json["access_token"]

    listed = client.get(f"{AUTH}sesiones", headers={"Authorization": f"Bearer {token}"}).json["data"]

    assert [one["agente"] for one in listed if one["actual"]] == ["Movil/2.0"]


def test_every_step_of_signing_in_ends_with_its_request(client, ana, with_settings, monkeypatch):
    """None takes a time of its own, which would begin anew with each."""
    with_settings(RATELIMIT_ENABLED="true")
    monkeypatch.setattr(transaction, "LIMIT", None)  # What a unit takes that is told no end.

    assert sign_in(client, ana, "no es esta").status_code == 401
    assert finish(client, challenge_of(client, ana), codigo()).status_code == 200
    assert sign_in(client, quien("Técnico")).status_code == 200


@pytest.mark.parametrize("code", [codigo, lambda: DE_RECUPERACION])
def test_of_many_who_send_one_code_at_once_one_gets_in(committed, code):
    ana = quien("Técnico")
    segundo_factor(ana.id)
    desafio, said = tokens_challenge(ana), code()
    db.session.remove()

    answers = at_once(6, lambda _: finish(committed.test_client(), desafio, said))

    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 5]


def test_wrong_codes_and_wrong_passwords_lock_the_same_account(client, ana):
    for _ in range(5):
        assert sign_in(client, ana, "no es esta").status_code == 401
    assert [wrong_code(client, ana)[0] for _ in range(6)] == [401] * 5 + [429]

    assert told(sign_in(client, ana)) == (429, "cuenta_bloqueada")
    assert told(finish(client, tokens_challenge(ana), codigo())) == (429, "cuenta_bloqueada")
    assert sign_in(client, quien("Técnico")).status_code == 200


def test_a_right_password_does_not_make_wrong_codes_forgotten(client, ana):
    answers = []
    for _ in range(5):
        answers += [sign_in(client, ana).status_code, wrong_code(client, ana)[0]]

    assert answers == [401] * 10
    assert sign_in(client, ana).status_code == 429


def test_a_right_code_makes_all_of_them_forgotten(client, ana):
    for _ in range(3):
        wrong_code(client, ana)
    assert finish(client, challenge_of(client, ana), codigo()).status_code == 200

    assert [wrong_code(client, ana)[0] for _ in range(11)] == [401] * 10 + [429]


def test_a_wrong_code_leaves_the_event_of_a_sign_in_that_was_refused(client, ana):
    mark = last_event()
    wrong_code(client, ana)

    (event,) = events_after(mark)
    assert (event["accion"], event["id_entidad"], event["id_usuario"]) == ("sesion.rechazada", ana.id, None)


@pytest.mark.parametrize("seconds", [299, 301])
def test_a_challenge_is_good_for_five_minutes(client, ana, seconds):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        desafio = challenge_of(client, ana)
        clock.shift(timedelta(seconds=seconds))
        answer = finish(client, desafio, codigo())

    assert answer.status_code == (200 if seconds < 300 else 401)


@pytest.mark.parametrize(
    "values",
    [{"password_hash": factories.hash_password("otra clave de prueba")}, {"activo": False}],
)
def test_a_challenge_ends_when_its_account_changes(client, ana, values):
    desafio = challenge_of(client, ana)
    db.session.execute(sa.update(Usuario).where(Usuario.id == ana.id).values(**values))
    db.session.commit()

    assert finish(client, desafio, codigo()).status_code == 401


def test_a_challenge_is_no_token_and_no_token_is_a_challenge(client, ana):
    desafio = challenge_of(client, ana)
    pair = tokens.pair(ana.id, ana.sid)

    for method, path in (("GET", ME), ("POST", f"{AUTH}refresh")):
        answer = client.open(path, method=method, headers={"Authorization": f"Bearer {desafio}"})
        assert told(answer) == (401, "token_invalido")
    for other in (pair["access_token"], pair["refresh_token"], desafio[:-2] + "xx", "x", "é"):
        assert told(finish(client, other, codigo())) == (401, "desafio_invalido")
    assert told(finish(client, challenge_of_whoever_has_none(), codigo())) == (401, "desafio_invalido")


@pytest.mark.parametrize(
    "changes",
    [
        *({"exp": None}, {"sub": None}, {"marca": None}, {"iss": None}, {"aud": None}),
        *({"iss": "otro"}, {"aud": "soporteplus"}, {"aud": ["soporteplus-segundo-factor"]}),
    ],
    ids=str,
)
def test_a_challenge_with_other_claims_is_refused_though_we_signed_it(client, ana, changes):
    key = SECRETS["JWT_SECRET_KEY"]
    good = jwt.decode(tokens_challenge(ana), key, ["HS256"], audience="soporteplus-segundo-factor")
    claims = {name: value for name, value in (good | changes).items() if value is not None}

    assert told(finish(client, jwt.encode(claims, key, "HS256"), codigo())) == (401, "desafio_invalido")


def challenge_of_whoever_has_none():
    return tokens_challenge(quien("Técnico"))


def test_it_is_removed_with_the_password_only(client, ana):
    wrong = client.delete(FACTOR, json={"password": "no es esta"}, headers=ana.headers)
    right = client.delete(FACTOR, json={"password": CLAVE}, headers=ana.headers)

    assert (told(wrong), right.status_code) == ((403, "clave_actual_incorrecta"), 204)
    assert client.get(FACTOR, headers=ana.headers).json == NONE
    assert sign_in(client, ana).status_code == 200


def test_one_that_was_never_confirmed_is_removed_too(client, tecnico, events):
    segundo_factor(tecnico.id, activo=False)

    answer = client.delete(FACTOR, json={"password": CLAVE}, headers=tecnico.headers)

    assert answer.status_code == 204
    assert client.get(FACTOR, headers=tecnico.headers).json == NONE
    assert [event.cambios for event in events("usuario.segundo_factor_desactivado")] == [[]]


def test_an_administrador_removes_it_for_who_lost_the_telephone(client, ana, admin, events):
    path = f"/api/users/{ana.id}/segundo-factor"
    assert client.delete(path, headers=ana.headers).status_code == 403

    answers = [client.delete(path, headers=admin.headers) for _ in range(2)]

    assert [answer.json["segundo_factor"] for answer in answers] == [False, False]
    (event,) = events("usuario.segundo_factor_desactivado")
    assert (event.id_usuario, event.id_entidad) == (admin.id, ana.id)
    assert event.cambios == [{"campo": "segundo_factor", "anterior": True, "nuevo": False}]
    assert sign_in(client, ana).status_code == 200


def test_a_role_that_needs_it_has_only_auth_without(app, client, admin, ana, with_settings):
    with_settings(SEGUNDO_FACTOR_ROLES="Administrador, Técnico")
    bare, program = quien("Técnico"), programa(admin.id, "tickets:leer")
    tickets = "/api/tickets/tickets"

    for who in (bare, admin, program):
        assert told(client.get(tickets, headers=who.headers)) == (403, "segundo_factor_obligatorio")
    assert client.get(ME, headers=bare.headers).status_code == 200
    assert client.get(tickets, headers=ana.headers).status_code == 200
    assert client.get(tickets, headers=quien("Solicitante").headers).status_code == 200

    begun = client.post(FACTOR, json={"password": CLAVE}, headers=bare.headers).json
    client.post(CONFIRM, json={"codigo": pyotp.TOTP(begun["secreto"]).now()}, headers=bare.headers)
    assert client.get(tickets, headers=bare.headers).status_code == 200


def test_where_no_role_needs_it_nobody_does(app):
    assert reader.ROLES == ROLES
    assert config_for("sqlite://").segundo_factor_roles == ()
    with pytest.raises(config.ConfigError, match="SEGUNDO_FACTOR_ROLES"):
        config_for("sqlite://", SEGUNDO_FACTOR_ROLES="Técnico,Jefe")
