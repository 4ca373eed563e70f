"""Every answer's form: problems in two languages, and the headers that all answers carry."""

import ast
import html
import re
from pathlib import Path
from string import Formatter

import pymysql
import pytest
from sqlalchemy.exc import OperationalError

import app as package
from app import create_app, errors, transaction
from app.extensions import db
from app.models import LogTransaccional
from app.utils import messages
from tests.client import document_of, operations
from tests.conftest import config_for
from tests.factories import NUEVO, tiquet

TICKETS = "/api/tickets/tickets"
STATS = "/api/tickets/dashboard/stats"
SECRET = "SELECT clave FROM Usuario at /srv/soporteplus/app.py"
ORIGIN = "https://mesa.example.org"

TEXTS = messages.PROBLEMAS | messages.FALLAS
ERRORS = {name for name, thing in vars(errors).items() if isinstance(thing, type)} | {"ReusedKey"}


def sources():
    for path in Path(package.__file__).parent.rglob("*.py"):
        if path.name != "messages.py":
            yield ast.parse(path.read_text(encoding="utf-8"))


def strings(node):
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def raised():
    """Every code that is raised in the source, wherever one is given to an error or is an error's own."""
    found = set()
    for node in (node for tree in sources() for node in ast.walk(tree)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ERRORS
            and node.args
        ):
            found |= strings(node.args[0]) if not isinstance(node.args[0], ast.Dict) else set()
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "codigo" and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
            elif node.targets[0].id == "CODIGOS":
                found |= strings(node.value)
    return found


def test_every_code_that_is_raised_has_its_words():
    assert len(raised()) > 40
    assert raised() - set(TEXTS) == set()


def test_every_text_is_said_somewhere_and_in_one_place():
    assert set(TEXTS) - raised() == set()
    assert set(messages.PROBLEMAS) & set(messages.FALLAS) == set()


@pytest.mark.parametrize("codigo", TEXTS)
def test_both_languages_say_the_same(codigo):
    spanish, english = TEXTS[codigo]

    assert spanish != english
    assert spanish[-1] == english[-1] == "."
    holes = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (spanish, english)]
    assert holes[0] == holes[1]


def test_what_was_expected_is_said_in_english_too():
    nodes = [node for tree in sources() for node in ast.walk(tree)]
    words = {node.value.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "esperado"}

    assert words <= set(messages.ESPERADOS)


@pytest.mark.parametrize("language", ["en", "en-GB,en;q=0.9,es;q=0.1", "fr, en;q=0.5"])
def test_whoever_prefers_english_gets_it_with_the_same_codes(client, tecnico, language):
    body = NUEVO | {"titulo": 1, "descripcion": None, "nada": 1}

    spanish = client.post(TICKETS, json=body, headers=tecnico.headers).json
    english = client.post(TICKETS, json=body, headers=tecnico.headers | {"Accept-Language": language}).json

    assert (spanish["title"], english["title"]) == ("Datos inválidos", "Invalid data")
    assert spanish["errores"]["titulo"] == [{"codigo": "tipo", "mensaje": "Se esperaba un texto."}]
    assert english["errores"]["titulo"] == [{"codigo": "tipo", "mensaje": "A text was expected."}]
    assert spanish["codigo"] == english["codigo"]
    assert {k: [f["codigo"] for f in v] for k, v in spanish["errores"].items()} == {
        k: [f["codigo"] for f in v] for k, v in english["errores"].items()
    }


@pytest.mark.parametrize("language", ["", "de", "es-MX", "*", "en;q=0", ";;;", "es,en"])
def test_whoever_does_not_gets_spanish(client, language):
    assert client.get("/nada", headers={"Accept-Language": language}).json["title"] == "No encontrado"


def database_error(number):
    return OperationalError(SECRET, {}, pymysql.err.OperationalError(number, SECRET))


@pytest.fixture
def failing(monkeypatch):
    """Make what lists, the dashboard and new tickets ask the database fail."""

    def fail_with(error):
        def fail(*args, **kwargs):
            raise error

        monkeypatch.setattr(transaction, "sleep", lambda seconds: None)
        for name in (
            "queries.desk.stats.dashboard",
            "queries.desk.ticket_list.page",
            "services.desk.tickets.create",
        ):
            monkeypatch.setattr(f"app.{name}", fail)

    return fail_with


FAILING = pytest.mark.parametrize(("method", "path"), [("GET", STATS), ("GET", TICKETS), ("POST", TICKETS)])


@FAILING
@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), KeyError(SECRET), database_error(1064), RecursionError(SECRET)], ids=repr
)
def test_a_mistake_of_ours_is_a_500_that_tells_nothing(client, tecnico, failing, caplog, method, path, error):
    failing(error)

    answer = client.open(path, method=method, json=NUEVO, headers=tecnico.headers)

    assert (answer.status_code, answer.json["codigo"]) == (500, "error_interno")
    assert set(answer.json) == {"type", "title", "status", "detail", "instance", "codigo", "id_solicitud"}
    assert "clave" not in answer.text + str(answer.headers)
    assert answer.json["id_solicitud"] == answer.headers["X-Request-Id"]
    assert answer.json["id_solicitud"] in caplog.text  # The log has the rest.
    assert SECRET in caplog.text


@FAILING
@pytest.mark.parametrize(
    ("number", "codigo"),
    [
        (2003, "base_de_datos_no_disponible"),
        (2006, "base_de_datos_no_disponible"),
        (1040, "base_de_datos_ocupada"),
        (1205, "base_de_datos_ocupada"),
    ],
)
def test_a_database_that_is_away_or_busy_is_a_503(client, tecnico, failing, method, path, number, codigo):
    failing(database_error(number))

    answer = client.open(path, method=method, json=NUEVO, headers=tecnico.headers)

    assert (answer.status_code, answer.json["codigo"]) == (503, codigo)
    assert int(answer.headers["Retry-After"]) >= 1
    assert "clave" not in answer.text


def test_without_a_database_the_process_is_alive_but_not_ready(client, monkeypatch):
    def away(*args, **kwargs):
        raise database_error(2003)

    monkeypatch.setattr(transaction, "sleep", lambda seconds: None)
    monkeypatch.setattr("app.queries.health.check_migrations", away)
    monkeypatch.setattr("app.queries.access.users.by_email", away)

    assert client.get("/health").json == {"estado": "ok"}
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["codigo"]) == (503, "base_de_datos_no_disponible")
    login = client.post("/api/auth/login", json={"email": "a@example.org", "password": "x"})
    assert (login.status_code, login.json["codigo"]) == (503, "base_de_datos_no_disponible")


# What each kind of answer is asked with: method, path, and more.
KINDS = {
    200: ("GET", TICKETS, {}),
    201: ("POST", TICKETS, {"json": NUEVO}),
    204: ("POST", "/api/auth/logout", {}),
    304: ("GET", "/api/auth/me", {"headers": {"If-None-Match": "*"}}),
    400: ("POST", TICKETS, {"data": "{", "content_type": "application/json"}),
    401: ("GET", TICKETS, {"headers": {"Authorization": "Bearer x"}}),
    403: ("DELETE", f"{TICKETS}/1", {}),
    404: ("GET", "/api/nada", {}),
    405: ("PUT", TICKETS, {}),
    412: ("PUT", TICKETS + "/{id}", {"json": {}, "headers": {"If-Match": '"9"'}}),
    413: ("POST", TICKETS, {"data": " " * 300_000, "content_type": "application/json"}),
    415: ("POST", TICKETS, {"data": "x"}),
    422: ("GET", TICKETS, {"query_string": {"nada": 1}}),
}


@pytest.mark.parametrize("status", KINDS)
def test_every_kind_of_answer_carries_the_security_headers(client, tecnico, status):
    method, path, more = KINDS[status]
    more = more | {"headers": tecnico.headers | more.get("headers", {})}

    answer = client.open(path.format(id=tiquet() if "{" in path else 0), method=method, **more)

    assert answer.status_code == status
    assert_guarded(answer)
    assert "Authorization" in answer.headers.get("Vary", "") or status == 204
    if status >= 400:
        assert answer.json["status"] == status
        assert answer.json["title"] == messages.TITULOS[status][0]
        assert answer.json["type"] == f"/api/errores/{answer.json['codigo']}"
        assert answer.json["instance"] == answer.request.path


@pytest.mark.parametrize(
    "path", ["/", "/health", "/health/ready", "/api/openapi.json", "/api/docs", "/api/nada"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_public_pages_carry_them_too(client, method, path):
    assert_guarded(client.open(path, method=method))


def assert_guarded(answer):
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    private = "no-store" if answer.request.path.startswith("/api/auth/") else "private, no-cache"
    assert answer.headers["Cache-Control"] == private
    assert len(answer.headers["X-Request-Id"]) == 32
    assert not {"Server", "X-Powered-By", "Set-Cookie"} & set(answer.headers.keys())


@pytest.mark.parametrize("path", ["login", "refresh", "logout", "me", "nada"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_about_sign_in_is_ever_stored(client, method, path):
    assert client.open(f"/api/auth/{path}", method=method).headers["Cache-Control"] == "no-store"


def test_the_request_id_comes_back_and_is_in_the_event_log(client, tecnico):
    headers = tecnico.headers | {"X-Request-Id": "caso-7_A.b"}

    answer = client.post(TICKETS, json=NUEVO, headers=headers)
    refused = client.post(TICKETS, json={}, headers=headers)

    assert answer.headers["X-Request-Id"] == refused.json["id_solicitud"] == "caso-7_A.b"
    event = db.session.query(LogTransaccional).one()
    assert (event.accion, event.id_solicitud) == ("tiquet.creado", "caso-7_A.b")


@pytest.mark.parametrize("codigo", messages.PROBLEMAS)
def test_the_address_of_each_problem_tells_what_it_means_and_who_answers_it(client, codigo):
    answer = client.get(f"/api/errores/{codigo}")

    text = html.unescape(re.sub(r"</?var>", "@", answer.text))
    for sentence in messages.PROBLEMAS[codigo]:
        assert re.sub(r"\{(\w+)\}", r"@\1@", sentence) in text
    status = messages.ESTADO_DE[codigo]
    assert f"{status} · {messages.TITULOS[status][0]}" in text
    assert "Qué operaciones lo responden" in text
    told = set(re.findall(r"<code>([A-Z]+ /[^<]*)</code>", answer.text))
    assert told == {name for name, some in answered(client).items() if codigo in some}
    assert "<script" not in text


def answered(client):
    """``METHOD /path`` -> the codes that the document says it may answer."""
    responses = document_of(client.application)["components"]["responses"]
    codes = {
        f"#/components/responses/{name}": set(
            about["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["codigo"]["enum"]
        )
        for name, about in responses.items()
    }
    return {
        name: set().union(
            *(codes[about["$ref"]] for about in operation["responses"].values() if "$ref" in about)
        )
        for name, operation in operations(client.application)
    }


def test_the_page_of_wrong_fields_explains_each_code_of_a_field(client):
    text = client.get("/api/errores/datos_invalidos").text

    assert all(f"<dt><code>{falla}</code></dt>" in text for falla in messages.FALLAS)


def test_all_error_codes_are_listed_on_one_page(client):
    text = client.get("/api/errores").text

    assert set(re.findall(r'href="/api/errores/(\w+)"', text)) == set(messages.PROBLEMAS)
    assert 'href="/mesa/api/errores/' in client.get("/api/errores", base_url="http://localhost/mesa").text


def test_an_error_code_that_nobody_answers_has_no_page(client):
    assert client.get("/api/errores/<b>").json["codigo"] == "no_encontrado"


@pytest.fixture(scope="module")
def cross_origin():
    """A client of an application that lists two origins."""
    config = config_for("sqlite://", CORS_ORIGINS=f"{ORIGIN}, http://localhost:5173")
    with create_app(config).test_client() as client:
        yield client


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5173"])
@pytest.mark.parametrize(("path", "status"), [("/health", 200), (TICKETS, 401), ("/api/nada", 404)])
def test_a_listed_origin_may_read_the_answer(cross_origin, without_app, origin, path, status):
    answer = cross_origin.get(path, headers={"Origin": origin})

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in ", ".join(answer.headers.getlist("Vary"))
    assert {"ETag", "Location", "Retry-After", "X-Request-Id"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )


def test_a_listed_origin_may_ask_for_every_method_and_header(cross_origin, without_app):
    asked = "authorization, content-type, if-match, idempotency-key, prefer, last-event-id"
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": asked,
    }

    answer = cross_origin.options(f"{TICKETS}/1", headers=headers)

    assert answer.status_code == 200
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(
        answer.headers["Access-Control-Allow-Methods"].split(", ")
    )
    assert set(asked.split(", ")) == {
        name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(", ")
    }


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        f"{ORIGIN}.evil.example",
        f"{ORIGIN}:444",
        f"{ORIGIN}/",
        f"{ORIGIN} https://evil.example",
        "https://evilmesa.example.org",
        "https://mesa-example.org",
        "https://mesaxexample.org",
        "https://a.mesa.example.org",
        "http://mesa.example.org",
        "http://localhost:51730",
        "http://localhost",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_any_other_origin_gets_no_cors_headers(cross_origin, without_app, method, origin):
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}

    answer = cross_origin.open("/health", method=method, headers=headers)

    assert "access-control-" not in str(answer.headers).lower()


@pytest.mark.parametrize("headers", [{}, {"Origin": ""}, {"Origin": "https://evil.example"}])
def test_an_answer_that_is_for_no_listed_origin_is_kept_for_none(cross_origin, without_app, headers):
    answer = cross_origin.get("/health", headers=headers)

    assert "access-control-" not in str(answer.headers).lower()
    assert answer.headers.getlist("Vary").count("Origin") == 1


def test_without_listed_origins_there_is_no_cors(client):
    answer = client.get("/health", headers={"Origin": ORIGIN})

    assert "Access-Control-Allow-Origin" not in answer.headers
