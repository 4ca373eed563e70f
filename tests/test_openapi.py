"""The document that is made from the code, and the page that shows it, wherever the service is mounted."""

import re
from collections import defaultdict

import pyotp
import pytest
from openapi_spec_validator import validate

from app import create_app, transaction
from app.migrations import upgrade
from app.schemas.fields import Shared
from app.services import demo_data
from app.services.access import recovery
from app.services.demo import seed_demo
from app.services.seed import seed_catalogs
from tests.client import SUCCEEDED, ApiClient, document_of, documented, example_of, operations
from tests.conftest import config_for, disconnect
from tests.factories import NUEVO
from tests.world import bearer

MOUNTED = "https://soporte.example.org/mesa"


@pytest.fixture
def document(app):
    return document_of(app)


def test_the_document_is_valid(document):
    validate(document)

    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "SoportePlus"


def test_every_operation_says_what_a_client_needs_to_know(app, document):
    schemes = set(document["components"]["securitySchemes"])
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(app):
        assert re.fullmatch(r"[a-z]+_[a-z_]+", operation["operationId"]), name
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        assert operation.get("security", document["security"]) in ([], *([{s: []}] for s in schemes)), name
        assert {"400", "422", "500", "503"} <= set(operation["responses"]), name


def test_every_parameter_and_every_field_of_a_body_says_what_it_is(app, document):
    schemas = document["components"]["schemas"]
    of_paths = [(p, methods.get("parameters", [])) for p, methods in document["paths"].items()]
    silent = [
        f"{name}: {parameter['name']}"
        for name, parameters in [*of_paths, *((n, o["parameters"]) for n, o in operations(app))]
        for parameter in parameters
        if not parameter.get("description")
    ]
    for name, operation in operations(app):
        if body := with_fields(operation):
            members = schemas[name_in(body["content"])]["properties"]
            silent += [f"{name}: {field}" for field, about in members.items() if not about.get("description")]

    assert silent == []


def test_every_schema_and_every_answer_says_what_it_is(app, document):
    assert [n for n, schema in document["components"]["schemas"].items() if not schema["description"]] == []
    for name, operation in operations(app):
        for status, answer in operation["responses"].items():
            assert answer.get("$ref") or answer["description"], f"{name}: {status}"


def schemas_in(documented):
    if isinstance(documented, Shared):
        yield documented
    elif isinstance(documented, (dict, list, tuple)):
        for one in documented.values() if isinstance(documented, dict) else documented:
            yield from schemas_in(one)


def test_all_views_share_one_instance_of_each_schema(app):
    made = defaultdict(set)
    for view in app.view_functions.values():
        for schema in schemas_in(getattr(view, "_apidoc", {})):
            made[type(schema), schema.many, str(schema.only), str(schema.exclude)].add(id(schema))

    assert len(made) > 100
    assert not [kind for kind, instances in made.items() if len(instances) > 1]


def test_the_groups_of_operations_are_named_for_people(app, document):
    names = {tag["name"]: tag["description"] for tag in document["tags"]}

    assert {"Sesión", "Tiquets", "Catálogos"} <= set(names)
    for name, operation in operations(app):
        (tag,) = operation["tags"]
        assert names[tag], name


def with_fields(operation):
    """The body of an operation, unless it takes none, or a whole mail."""
    body = operation.get("requestBody")
    return None if body is None or "message/rfc822" in body["content"] else body


def name_in(content):
    """The name of the component that is a body's schema."""
    (kind,) = content
    return content[kind]["schema"]["$ref"].rpartition("/")[2]


def test_each_operation_has_a_name_of_its_own(app):
    names = [operation["operationId"] for _, operation in operations(app)]

    assert sorted(names) == sorted(set(names))


def test_every_route_is_in_the_document(app, document):
    routes = {documented(rule.rule) for rule in app.url_map.iter_rules()}

    assert {
        path for path in routes if not path.startswith(("/api/docs", "/api/openapi", "/api/errores"))
    } == set(document["paths"])


def test_a_body_lists_its_fields_and_takes_no_others(app, document):
    for name, operation in operations(app):
        if body := with_fields(operation):
            schema = document["components"]["schemas"][name_in(body["content"])]
            assert schema["additionalProperties"] is False, name


def test_the_document_names_nobody_elses_host(client):
    assert "http://" not in client.get("/api/openapi.json").text.replace("http://localhost", "")


@pytest.mark.parametrize("base", ["http://localhost", MOUNTED])
def test_the_documentation_and_all_its_files_are_ours(client, base):
    page = client.get("/api/docs", base_url=base)
    assert page.status_code == 200

    root = base.removeprefix("http://localhost").removeprefix("https://soporte.example.org")
    files = re.findall(r'(?:src|href|data-document)="([^"]*)"', page.text)
    assert len(files) == 5
    for file in files:
        assert file.startswith(f"{root}/api/")
        with client.get(file.removeprefix(root), base_url=base, buffered=True) as answer:
            assert answer.status_code == 200, file
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            if file.endswith(".css"):
                assert re.findall(r"@import|url\((?!['\"]?data:)", answer.text) == []
    assert "//" not in re.sub(r"<!doctype[^>]*>", "", page.text)
    assert "//" not in client.get("/api/docs/inicio.js").text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert not re.search(r"https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline", policy)


@pytest.mark.parametrize(
    "name", ["nada.js", "../__init__.py", "..%2f__init__.py", "%2e%2e/__init__.py", "/etc/passwd", ""]
)
def test_only_the_pages_own_files_are_served(client, name):
    assert client.get(f"/api/docs/archivos/{name}").status_code in (404, 308)


def test_the_document_and_addresses_are_right_under_a_sub_path(client, tecnico):
    def get(path):
        return client.get(path, base_url=MOUNTED, headers=tecnico.headers)

    assert get("/api/openapi.json").json["servers"] == [{"url": "/mesa"}]
    assert client.get("/api/openapi.json").json["servers"] == [{"url": "/"}]
    assert get("/").json["documentacion"] == "/mesa/api/docs"
    assert get("/").json["openapi"] == "/mesa/api/openapi.json"

    answer = client.post("/api/tickets/tickets", json=NUEVO, base_url=MOUNTED, headers=tecnico.headers)
    assert answer.headers["Location"] == f"/mesa/api/tickets/tickets/{answer.json['id']}"
    assert get(answer.headers["Location"].removeprefix("/mesa")).json == answer.json


def test_problems_and_sign_in_know_the_sub_path_too(client):
    missing = client.get("/api/nada", base_url=MOUNTED).json

    assert (missing["type"], missing["instance"]) == ("/mesa/api/errores/no_encontrado", "/mesa/api/nada")
    assert client.get("/api/auth/me", base_url=MOUNTED).headers["Cache-Control"] == "no-store"


def test_a_cursor_goes_on_wherever_the_service_is_mounted(client, tecnico):
    for _ in range(2):
        client.post("/api/tickets/tickets", json=NUEVO, headers=tecnico.headers)
    path = "/api/tickets/tickets?limite=1"
    cursor = client.get(path, headers=tecnico.headers, base_url=MOUNTED).json["paginacion"]["siguiente"]

    answer = client.get(f"{path}&cursor={cursor}", headers=tecnico.headers)

    assert answer.status_code == 200


# Operations in the order in which they can succeed one after the other; the rest goes by method.
AT_THE_END = (
    *("auth_start_second_factor", "auth_confirm_second_factor", "auth_finish_login"),
    "auth_remove_second_factor",
    *("tickets_restore_ticket", "auth_change_password", "auth_refresh", "auth_logout"),
    *("auth_reset_password", "auth_logout_everywhere"),
)
# On others of the demonstration than those that were created, which end there.
ON = {"relaciones_merge_ticket": "39", "clientes_anonymise": "2", "empleados_anonymise": "2"}
# What no document can give an example of that works: operation -> field -> what it is at this moment.
OF_THE_MOMENT = {
    "auth_confirm_second_factor": {"codigo": lambda factor, _: pyotp.TOTP(factor["secreto"]).now()},
    "auth_finish_login": {
        "desafio": lambda _, sign_in: sign_in()["desafio"],
        "codigo": lambda factor, _: factor["codigos_recuperacion"][0],
    },
    "clientes_anonymise": {"confirmar": lambda *_: demo_data.CLIENTES[1][2]},
    "empleados_anonymise": {"confirmar": lambda *_: demo_data.EMPLEADOS[1][2]},
    "auth_reset_password": {
        "token": lambda factor, _: sent_to(factor["app"], "jadmin@gmail.com"),
        "password": lambda *_: "tres tigres en el trigal",
    },
}
# They need an issuer, and a browser that comes back from it: tests/test_oidc.py.
BY_AN_ISSUER = {"auth_start_sso", "auth_return_from_sso", "auth_finish_sso"}
METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")


def sent_to(app, email):
    """The token in the mail by which this account chooses another password."""
    with app.app_context():
        return recovery.letter(email).codigo["valor"]


@pytest.fixture
def demo(fresh_database, without_app):
    """An application of its own on a new database with the demonstration, so that its ids are known."""
    app = create_app(config_for(fresh_database))
    app.test_client_class = ApiClient
    with app.app_context():
        upgrade()
        transaction.run(seed_catalogs)
        seed_demo()
    yield app
    with app.app_context():
        disconnect()


def test_the_example_of_every_operation_works_and_is_answered_as_documented(demo):
    """As the first Administrador of the demonstration; what an example creates is then read and changed."""
    app, client = demo, demo.test_client()
    SUCCEEDED.clear()
    todo = {name: about for name, about in operations(app) if about["operationId"] not in BY_AN_ISSUER}
    credentials = example_of(todo["POST /api/auth/login"])
    new = {"password": example_of(todo["POST /api/auth/me/password"])["password_nuevo"]}

    def sign_in(**other):
        return client.post("/api/auth/login", json=credentials | other).json

    sign_in()
    login = sign_in()
    sessions = client.get("/api/auth/sesiones", headers=bearer(login["access_token"])).json["data"]
    made = {"/api/auth/sesiones": next(one["id"] for one in sessions if not one["actual"])}

    factor = {"app": app}  # and the second factor, as its beginning told it

    def call(name):
        operation = todo[name]
        method, path = name.split()
        collection = path.partition("/{")[0]
        own = ON.get(operation["operationId"], made.get(collection, "1"))
        path = path.replace("{id}", own).replace("{id_usuario}", "1")
        for below, many in (("comentario", "s"), ("adjunto", "s"), ("relacion", "es"), ("entrega", "s")):
            path = path.replace(f"{{id_{below}}}", made.get(f"{collection}/{{id}}/{below}{many}", "1"))
        signed = sign_in(**new) if path.endswith("logout-todas") else login
        token = signed["refresh_token" if "refresco" in str(operation.get("security")) else "access_token"]
        body = example_of(operation)
        if operation["operationId"] in OF_THE_MOMENT:
            body = {field: OF_THE_MOMENT[operation["operationId"]][field](factor, sign_in) for field in body}
        answer = client.open(path, method=method, json=body, headers=bearer(token))
        factor.update(answer.json if "codigos_recuperacion" in answer.text else {})
        assert answer.status_code < 300, (name, answer.get_data(as_text=True))
        if answer.status_code == 201:
            made[name.split()[1]] = answer.headers["Location"].rpartition("/")[2]

    def rank(name):
        own = todo[name]["operationId"]
        late = AT_THE_END.index(own) + 1 if own in AT_THE_END else 0
        method, depth = METHODS.index(name.split()[0]), name.count("/")
        return late, method, -depth if name.startswith("DELETE") else depth

    for name in sorted(todo, key=rank):
        call(name)

    assert {operation["operationId"] for operation in todo.values()} == SUCCEEDED
