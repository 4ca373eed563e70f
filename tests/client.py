"""A test client that serves each request in its own context, and holds each answer to the document."""

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse, encode_multipart

from app.utils.documents.openapi import ANSWERED, SOMETIMES

# What no answer tells, and the operations that tell the one secret of theirs, once.
SECRET_KEYS = {
    *("password", "password_hash", "password_actual", "password_nuevo", "clave", "huella", "marca"),
    *(
        "refresco",
        "secreto",
        "codigos_recuperacion",
        "token",
        "access_token",
        "refresh_token",
        "csrf_token",
        "desafio",
        "objeto_clave",
    ),
}
TOLD_ONCE = {
    "webhooks_create_webhook": {"secreto"},
    "webhooks_rotate_secret": {"secreto"},
    "auth_login": {"access_token", "refresh_token", "csrf_token", "desafio"},
    "auth_finish_login": {"access_token", "refresh_token", "csrf_token"},
    "auth_finish_sso": {"access_token", "refresh_token", "csrf_token", "desafio"},
    "auth_refresh": {"access_token", "refresh_token", "csrf_token"},
    "auth_start_second_factor": {"secreto", "codigos_recuperacion"},
    "auth_confirm_second_factor": {"codigos_recuperacion"},
    "auth_create_token": {"token"},
}
HASH = re.compile(r"\$argon2|\$2[aby]\$|(scrypt|pbkdf2):\w+:|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Of files and of the log's chain; and an HMAC, which SECRET_KEYS keeps from all but those who sign in.
HASHES_SHOWN = {"sha256", "hash", "hash_anterior", "cabeza", "csrf_token"}

SUCCEEDED: set[str] = set()  # operationIds that answered 2xx as their document says.


@cache
def document_of(app: Flask) -> dict[str, Any]:
    with app.test_request_context():
        return dict(app.view_functions["documentos.openapi"]().json)


def operations(app: Flask) -> Iterator[tuple[str, dict[str, Any]]]:
    """``METHOD /path`` and what the document says of it, for all that can be called."""
    for path, methods in document_of(app)["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


class Form(dict[str, Any]):
    """A body that is sent as a form; what is ``(name, content)`` or a list of such is files."""

    def __or__(self, more: Any) -> "Form":
        return Form({**self, **more})

    def sent(self) -> dict[str, Any]:
        """It as the client takes it; the client itself would leave a temporary file open."""
        boundary, data = encode_multipart({name: opened(value) for name, value in self.items()})
        return {"data": data, "content_type": f"multipart/form-data; boundary={boundary}"}


class Mail(dict[str, Any]):
    """A body that is a mail; whatever is added to it makes it one of nobody's."""

    def __or__(self, more: Any) -> "Mail":
        return Mail({**self, **more})

    def sent(self) -> dict[str, Any]:
        whole = self["mensaje"] if set(self) == {"mensaje"} else "Subject: nadie\r\n\r\n"
        data = whole if isinstance(whole, bytes) else whole.encode()
        return {"data": data, "content_type": "message/rfc822"}


def opened(value: Any) -> Any:
    if isinstance(value, list):
        return [opened(one) for one in value]
    return FileStorage(BytesIO(value[1]), value[0]) if isinstance(value, tuple) else str(value)


def example_of(operation: dict[str, Any]) -> Any:
    """The body that the document shows for an operation, or a form as it has to be; None if it takes none."""
    body = operation.get("requestBody")
    if form := body and body["content"].get("multipart/form-data"):
        content = form.get("example", {}).get("archivo", "Se adjunta la nota.")
        return Form(archivo=("nota.txt", content.encode()))
    if body and "message/rfc822" in body["content"]:
        return Mail(mensaje=body["content"]["message/rfc822"]["example"])
    return body["content"]["application/json"]["example"] if body else None


@cache
def registry_of(app: Flask) -> Registry[Any]:
    return Registry().with_resource(
        "doc", Resource.from_contents(document_of(app), default_specification=SPEC)
    )


SPEC = Resource.from_contents({"$schema": "https://json-schema.org/draft/2020-12/schema"})._specification


class ApiClient(FlaskClient):
    """Serve each request in its own context, hence its own session, as in production."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if isinstance(kwargs.get("json"), (Form, Mail)):
            kwargs |= kwargs.pop("json").sent()
        with self.application.app_context():
            response = super().open(*args, **{"buffered": True, **kwargs})
        check(self.application, response)
        return response


def codes(answer: TestResponse) -> dict[str, list[str]]:
    """Which fields an answer refuses, and by which codes."""
    errores = answer.get_json()["errores"]
    return {field: [one["codigo"] for one in some] for field, some in errores.items()}


def check(app: Flask, response: TestResponse) -> None:
    """Fail on an answer that the document does not foresee."""
    request = response.request
    try:
        rule, _ = app.url_map.bind("localhost").match(request.path, method=request.method, return_rule=True)
    except HTTPException:
        assert response.status_code >= 300, f"{request.method} {request.path} is no route"
        assert_problem(app, response)
        return
    path = documented(rule.rule)
    operation = document_of(app)["paths"].get(path, {}).get(request.method.lower().replace("head", "get"))
    if operation is None:
        assert rule.endpoint.startswith("documentos.") or request.method == "OPTIONS", f"undocumented: {path}"
        return
    about = operation["responses"].get(str(response.status_code))
    assert about, f"{request.method} {path} answered {response.status_code}, which is not documented"
    if response.status_code >= 400:
        assert_problem(app, response, f"{about['$ref']}/content/application~1problem+json/schema")
        return
    simulated = "simular=true" in request.query_string.decode()
    told = {name for name in ANSWERED if name in response.headers} - set(SOMETIMES)
    must = set(about["headers"]) - set(SOMETIMES) - ({"ETag"} if simulated else set())
    assert told == must, f"{request.method} {path}: {told}"
    assert set(about["headers"]) >= {name for name in SOMETIMES if name in response.headers}
    if response.status_code not in (204, 302, 304) and request.method != "HEAD":
        any_kind = "*/*" in about["content"]
        assert any_kind or response.mimetype in about["content"]
        if response.is_json:
            assert_no_secret(response.get_json(), TOLD_ONCE.get(operation["operationId"], frozenset()))
        if response.is_json and not any_kind:
            validate(app, pointer(path, request.method, response.status_code), response.get_json())
    SUCCEEDED.add(operation["operationId"])


def assert_no_secret(value: Any, told: set[str] | frozenset[str] = frozenset(), key: str = "") -> None:
    """Fail on a key that names a secret, and on a value that looks like the hash of one."""
    if isinstance(value, dict):
        if (
            isinstance(campo := value.get("campo"), str) and "nuevo" in value
        ):  # a change, as an event tells it
            value = {campo: [value["anterior"], value["nuevo"]]}
        for name, below in value.items():
            assert name not in SECRET_KEYS - told, f"an answer tells {name}"
            assert_no_secret(below, told, name)
    elif isinstance(value, list):
        for below in value:
            assert_no_secret(below, told, key)
    elif isinstance(value, str) and key not in HASHES_SHOWN:
        assert not HASH.search(value), f"{key} looks like a hash"


def pointer(path: str, method: str, status: int) -> str:
    """Where the document describes the body of an answer."""
    keys = (path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D"), method.lower(), "responses")
    return f"#/paths/{'/'.join(keys)}/{status}/content/application~1json/schema"


def documented(rule: str) -> str:
    """A path of the URL map as the document writes it."""
    return re.sub(r"<(?:id|sesion):(\w+)>", r"{\1}", rule)


def assert_problem(
    app: Flask, response: TestResponse, reference: str = "#/components/schemas/Problema"
) -> None:
    if response.status_code >= 400:
        assert response.mimetype == "application/problem+json"
    if response.status_code >= 400 and response.request.method != "HEAD":
        validate(app, reference, response.get_json())


def validate(app: Flask, reference: str, value: Any) -> None:
    rooted = {"$ref": "doc" + reference}
    Draft202012Validator(rooted, registry=registry_of(app), format_checker=FormatChecker()).validate(value)
