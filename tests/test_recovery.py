"""Choosing a password anew without the old one: who asks learns nothing, what is sent is good once."""

import hashlib
import json
import re
from datetime import UTC, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from app.extensions import db
from app.models import Correos, IdentidadExterna, LogTransaccional, Recuperacion, Sesion, Usuario, utcnow
from app.services.access import attempts, recovery
from app.services.mail import outbox
from tests import factories
from tests.factories import CLAVE, codigo, segundo_factor
from tests.postbox import Postbox, open_for
from tests.threads import at_once

ASK, RESET, LOGIN = "/api/auth/recuperar", "/api/auth/restablecer", "/api/auth/login"
NUEVA = "tres tigres en el trigal"


@pytest.fixture
def postbox(with_settings):
    with open_for(Postbox()) as box:
        with_settings(**box.settings, URL_PUBLICA="https://soporte.example.org/")
        yield box


def asked(client, email):
    db.session.remove()
    return client.post(ASK, json={"email": email})


def sent(client, postbox, email):
    """Ask for an account, let the mail go out; the token in it."""
    assert asked(client, email).status_code == 202
    assert outbox.send_due() == 1
    text = postbox.to(email)[-1].get_body(("plain",)).get_content()
    return re.search(r"https://soporte\.example\.org/restablecer#token=(\S+)", text)[1]


def reset(client, token, password=NUEVA):
    db.session.remove()
    return client.post(RESET, json={"token": token, "password": password})


def signs_in(client, email, password):
    return client.post(LOGIN, json={"email": email, "password": password}).status_code == 200


def test_what_is_sent_lets_the_account_choose_another_password_once(client, postbox):
    who = factories.quien("Técnico", debe_cambiar_clave=True)
    token = sent(client, postbox, who.email)

    assert reset(client, token).status_code == 204

    assert signs_in(client, who.email, NUEVA)
    assert not signs_in(client, who.email, CLAVE)
    assert client.get("/api/auth/me", headers=who.headers).status_code == 401  # Its sessions have ended.
    fresh = client.post(LOGIN, json={"email": who.email, "password": NUEVA}).json["access_token"]
    me = client.get("/api/auth/me", headers={"Authorization": f"Bearer {fresh}"}).json
    assert me["debe_cambiar_clave"] is False
    again = reset(client, token, "cuatro tristes elefantes")
    assert (again.status_code, again.json["codigo"]) == (401, "recuperacion_invalida")
    assert signs_in(client, who.email, NUEVA)


def test_whoever_asks_cannot_tell_whether_there_is_such_an_account(client, postbox, session):
    known, off = factories.quien("Técnico"), factories.quien("Técnico", activo=False)
    seen = []

    def statements(_conn, _cursor, statement, *_):
        if "SAVEPOINT" not in statement:  # They are the test's own.
            seen[-1].append(statement)

    engine = db.session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", statements)
    answers = []
    for email in (known.email, off.email, "nadie@example.org"):
        seen.append([])
        answers.append(asked(client, email))
    sa.event.remove(engine, "before_cursor_execute", statements)

    assert {(a.status_code, a.data) for a in answers} == {(202, b'{"minutos":15}')}
    assert {tuple(h for h in a.headers if h[0] != "X-Request-Id") for a in answers} == {
        tuple(h for h in answers[0].headers if h[0] != "X-Request-Id")
    }
    assert seen[0] == seen[1] == seen[2]  # The very same is done, so that it takes as long.
    assert not [statement for statement in seen[0] if "Usuario" in statement]
    assert outbox.send_due() == 3
    assert [to for to, _ in postbox.mails] == [known.email]
    # Nobody's wrong e-mail stays, neither with the mail nor in the log.
    assert list(db.session.scalars(sa.select(Correos.direccion))) == [known.email]
    log = json.dumps([e.cambios for e in db.session.scalars(sa.select(LogTransaccional))])
    assert "nadie@" not in log
    assert known.email not in log


def test_whom_the_issuer_vouches_for_is_not_let_in_past_it(client, session, postbox, with_settings):
    who = factories.quien("Técnico")
    emisor = "https://id.example.org"
    db.session.add(IdentidadExterna(emisor=emisor, sujeto="7", id_usuario=who.id))
    db.session.commit()

    with_settings(
        **postbox.settings,
        URL_PUBLICA="https://soporte.example.org/",
        OIDC_EMISOR=emisor,
        OIDC_CLIENTE_ID="mesa",
        OIDC_ROLES="mesa=Técnico",
        OIDC_RETORNO_FRONTEND="https://mesa.example.org/vuelta",
    )
    assert asked(client, who.email).status_code == 202
    outbox.send_due()
    assert not postbox.mails

    with_settings(**postbox.settings, URL_PUBLICA="https://soporte.example.org/")
    assert sent(client, postbox, who.email)


def test_the_token_is_nowhere_but_in_the_mail(client, postbox, caplog):
    who = factories.quien("Técnico")
    token = sent(client, postbox, who.email)

    row = db.session.scalars(sa.select(Recuperacion)).one()
    assert row.huella == hashlib.sha256(token.encode()).hexdigest()
    everything = [
        repr(rows)
        for table in db.metadata.sorted_tables
        for rows in db.session.execute(sa.select(table)).all()
    ]
    assert not [text for text in everything if token in text]
    assert token not in caplog.text


def test_it_is_good_for_fifteen_minutes_from_when_it_is_sent(client, postbox):
    who = factories.quien("Técnico")
    asked(client, who.email)
    now = utcnow().replace(tzinfo=UTC)
    with time_machine.travel(now + timedelta(minutes=30), tick=False):
        assert outbox.send_due() == 1
    text = postbox.to(who.email)[0].get_body(("plain",)).get_content()
    token = text.partition("#token=")[2].split()[0]

    with time_machine.travel(now + timedelta(minutes=45, seconds=1), tick=False):
        assert reset(client, token).status_code == 401
    with time_machine.travel(now + timedelta(minutes=44, seconds=59), tick=False):
        assert reset(client, token).status_code == 204


def test_only_the_last_one_is_good(client, postbox):
    who = factories.quien("Técnico")
    first, second = (sent(client, postbox, who.email) for _ in range(2))

    assert reset(client, first).json["codigo"] == "recuperacion_invalida"
    assert reset(client, second).status_code == 204


@pytest.mark.parametrize(
    "change", [{"email": "otra@example.org"}, {"password_hash": factories.HASH[:-1] + "x"}, {"activo": False}]
)
def test_it_is_worth_nothing_once_the_account_is_another(client, postbox, change):
    who = factories.quien("Técnico")
    token = sent(client, postbox, who.email)
    db.session.execute(sa.update(Usuario).where(Usuario.id == who.id).values(**change))
    db.session.commit()

    assert reset(client, token).json["codigo"] == "recuperacion_invalida"


@pytest.mark.parametrize("token", ["no-es", "a" * 43, "x" * 200])
def test_a_wrong_token_and_a_used_one_are_refused_alike(client, session, token):
    refused = reset(client, token)

    assert (refused.status_code, refused.json["codigo"]) == (401, "recuperacion_invalida")


def test_a_weak_password_is_refused_and_the_token_stays_good(client, postbox):
    who = factories.quien("Técnico")
    token = sent(client, postbox, who.email)

    assert reset(client, token, "corta").status_code == 422
    common = reset(client, token, "1234567890")
    like = reset(client, token, who.email)
    assert [a.json["errores"]["password"][0]["codigo"] for a in (common, like)] == [
        "clave_comun",
        "clave_parecida",
    ]
    assert reset(client, token).status_code == 204


def test_the_second_factor_is_still_asked_for(client, postbox):
    who = factories.quien("Técnico")
    segundo_factor(who.id)

    assert reset(client, sent(client, postbox, who.email)).status_code == 204

    due = client.post(LOGIN, json={"email": who.email, "password": NUEVA})
    assert due.json["codigo"] == "segundo_factor_requerido"
    finished = client.post(
        f"{LOGIN}/segundo-factor", json={"desafio": due.json["desafio"], "codigo": codigo()}
    )
    assert finished.status_code == 200


def test_who_was_locked_out_gets_in_again(client, postbox):
    who = factories.quien("Técnico")
    for _ in range(attempts.CLAVES):
        client.post(LOGIN, json={"email": who.email, "password": "no es esta"})
    assert client.post(LOGIN, json={"email": who.email, "password": CLAVE}).status_code == 429

    assert reset(client, sent(client, postbox, who.email)).status_code == 204

    assert signs_in(client, who.email, NUEVA)


def test_of_twenty_at_once_one_gets_through(app, committed):
    who = factories.quien("Técnico")
    token = recovery.letter(who.email).codigo["valor"]
    db.session.remove()
    passwords = [f"tres tigres en el trigal {number}" for number in range(20)]

    def one(number):
        while (
            answer := app.test_client().post(RESET, json={"token": token, "password": passwords[number]})
        ) and (answer.status_code == 503):
            pass
        return answer.status_code

    answers = at_once(20, one)

    assert sorted(answers) == [204] + [401] * 19
    winner = passwords[answers.index(204)]
    assert signs_in(app.test_client(), who.email, winner)
    done = sa.select(sa.func.count()).where(LogTransaccional.accion == "usuario.clave_recuperada")
    assert db.session.scalar(done) == 1


@pytest.mark.parametrize("email", ["nadie@example.org", None])
def test_nobodys_mailbox_is_flooded(client, session, email):
    email = email or factories.quien("Técnico").email
    answers = [asked(client, email) for _ in range(attempts.RECUPERACIONES + 1)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert 3500 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert db.session.scalar(sa.select(sa.func.count(Correos.id))) == 3
    with time_machine.travel(utcnow().replace(tzinfo=UTC) + timedelta(hours=1, seconds=1)):
        assert asked(client, email).status_code == 202


def test_the_hour_of_an_email_begins_with_its_first_mail(client):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        asked(client, "nadie@example.org")
        clock.shift(timedelta(minutes=40))
        *_, last = [asked(client, "nadie@example.org") for _ in range(attempts.RECUPERACIONES)]

    assert (last.status_code, last.headers["Retry-After"]) == (429, "1200")


def test_one_address_asks_thirty_times_a_minute_at_most(client, with_settings):
    with_settings(RATELIMIT_ENABLED="true")
    asking = [asked(client, f"uno{number}@example.org").status_code for number in range(20)]
    trying = [reset(client, "no-es").status_code for _ in range(11)]

    assert asking == [202] * 20
    assert trying == [401] * 10 + [429]


@pytest.mark.parametrize(
    ("idioma", "words", "subject"),
    [
        ("es", "una sola vez y durante 15 minutos", "Su contraseña de SoportePlus"),
        ("en", "once and within 15 minutes", "Your SoportePlus password"),
    ],
)
def test_it_comes_in_the_language_of_the_account(client, postbox, idioma, words, subject):
    who = factories.quien("Técnico", idioma=idioma, nombre="José", apellido='Ñandú, "el" <x@y.z>')
    sent(client, postbox, who.email)

    mail = postbox.to(who.email)[0]
    assert mail["Subject"] == subject
    assert mail["To"].addresses[0].display_name == 'José Ñandú, "el" <x@y.z>'
    assert mail["Content-Language"] == idioma
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert words in plain
    assert words in html
    assert f'<html lang="{idioma}">' in html


def test_a_service_that_sends_no_mail_says_so_to_everybody(client, app, monkeypatch, session):
    quiet = dict(vars(app.extensions["soporteplus"]), env="production", smtp_url="")
    monkeypatch.setitem(app.extensions, "soporteplus", type(app.extensions["soporteplus"])(**quiet))
    answers = [asked(client, email) for email in (factories.quien("Técnico").email, "nadie@example.org")]

    assert [(a.status_code, a.json["codigo"]) for a in answers] == [(503, "correo_desactivado")] * 2


def test_in_development_it_is_written_into_the_log(client, session, caplog):
    who = factories.quien("Técnico")
    asked(client, who.email)
    with caplog.at_level("INFO", logger="app.services.mail.smtp"):
        assert outbox.send_due() == 1

    token = re.search(r"^[\w-]{43}$", caplog.text, re.M)[0]
    assert who.email in caplog.text
    assert reset(client, token).status_code == 204


def test_all_sessions_end(client, postbox):
    who = factories.quien("Técnico")
    factories.signed_in(who.id)
    assert reset(client, sent(client, postbox, who.email)).status_code == 204

    assert (
        db.session.scalar(sa.select(sa.func.count()).where(Sesion.id_usuario == who.id, Sesion.fin.is_(None)))
        == 0
    )
