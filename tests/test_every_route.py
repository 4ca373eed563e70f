"""What holds on every route alike: the headers of its answers, and what its errors do not tell."""

import re

import pytest

from app import create_app, transaction
from app.utils.access import oidc, tokens
from tests.client import ApiClient, documented, example_of, operations
from tests.conftest import config_for, disconnect
from tests.mariadb import free_port
from tests.test_access import DOCUMENTS, METHODS
from tests.test_access import operations as routes

# What says how we are made: traces, modules, statements, paths, hosts.
LEAKS = re.compile(
    r"Traceback|File \"|\bline \d+|\.py\b|site-packages|sqlalchemy|pymysql|sqlite3|werkzeug|flask|marshmallow"
    r"|SELECT |INSERT |UPDATE .* SET|DELETE FROM|Errno|Exception|Error:|0x[0-9a-f]{8}|127\.0\.0\.1|/home/",
    re.IGNORECASE,
)
SECRET = "SELECT clave FROM Usuario at /srv/soporteplus/app.py, line 7"
BARE = {"type", "title", "status", "detail", "instance", "codigo", "id_solicitud"}
# They answer without the database.
WITHOUT_DATABASE = {"GET /", "GET /health", "GET /metrics", *DOCUMENTS}
# There is no issuer here: 404, before anything is asked.
WITHOUT_DATABASE |= {"GET /api/auth/oidc/inicio", "GET /api/auth/oidc/retorno"}


def address(rule: str) -> str:
    """A path that the rule of a route fits."""
    return (
        re.sub("<id:[a-z_]+>", "1", rule)
        .replace("<sesion:id>", "0" * 32)
        .replace("<path:name>", "swagger-ui.css")
        .replace("<codigo>", "no_encontrado")
    )


def rules(app) -> dict[str, set[str]]:
    """The rule of each path -> the methods that there are."""
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update(rule.methods)
    return found


def told(answer) -> tuple[int, str]:
    """The status and the code of a problem that tells nothing of how we are made."""
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) - {"errores", "permiso", "roles", "campos"} == BARE
    assert answer.json["id_solicitud"] == answer.headers["X-Request-Id"]
    text = answer.text.replace(answer.json["instance"], "")  # the caller's own words
    assert not LEAKS.search(text), text
    return answer.status_code, answer.json["codigo"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_answer_of_every_route_is_guarded(app, client, admin, scheme):
    asked = 0
    for rule, methods in rules(app).items():
        for method in methods:
            for headers in ({}, admin.headers):
                answer = client.open(
                    address(rule), method=method, headers=headers, base_url=f"{scheme}://localhost"
                )
                asked += 1
                where = f"{method} {rule}"
                assert answer.headers["X-Content-Type-Options"] == "nosniff", where
                assert answer.headers["Referrer-Policy"] == "no-referrer", where
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; "), where
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], where
                assert "script-src" not in answer.headers["Content-Security-Policy"] or rule == "/api/docs"
                assert answer.headers["Cache-Control"], where
                assert not {"Server", "X-Powered-By", "Set-Cookie"} & set(answer.headers.keys()), where
                told = answer.headers.getlist("Strict-Transport-Security")
                assert told == (["max-age=31536000"] if scheme == "https" else []), where

    assert asked > 500


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "COPY"])
def test_a_method_that_no_route_has_is_405_with_those_that_are(app, client, admin, method):
    for rule, methods in rules(app).items():
        answer = client.open(address(rule), method=method, headers=admin.headers)
        assert told(answer) == (405, "metodo_no_permitido"), rule
        assert set(answer.headers["Allow"].split(", ")) == methods, rule


def test_a_method_that_a_route_lacks_is_405_with_those_that_it_has(app, client, admin):
    for rule, methods in rules(app).items():
        for method in set(METHODS) - methods:
            answer = client.open(address(rule), method=method, headers=admin.headers)
            assert told(answer) == (405, "metodo_no_permitido"), rule
            assert set(answer.headers["Allow"].split(", ")) == methods, rule


@pytest.mark.parametrize(
    "more", ["/nada", "/%00", "/..%2f..%2fetc%2fpasswd", "%0d%0aSet-Cookie:x=1", "'--", ";"]
)
def test_what_lies_below_or_beside_a_route_is_404(app, client, admin, more):
    for rule in rules(app):
        if rule.endswith("<path:name>"):
            continue
        answer = client.get(address(rule).rstrip("/") + more, headers=admin.headers)
        assert told(answer)[0] == 404, rule
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), MemoryError(SECRET)], ids=repr)
def test_a_mistake_of_ours_on_any_route_is_a_500_that_tells_nothing(app, client, admin, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    for endpoint in app.view_functions:
        monkeypatch.setitem(app.view_functions, endpoint, fail)

    for rule, methods in rules(app).items():
        for method in methods & set(METHODS):
            # The client that holds answers to their document would look it up in a view that fails now.
            answer = super(ApiClient, client).open(address(rule), method=method, headers=admin.headers)
            assert told(answer) == (500, "error_interno"), rule
            assert "clave" not in answer.text + str(answer.headers)


@pytest.fixture
def cut_off(app, without_app, monkeypatch):
    """A client of an application whose database is away."""
    url = f"mysql+pymysql://soporte:clave-de-la-base@127.0.0.1:{free_port()}/soporte"
    monkeypatch.setattr(transaction, "sleep", lambda _seconds: None)
    another = create_app(config_for(url))
    another.test_client_class = ApiClient
    yield another.test_client()
    with another.app_context():
        disconnect()


def test_without_a_database_no_route_lets_anybody_in_or_tells_why(cut_off):
    app = cut_off.application
    with app.test_request_context():
        signed = {"Authorization": f"Bearer {tokens.pair(1, '0' * 32)['access_token']}"}
        renewing = {"Authorization": f"Bearer {tokens.pair(1, '0' * 32)['refresh_token']}"}
        desafio = tokens.challenge(1, "0" * 64)
        codigo = oidc.issued(1, "este")
    bodies = {name: example_of(about) for name, about in operations(app)}
    bodies["POST /api/auth/login/segundo-factor"] |= {"desafio": desafio}
    bodies["POST /api/auth/oidc/canje"] |= {"codigo": codigo}
    cut_off.set_cookie(oidc.NAVEGADOR, "este", path="/api/auth/oidc")
    program = {"Authorization": f"Bearer spt_{'x' * 43}"}

    for operation in routes(app):
        method, rule = operation.split()
        body = bodies.get(documented(operation))
        for headers in (renewing,) if rule == "/api/auth/refresh" else (signed, program):
            came_back = {"state": "x", "code": "x"} if rule.endswith("/oidc/retorno") else {}
            answer = cut_off.open(
                address(rule), method=method, json=body, headers=headers, query_string=came_back
            )
            if operation in WITHOUT_DATABASE:
                assert answer.status_code in (200, 404), operation
                continue
            assert told(answer) == (503, "base_de_datos_no_disponible"), operation
            assert int(answer.headers["Retry-After"]) >= 1, operation
            assert "clave-de-la-base" not in answer.text, operation
