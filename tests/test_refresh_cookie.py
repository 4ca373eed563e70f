"""The refresh token in a cookie: where it goes, what has to come with it, and what stays as it was."""

from http.cookies import SimpleCookie

import pytest

from app import create_app
from app.extensions import db
from app.utils.access import tokens
from tests.client import ApiClient
from tests.conftest import config_for, disconnect
from tests.factories import CLAVE, codigo, quien, segundo_factor
from tests.test_second_factor import challenge_of, finish
from tests.world import bearer, events_after, last_event, refresh_token, snapshot

LOGIN, REFRESH, LOGOUT = "/api/auth/login", "/api/auth/refresh", "/api/auth/logout"
ME = "/api/auth/me"
REFRESCO, CSRF = "soporteplus_refresco", "soporteplus_csrf"
MOUNTED = "https://soporte.example.org/mesa"
ORIGIN = "https://mesa.example.org"
ATTACKER = "https://otra.example.net"


@pytest.fixture(autouse=True)
def cookie_mode(request):
    if "without_app" not in request.fixturenames:
        request.getfixturevalue("with_settings")(JWT_REFRESH_COOKIE="true")


@pytest.fixture
def client(app, session):
    """One that keeps no cookies: what is sent stands in the test."""
    return ApiClient(app, app.response_class, use_cookies=False)


def sign_in(client, who, **options):
    return client.post(LOGIN, json={"email": who.email, "password": CLAVE}, **options)


def cookies_of(answer):
    """Name -> the cookie as it was set."""
    found = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        found.load(line)
    return found


def sent_by(answer, **headers):
    """What a browser sends that was answered so, and the header by which a page of ours shows itself."""
    jar = cookies_of(answer)
    said = {"Cookie": "; ".join(f"{name}={one.value}" for name, one in jar.items() if one.value)}
    return {**said, "X-CSRF-TOKEN": jar[CSRF].value, **headers}


def without(headers, *names):
    return {name: value for name, value in headers.items() if name not in names}


def told(answer):
    return answer.status_code, answer.json["codigo"]


def attributes(cookie):
    names = ("path", "httponly", "secure", "samesite", "domain", "max-age")
    return {name: cookie[name] for name in names if cookie[name]}


@pytest.mark.parametrize(("base", "root"), [("http://localhost", ""), (MOUNTED, "/mesa")])
def test_the_refresh_token_is_in_a_cookie_and_nowhere_else(client, tecnico, base, root):
    answer = sign_in(client, tecnico, base_url=base)

    jar, week = cookies_of(answer), str(7 * 24 * 3600)
    secure = {"secure": True} if base.startswith("https") else {}
    same = {"samesite": "Strict", "max-age": week} | secure
    assert set(jar) == {REFRESCO, CSRF}
    assert attributes(jar[REFRESCO]) == {"path": f"{root}/api/auth", "httponly": True} | same
    assert attributes(jar[CSRF]) == {"path": f"{root}/"} | same
    assert "refresh_token" not in answer.json
    assert jar[REFRESCO].value not in answer.text
    assert answer.json["csrf_token"] == jar[CSRF].value
    assert client.get(ME, headers=bearer(answer.json["access_token"])).status_code == 200


def test_in_production_it_never_goes_over_plain_http(app, client, tecnico, with_settings, monkeypatch):
    monkeypatch.setattr("config.config.Config.is_production", True)

    answer = sign_in(client, tecnico)

    assert all(one["secure"] for one in cookies_of(answer).values())


def test_a_proxy_that_ends_tls_and_adds_a_sub_path_is_believed(committed, database_url):
    own = create_app(config_for(database_url, JWT_REFRESH_COOKIE="true", TRUSTED_PROXIES="127.0.0.1"))
    who = quien("Técnico")
    db.session.remove()
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/mesa"}
    with own.test_client() as client:
        jar = cookies_of(sign_in(client, who, headers=forwarded))
    with own.app_context():
        disconnect()

    assert (jar[REFRESCO]["path"], jar[REFRESCO]["secure"]) == ("/mesa/api/auth", True)


def test_the_second_factor_and_each_renewal_answer_the_same_way(client):
    ana = quien("Técnico")
    segundo_factor(ana.id)
    first = finish(client, challenge_of(client, ana), codigo())

    second = client.post(REFRESH, headers=sent_by(first))

    for answer in (first, second):
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json
    assert cookies_of(first)[REFRESCO].value != cookies_of(second)[REFRESCO].value
    assert first.json["csrf_token"] == second.json["csrf_token"]  # Another tab goes on with it.
    assert client.get(ME, headers=bearer(second.json["access_token"])).status_code == 200


def test_a_browser_that_keeps_cookies_goes_on_and_signs_out(app, tecnico):
    browser = app.test_client()
    csrf = {"X-CSRF-TOKEN": sign_in(browser, tecnico).json["csrf_token"]}
    for _ in range(3):
        token = browser.post(REFRESH, headers=csrf).json["access_token"]

    answer = browser.post(LOGOUT, headers=csrf)

    assert (answer.status_code, browser.get_cookie(REFRESCO, path="/api/auth")) == (204, None)
    assert told(browser.get(ME, headers=bearer(token))) == (401, "sesion_terminada")
    assert told(browser.post(REFRESH, headers=csrf)) == (401, "token_ausente")


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
@pytest.mark.parametrize("kind", ["missing", "empty", "wrong", "another session's", "letters beyond ASCII"])
def test_without_the_csrf_token_of_its_own_session_the_cookie_is_worth_nothing(
    client, tecnico, admin, path, kind
):
    headers = sent_by(sign_in(client, tecnico))
    other = sign_in(client, admin).json["csrf_token"]
    said = {"empty": "", "wrong": "0" * 64, "another session's": other, "letters beyond ASCII": "ñ"}
    sent = without(headers, "X-CSRF-TOKEN") | ({"X-CSRF-TOKEN": said[kind]} if kind in said else {})
    before, mark = snapshot("Log_transaccional"), last_event()

    answer = client.post(path, headers=sent)

    assert told(answer) == (403, "csrf_invalido")
    assert snapshot("Log_transaccional") == before
    (event,) = events_after(mark)
    assert (event["accion"], event["id_usuario"]) == ("acceso.denegado", None)
    assert client.post(REFRESH, headers=headers).status_code == 200  # Nothing of it was used up.


def test_the_csrf_token_is_that_of_the_session_not_whatever_the_other_cookie_says(client, tecnico):
    """Whoever can plant cookies, from a sibling domain, makes both of them say the same."""
    headers = sent_by(sign_in(client, tecnico))
    planted = headers["Cookie"].partition(f"{CSRF}=")[0] + f"{CSRF}=planted"

    assert told(client.post(REFRESH, headers={"Cookie": planted, "X-CSRF-TOKEN": "planted"})) == (
        403,
        "csrf_invalido",
    )


def test_a_forged_cookie_is_401_and_leaves_no_trace(client, tecnico):
    headers = sent_by(sign_in(client, tecnico))
    access = tokens_of(tecnico)["access_token"]
    before = snapshot()

    for token in ("", "a.b.c", access, headers["Cookie"].partition("=")[2].partition(";")[0][:-4] + "AAAA"):
        sent = {"Cookie": f"{REFRESCO}={token}", "X-CSRF-TOKEN": headers["X-CSRF-TOKEN"]}
        assert told(client.post(REFRESH, headers=sent)) == (401, "token_invalido")
        assert told(client.post(LOGOUT, headers=sent)) == (401, "token_invalido")
    assert snapshot() == before


def tokens_of(who):
    return tokens.pair(who.id, who.sid)


def test_a_cookie_that_comes_again_ends_the_family(client, tecnico):
    old = sent_by(sign_in(client, tecnico))
    new = client.post(REFRESH, headers=old)

    answers = [client.post(REFRESH, headers=headers) for headers in (old, sent_by(new))]

    assert [told(one) for one in answers] == [(401, "refresco_reutilizado"), (401, "sesion_terminada")]
    assert told(client.get(ME, headers=bearer(new.json["access_token"]))) == (401, "sesion_terminada")


def test_signing_out_by_either_clears_the_cookies(client, tecnico):
    first, second = (sign_in(client, tecnico) for _ in range(2))
    by_cookie = client.post(LOGOUT, headers=sent_by(first))
    by_token = client.post(LOGOUT, headers=bearer(second.json["access_token"]))
    everywhere = client.post("/api/auth/logout-todas", headers=tecnico.headers)

    for answer in (by_cookie, by_token, everywhere):
        assert answer.status_code == 204
        jar = cookies_of(answer)
        assert {name: (one.value, one["max-age"], one["path"]) for name, one in jar.items()} == {
            REFRESCO: ("", "0", "/api/auth"),
            CSRF: ("", "0", "/"),
        }
    assert told(client.post(REFRESH, headers=sent_by(first))) == (401, "sesion_terminada")


def test_who_renews_by_the_header_gets_the_next_one_in_the_body(client, tecnico):
    cookies = sent_by(sign_in(client, tecnico))

    answer = client.post(REFRESH, headers=bearer(refresh_token(tecnico)))
    assert (answer.status_code, cookies_of(answer), "csrf_token" in answer.json) == (200, {}, False)
    again = client.post(REFRESH, headers=bearer(answer.json["refresh_token"]))
    assert again.status_code == 200

    both = client.post(REFRESH, headers=bearer(again.json["refresh_token"]) | {"Cookie": cookies["Cookie"]})
    assert both.json["user"]["id"] == tecnico.id
    assert "refresh_token" in both.json


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
def test_an_access_token_beside_the_cookie_and_its_csrf_token_is_not_looked_at(client, tecnico, path):
    sesion = sign_in(client, tecnico)

    answer = client.post(path, headers=sent_by(sesion) | bearer("a.b.c"))

    assert answer.status_code == (200 if path == REFRESH else 204)
    assert REFRESCO in cookies_of(answer)
    stranger = sent_by(sign_in(client, tecnico)) | {"X-CSRF-TOKEN": "x"} | bearer(sesion.json["access_token"])
    assert told(client.post(path, headers=stranger)) == (403, "csrf_invalido")


def test_where_the_mode_is_off_a_cookie_counts_for_nothing(client, tecnico, with_settings):
    headers = sent_by(sign_in(client, tecnico))
    with_settings()

    for path in (REFRESH, LOGOUT):
        assert told(client.post(path, headers=headers)) == (401, "token_ausente")
    answer = sign_in(client, tecnico)
    assert (set(cookies_of(answer)), "refresh_token" in answer.json, "csrf_token" in answer.json) == (
        set(),
        True,
        False,
    )


def test_the_cookie_opens_nothing_else(client, tecnico):
    headers = sent_by(sign_in(client, tecnico))

    for method, path in (("GET", ME), ("POST", "/api/auth/logout-todas"), ("GET", "/api/tickets/tickets")):
        assert told(client.open(path, method=method, headers=headers)) == (401, "token_ausente")


def test_only_a_listed_origin_gets_its_cookies_and_may_send_the_header(committed, database_url):
    own = create_app(config_for(database_url, JWT_REFRESH_COOKIE="true", CORS_ORIGINS=ORIGIN))
    who, client = quien("Técnico"), own.test_client()
    db.session.remove()
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-csrf-token",
    }

    for origin, credentials in ((ORIGIN, "true"), (ATTACKER, None)):
        answer = sign_in(client, who, headers={"Origin": origin})
        preflight = client.options(REFRESH, headers={"Origin": origin, **asked})
        for one in (answer, preflight):
            assert one.headers.get("Access-Control-Allow-Credentials") == credentials
            assert one.headers.get("Access-Control-Allow-Origin") == (origin if credentials else None)
        allowed = preflight.headers.get("Access-Control-Allow-Headers", "").lower()
        assert ("x-csrf-token" in allowed) is bool(credentials)
    # What a foreign page can send without asking first: a form, with whatever the browser adds.
    forged = client.post(REFRESH, headers={"Origin": ATTACKER}, content_type="text/plain", data="")
    assert told(forged) == (403, "csrf_invalido")
    with own.app_context():
        disconnect()
