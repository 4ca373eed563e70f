"""Requests a minute: whose they are, what is told of them, and where they are counted."""

import logging
from collections import Counter
from time import monotonic

import pytest
import time_machine

from app import create_app
from app.extensions import db
from app.models import utcnow
from app.utils.load.counts import Counts
from tests.client import ApiClient, operations
from tests.conftest import config_for
from tests.factories import programa, quien
from tests.gunicorn import gunicorn, prepared
from tests.redis_server import RedisServer
from tests.statements import noted

ME, REFRESH, HEALTH = "/api/auth/me", "/api/auth/refresh", "/health"
LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
PROXY = "192.0.2.250"


@pytest.fixture
def limited(app, session, monkeypatch):
    """Makes clients of applications of their own, on the database of the test, that count requests."""
    made = []

    def make(**values):
        url = app.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
        another = create_app(config_for(url, RATELIMIT_ENABLED="true", **values))
        another.test_client_class = ApiClient
        with another.app_context():
            own = db.engine
            made.append((another, own))
            db.engines[None] = engine
        return another.test_client()

    engine = db.engine
    yield make
    for another, own in made:
        with another.app_context():
            db.session.remove()
            db.engines[None] = own
        own.dispose()


def get(client, headers=None, ip="192.0.2.1", path=ME, method="GET"):
    return client.open(path, method=method, headers=headers, environ_base={"REMOTE_ADDR": ip})


def told(answer):
    return tuple(int(answer.headers[name]) for name in LIMITS)


def use_up(client, headers=None, times=600, **more):
    return {get(client, headers, **more).status_code for _ in range(times)}


def refused(answer):
    assert (answer.status_code, answer.json["codigo"]) == (429, "demasiadas_peticiones")
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Remaining"] == "0"
    return True


def test_every_answer_says_how_many_requests_are_left(limited, tecnico):
    client = limited()

    first, second = get(client, tecnico.headers), get(client, tecnico.headers, path=f"{ME}?no_hay=1")

    assert (first.status_code, second.status_code) == (200, 422)
    assert told(first)[:2] == (600, 599)
    assert told(second)[:2] == (600, 598)
    assert 1 <= told(second)[2] <= 60


def test_a_user_gets_six_hundred_a_minute_wherever_it_asks_from(limited, tecnico, admin):
    client = limited()
    with time_machine.travel(utcnow().isoformat() + "+00:00") as clock:
        assert use_up(client, tecnico.headers, 400) == {200}
        assert use_up(client, tecnico.headers, 200, ip="192.0.2.2", path="/api/tickets/catalogos") == {200}

        assert refused(get(client, tecnico.headers))
        assert refused(get(client, tecnico.headers, method="PUT"))
        assert get(client, admin.headers).status_code == 200
        assert get(client).status_code == 401  # Who has no token is counted apart.
        clock.shift(61)
        assert get(client, tecnico.headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a.b.c"}], ids=["no token", "a bad one"])
def test_whoever_has_no_good_token_is_counted_by_address(limited, session, headers):
    client = limited()

    assert use_up(client, headers) == {401}

    assert refused(get(client, headers))
    assert get(client, headers, ip="192.0.2.2").status_code == 401
    # Written only now: MariaDB ends a transaction that wrote and then sees nobody for three seconds.
    assert get(client, quien("Técnico").headers).status_code == 200


def test_the_programs_of_a_user_are_counted_with_it_and_asked_once_whose_they_are(limited, tecnico):
    client, programs = limited(), [programa(tecnico.id, "catalogos:leer") for _ in range(2)]
    path = "/api/tickets/catalogos"
    get(client, tecnico.headers)
    with noted() as statements:
        answers = [get(client, program.headers, path=path) for program in programs]

    assert [told(answer)[1] for answer in answers] == [598, 597]
    assert len([one for one, _ in statements if "Token_servicio" in one]) == 2
    unknown = get(client, {"Authorization": f"Bearer spt_{'x' * 43}"}, path=path)
    assert (unknown.status_code, told(unknown)[1]) == (401, 599)


def test_an_address_is_what_trusted_proxies_say_and_nobody_else(limited):
    client = limited(TRUSTED_PROXIES=PROXY)

    def forwarded(ip):
        return {"X-Forwarded-For": f"198.51.100.9, {ip}"}

    assert use_up(client, forwarded("192.0.2.7"), ip=PROXY) == {401}
    assert refused(get(client, forwarded("192.0.2.7"), ip=PROXY))
    assert get(client, forwarded("192.0.2.8"), ip=PROXY).status_code == 401
    assert use_up(client, times=600) == {401}
    assert refused(get(client, forwarded("192.0.2.99")))


def test_a_session_is_renewed_sixty_times_a_minute_from_one_address(limited, tecnico):
    client = limited()

    assert use_up(client, times=60, path=REFRESH, method="POST") == {401}

    assert refused(get(client, path=REFRESH, method="POST"))
    assert get(client, path=REFRESH, method="POST").headers["RateLimit-Limit"] == "60"
    assert get(client, path=REFRESH, method="POST", ip="192.0.2.2").status_code == 401
    assert get(client).status_code == 401


def test_whom_another_count_refuses_is_not_told_how_much_of_this_one_is_left(limited, session):
    client = limited()
    wrong = {"email": "nadie@example.org", "password": "no es esta clave"}
    tried = [client.post("/api/auth/login", json=wrong) for _ in range(11)]

    assert [answer.status_code for answer in tried] == [401] * 10 + [429]
    assert "RateLimit-Remaining" in tried[0].headers
    assert int(tried[10].headers["Retry-After"]) > 0
    assert not [name for name in dict(tried[10].headers) if name.startswith("RateLimit")]


def test_health_metrics_and_documents_are_not_counted(limited):
    client = limited()
    use_up(client)
    assert refused(get(client))

    for path in (HEALTH, "/api/docs", "/api/openapi.json", "/api/errores", "/"):
        answer = get(client, path=path)
        assert answer.status_code == 200, path
        assert not set(LIMITS) & set(answer.headers.keys())
    assert get(client, method="OPTIONS").status_code == 200


def test_without_general_limits_nothing_is_counted(client, tecnico):
    assert not set(LIMITS) & set(client.get(ME, headers=tecnico.headers).headers.keys())


def test_the_document_says_of_every_operation_that_it_may_be_refused(app):
    silent = [name for name, about in operations(app) if "429" not in about["responses"]]

    assert {name.split()[1] for name in silent} == {"/", "/health", "/health/ready", "/metrics"}


def test_two_processes_count_together_in_redis_and_each_for_itself_in_memory(limited, tecnico):
    with RedisServer() as redis:
        one, other = (limited(REDIS_URL=redis.url) for _ in range(2))
        assert use_up(one, tecnico.headers, 300) == use_up(other, tecnico.headers, 300) == {200}
        assert refused(get(one, tecnico.headers))
        assert refused(get(other, tecnico.headers))

    alone = limited()
    assert use_up(alone, tecnico.headers, 300) == {200}


def test_when_redis_goes_away_each_process_counts_by_itself_until_it_is_back(limited, tecnico, caplog):
    with RedisServer() as redis:
        client = limited(REDIS_URL=redis.url)
        assert told(get(client, tecnico.headers))[1] == 599

        redis.kill()
        with caplog.at_level(logging.WARNING):
            answers = [get(client, tecnico.headers) for _ in range(600)]
        assert {answer.status_code for answer in answers} == {200}
        assert told(answers[0])[1] == 599  # It begins anew.
        assert refused(get(client, tecnico.headers))
        assert "counts requests by itself" in caplog.text

        redis.start()
        with time_machine.travel(utcnow().timestamp() + 120), caplog.at_level(logging.INFO):
            assert told(get(client, tecnico.headers))[1] == 599
            assert redis.holds_something()
        assert "Redis is back" in caplog.text


def test_what_counts_no_more_takes_no_memory(session):
    counts = Counts()
    for caller in range(5):
        assert [counts.incr(f"red {caller}", 60) for _ in range(2)] == [1, 2]

    with time_machine.travel(utcnow().timestamp() + 61):
        assert (counts.get("red 0"), counts.incr("red 9", 60)) == (0, 1)
        assert set(counts.windows) == {"red 9"}


def test_a_redis_that_hangs_holds_nobody_up(limited, tecnico):
    with RedisServer() as redis:
        client = limited(REDIS_URL=redis.url)
        get(client, tecnico.headers)
        redis.process.send_signal(19)  # SIGSTOP
        started = monotonic()

        assert {get(client, tecnico.headers).status_code for _ in range(20)} == {200}

        assert monotonic() - started < 2


def test_all_workers_count_in_redis_and_say_so_when_they_start(fresh_database, without_app):
    with prepared(fresh_database):
        somebody = quien("Técnico")
    with RedisServer() as redis:
        more = {"RATELIMIT_ENABLED": "true", "REDIS_URL": redis.url}
        with gunicorn(fresh_database, **more) as server:
            statuses = Counter(server.ask("GET", ME, **somebody.headers).status for _ in range(650))
            log = server.written()

    assert statuses == {200: 600, 429: 50}
    assert f"en Redis, 127.0.0.1:{redis.port}/0" in log
