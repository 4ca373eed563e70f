"""Guessing passwords: ten tries of an e-mail, known or not, whoever tries and however many at once."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep

import pytest
import time_machine

from app import transaction
from app.extensions import db
from app.models import Intento, LogTransaccional, utcnow
from app.services import maintenance
from app.services.access import attempts, passwords
from tests import factories
from tests.factories import CLAVE, quien
from tests.gunicorn import gunicorn, prepared
from tests.redis_server import RedisServer
from tests.threads import at_once

LOGIN, ME, PASSWORD = "/api/auth/login", "/api/auth/me", "/api/auth/me/password"
NUEVA = "tres tigres en el trigal"
NADIE = "nadie@example.org"
MAL = "no es esta clave"


@pytest.fixture
def email(session):
    return factories.UsuarioFactory().email


@pytest.fixture
def looked_at(monkeypatch):
    """The passwords that were looked at."""
    seen, verify = [], passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *a: (seen.append(a[1]), verify(*a))[1])
    return seen


def login(client, email, password=MAL, ip="192.0.2.1"):
    body = {"email": email, "password": password}
    return client.post(LOGIN, json=body, environ_base={"REMOTE_ADDR": ip})


def told(answer):
    return answer.status_code, answer.json["codigo"]


def alike(answer):
    """An answer without what is of one request only."""
    headers = {k: v for k, v in answer.headers if k not in ("X-Request-Id", "Retry-After", "Content-Length")}
    return answer.status_code, answer.json | {"id_solicitud": None}, headers


def lock(client, email):
    answers = [login(client, email) for _ in range(10)]
    assert {told(answer) for answer in answers} == {(401, "credenciales_invalidas")}


@pytest.mark.parametrize("who", ["known", "unknown", "deactivated"])
def test_after_ten_wrong_passwords_none_is_looked_at_for_ten_minutes(client, email, looked_at, who):
    address = {"known": email, "unknown": NADIE}.get(who) or factories.UsuarioFactory(activo=False).email
    with time_machine.travel(utcnow().isoformat() + "+00:00") as clock:
        lock(client, address)
        for password, ip in ((MAL, "192.0.2.1"), (CLAVE, "192.0.2.1"), (CLAVE, "198.51.100.7")):
            answer = login(client, f" {address.upper()} ", password, ip)
            assert told(answer) == (429, "cuenta_bloqueada")
            assert 590 < int(answer.headers["Retry-After"]) <= 600
        assert len(looked_at) == 10

        clock.shift(timedelta(minutes=10, seconds=1))

        assert login(client, address, CLAVE).status_code == (200 if who == "known" else 401)


def test_a_refusal_does_not_tell_who_is_known(client, email):
    other = factories.UsuarioFactory(activo=False).email
    answers = [[alike(login(client, address)) for _ in range(12)] for address in (email, NADIE, other)]

    assert answers[0] == answers[1] == answers[2]
    assert [status for status, *_ in answers[0]] == [401] * 10 + [429] * 2


def test_the_answer_comes_again_after_as_long_as_it_says(client, email):
    with time_machine.travel(utcnow().isoformat() + "+00:00", tick=False) as clock:
        lock(client, email)
        seconds = int(login(client, email).headers["Retry-After"])
        clock.shift(seconds - 2)
        assert login(client, email, CLAVE).headers["Retry-After"] == "2"
        clock.shift(1.5)
        assert login(client, email, CLAVE).headers["Retry-After"] == "1"
        clock.shift(0.5)
        assert login(client, email, CLAVE).status_code == 200


def test_the_right_password_makes_the_count_begin_anew(client, email):
    for _ in range(3):
        assert {login(client, email).status_code for _ in range(9)} == {401}
        assert login(client, email, CLAVE).status_code == 200
    lock(client, email)


def test_wrong_passwords_long_ago_do_not_count(client, email):
    with time_machine.travel(utcnow().isoformat() + "+00:00") as clock:
        for _ in range(9):
            login(client, email)
        clock.shift(timedelta(minutes=10, seconds=1))
        lock(client, email)


def test_a_lock_is_of_one_e_mail_and_ends_no_session(client, email, tecnico):
    lock(client, tecnico.email)

    assert client.get(ME, headers=tecnico.headers).status_code == 200
    assert login(client, email, CLAVE).status_code == 200
    assert told(login(client, tecnico.email, CLAVE)) == (429, "cuenta_bloqueada")


def test_no_e_mail_and_no_address_stands_in_the_counts(client, email, with_settings):
    with_settings(RATELIMIT_ENABLED="true")
    login(client, email, ip="192.0.2.77")
    db.session.commit()

    rows = [repr(vars(row)) for row in db.session.query(Intento)]
    assert len(rows) == 2
    assert not any(part in row for row in rows for part in (email, email.partition("@")[0], "192.0.2"))


def test_what_is_forgotten_is_erased(client, email):
    login(client, email)
    login(client, NADIE)
    db.session.query(Intento).filter_by(clave=attempts.of_email(NADIE)).update({"vence": utcnow()})
    db.session.commit()

    assert maintenance.maintain()["intentos"] == 1
    assert [row.clave for row in db.session.query(Intento)] == [attempts.of_email(email)]


# The own password


def change(client, who, password):
    body = {"password_actual": password, "password_nuevo": NUEVA}
    return client.post(PASSWORD, json=body, headers=who.headers)


def test_who_holds_a_session_may_guess_the_password_ten_times_too(client, tecnico, admin, looked_at):
    for _ in range(10):
        assert told(change(client, tecnico, MAL)) == (403, "clave_actual_incorrecta")

    for password in (MAL, CLAVE):
        answer = change(client, tecnico, password)
        assert told(answer) == (429, "cuenta_bloqueada")
        assert 590 < int(answer.headers["Retry-After"]) <= 600
    assert len(looked_at) == 10
    assert change(client, admin, CLAVE).status_code == 204
    assert login(client, tecnico.email, CLAVE).status_code == 200  # Its owner still gets in.


def test_the_present_password_makes_that_count_begin_anew(client, tecnico):
    for _ in range(2):
        assert {change(client, tecnico, MAL).status_code for _ in range(9)} == {403}
        repeated = {"password_actual": CLAVE, "password_nuevo": CLAVE}
        assert client.post(PASSWORD, json=repeated, headers=tecnico.headers).status_code == 422


# Unlocking


def test_an_administrador_unlocks_an_account(client, admin, tecnico, events):
    lock(client, tecnico.email)
    for _ in range(10):
        change(client, tecnico, MAL)

    answer = client.post(f"/api/users/{tecnico.id}/desbloquear", headers=admin.headers)

    assert answer.status_code == 200
    assert answer.json == client.get(f"/api/users/{tecnico.id}", headers=admin.headers).json
    (event,) = events("usuario.desbloqueado")
    assert (event.id_usuario, event.id_entidad, event.cambios) == (admin.id, tecnico.id, [])
    assert login(client, tecnico.email, CLAVE).status_code == 200
    assert change(client, tecnico, CLAVE).status_code == 204
    client.post(f"/api/users/{tecnico.id}/desbloquear", headers=admin.headers)
    assert len(events("usuario.desbloqueado")) == 1


def test_a_lock_that_is_over_needs_nobody_to_unlock_it(client, admin, tecnico, events):
    with time_machine.travel(utcnow().isoformat() + "+00:00", tick=False) as clock:
        lock(client, tecnico.email)
        clock.shift(attempts.BLOQUEO)

        answer = client.post(f"/api/users/{tecnico.id}/desbloquear", headers=admin.headers)

    assert answer.status_code == 200
    assert events("usuario.desbloqueado") == []


# Sign-ins of one address


@pytest.fixture
def limited(with_settings):
    with_settings(RATELIMIT_ENABLED="true")


def sign_in_often(client, ip, times=30):
    """Whatever comes of it; the e-mails are others each time."""
    return {login(client, f"{n}@{ip.replace(':', '-')}.example", ip=ip).status_code for n in range(times)}


def test_an_address_signs_in_thirty_times_a_minute(client, email, limited, looked_at):
    with time_machine.travel(utcnow().isoformat() + "+00:00", tick=False) as clock:
        assert sign_in_often(client, "192.0.2.1", 29) == {401}
        assert login(client, email, CLAVE).status_code == 200
        clock.shift(20)

        answer = login(client, email, CLAVE)

        assert told(answer) == (429, "demasiadas_peticiones")
        assert answer.headers["Retry-After"] == "40"
        assert len(looked_at) == 30
        assert login(client, email, CLAVE, ip="192.0.2.2").status_code == 200
        clock.shift(41)
        assert login(client, email, CLAVE).status_code == 200


def test_the_minute_of_an_address_begins_with_its_first_sign_in(client, email, limited):
    with time_machine.travel(utcnow().isoformat() + "+00:00", tick=False) as clock:
        sign_in_often(client, "192.0.2.1", 1)
        clock.shift(40)
        sign_in_often(client, "192.0.2.1", 29)

        assert login(client, email, CLAVE).headers["Retry-After"] == "20"


def test_all_of_an_ipv6_network_is_one_client(client, email, limited):
    assert sign_in_often(client, "2001:db8:1:2::1") == {401}

    assert login(client, email, CLAVE, ip="2001:db8:1:2:ffff::9").status_code == 429
    assert login(client, email, CLAVE, ip="2001:db8:1:3::1").status_code == 200


def test_what_is_no_address_is_one_client_all_the_same(client, email, limited):
    assert sign_in_often(client, "unix-1") == {401}

    assert login(client, email, CLAVE, ip="unix-1").status_code == 429
    assert login(client, email, CLAVE, ip="unix-2").status_code == 200


def test_without_general_limits_an_address_signs_in_as_often_as_it_likes(client, email):
    assert sign_in_often(client, "192.0.2.1", 31) == {401}
    lock(client, email)
    assert login(client, email).status_code == 429


# At once


def patient(client, email, password=MAL):
    """Sign in, again while too many others do."""
    while (answer := login(client, email, password)).status_code == 503:
        assert told(answer) == (503, "servicio_ocupado")
        assert answer.headers["Retry-After"] == "1"
        sleep(0.05)
    return answer


@pytest.mark.parametrize("who", ["known", "unknown"])
def test_forty_guesses_at_once_are_ten(app, committed, looked_at, who):
    address = factories.UsuarioFactory().email if who == "known" else NADIE

    answers = at_once(40, lambda _n: patient(app.test_client(), address))

    assert Counter(map(told, answers)) == {
        (401, "credenciales_invalidas"): 10,
        (429, "cuenta_bloqueada"): 30,
    }
    assert len(looked_at) == 10
    db.session.rollback()
    assert db.session.query(LogTransaccional).filter_by(accion="sesion.rechazada").count() == 10


def test_the_right_one_at_once_is_no_guess(app, committed):
    address = factories.UsuarioFactory().email

    answers = at_once(20, lambda _n: patient(app.test_client(), address, CLAVE))

    assert {answer.status_code for answer in answers} == {200}
    db.session.rollback()
    assert db.session.query(Intento).count() == 0


def test_of_sixty_sign_ins_of_an_address_at_once_thirty_are_tried(committed):
    def work(_number):
        with committed.app_context():
            try:
                transaction.run(lambda: attempts.count_sign_in("192.0.2.1"))
            except attempts.TooMany:
                return False
            return True

    did = [one for some in at_once(20, lambda n: [work(n) for _ in range(3)]) for one in some]

    assert Counter(did) == {True: 30, False: 30}


def test_all_workers_count_together(fresh_database, without_app):
    with prepared(fresh_database):
        known = factories.UsuarioFactory().email
    with gunicorn(fresh_database) as server:

        def guess(number):
            body = {"email": known, "password": f"{MAL} {number}"}
            while (answer := server.ask("POST", LOGIN, body)).status == 503:
                sleep(0.05)
            return answer.status

        assert Counter(at_once(40, guess)) == {401: 10, 429: 30}


@pytest.mark.alone
def test_sign_ins_do_not_starve_the_rest(fresh_database, without_app, record_testsuite_property):
    """Fifty at once on one worker; their clients try again, sooner than told to, until they are in."""
    with prepared(fresh_database):
        users = [factories.UsuarioFactory().email for _ in range(50)]
        somebody = quien("Técnico")
    with gunicorn(fresh_database, "-w", "1") as server:
        alone = sorted(seconds(server, somebody) for _ in range(40))
        one = sorted(seconds_to_sign_in(server, users[0]) for _ in range(9))[4]
        signed_in, beside = [], []

        def work(number):
            while number == 50 and len(signed_in) < 50:
                beside.append(seconds(server, somebody))
            if number < 50:
                body = {"email": users[number], "password": CLAVE}
                while (answer := server.ask("POST", LOGIN, body)).status == 503:
                    sleep(0.05)
                signed_in.append(answer.status)

        at_once(51, work)

    beside.sort()
    for name, place in (("median", 0.5), ("99 %", 0.99)):
        ratio = beside[int(len(beside) * place)] / alone[int(len(alone) * place)]
        record_testsuite_property(f"GET me beside 50 sign-ins, {name}, times as long", round(ratio, 1))
    assert set(signed_in) == {200}
    # The slowest waits as long as four or five sign-ins take; where nothing bounds the hashes, over twenty.
    assert beside[-1] < 10 * one


def seconds(server, who):
    start = monotonic()
    assert server.ask("GET", ME, **who.headers).status == 200
    return monotonic() - start


def seconds_to_sign_in(server, email):
    start = monotonic()
    assert server.ask("POST", LOGIN, {"email": email, "password": CLAVE}).status == 200
    return monotonic() - start


@contextmanager
def counted_in(where):
    """The settings of a service that limits requests, counted in each process or in Redis."""
    settings = {"RATELIMIT_ENABLED": "true", "TRUSTED_PROXIES": "127.0.0.1"}
    if where == "memory":
        yield settings
        return
    with RedisServer() as redis:
        yield settings | {"REDIS_URL": redis.url}


def from_address(number):
    """As a proxy in front tells of another client."""
    return {"X_Forwarded_For": f"198.51.100.{number}"}


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_the_eleventh_guess_is_locked_out_whichever_worker_gets_it(fresh_database, without_app, where):
    with prepared(fresh_database):
        known = factories.UsuarioFactory().email
    with counted_in(where) as settings, gunicorn(fresh_database, "-w", "4", **settings) as server:
        for email in (known, NADIE):
            body = {"email": email, "password": MAL}
            answers = [server.ask("POST", LOGIN, body, **from_address(n)) for n in range(1, 14)]
            assert [answer.status for answer in answers] == [401] * 10 + [429] * 3
            assert all(int(answer.headers["Retry-After"]) > 590 for answer in answers[10:])
        right = server.ask("POST", LOGIN, {"email": known, "password": CLAVE}, **from_address(99))
    assert right.status == 429


@pytest.mark.alone
@pytest.mark.parametrize("where", ["memory", "redis"])
def test_a_storm_of_sign_ins_on_four_workers_is_served_or_told_when_to_come_again(
    fresh_database, without_app, where, record_testsuite_property
):
    """Fifty clients at once, each from an address of its own and three times, sooner than told to."""
    with prepared(fresh_database):
        users = [factories.UsuarioFactory().email for _ in range(50)]
        readers = [quien("Técnico") for _ in range(10)]
    with counted_in(where) as settings, gunicorn(fresh_database, "-w", "4", **settings) as server:
        alone = sorted(seconds(server, readers[n % 10]) for n in range(200))
        signed_in, answers, beside = [], [], []

        def work(number):
            until = monotonic() + 60
            while number == 50 and len(signed_in) < 150 and monotonic() < until:
                beside.append(seconds(server, readers[len(beside) % 10]))
            if number < 50:
                body = {"email": users[number], "password": CLAVE}
                while signed_in.count(number) < 3 and monotonic() < until:
                    answers.append(server.ask("POST", LOGIN, body, **from_address(number + 1)))
                    if answers[-1].status == 200:
                        signed_in.append(number)
                    sleep(0.05)

        at_once(51, work)

    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {200, 429, 503}
    assert statuses[200] == 150
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status != 200)
    beside.sort()
    for name, place in (("median", 0.5), ("99 %", 0.99)):
        before, during = (times[int(len(times) * place)] for times in (alone, beside))
        told = f"{before * 1000:.0f} ms before, {during * 1000:.0f} ms during"
        record_testsuite_property(f"GET me, storm on four workers, {where}, {name}", told)
        print(f"storm, {where}, {name}: {told}; {dict(statuses)}, {len(beside)} beside")  # noqa: T201 (pytest -s)
    assert beside[len(beside) // 2] < 0.5
