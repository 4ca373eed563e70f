"""The OpenAPI document, made from the running code."""

from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from app.schemas.fields import IdOPalabra, Instante, Texto
from app.schemas.problems import ProblemaSchema
from app.utils.converters import IdConverter
from app.utils.messages import TITULOS

# What any view may answer: said once here, not at each view.
ANY_VIEW = (400, 422, 500, 503)
WITH_TOKEN = (401, 403)
WRITING = (413, 415)

HEADERS = {
    "X-Request-Id": (
        "header",
        "Identificador de la petición; si falta se genera uno.",
        "^[A-Za-z0-9_.-]{1,64}$",
    ),
    "Accept-Language": ("header", "«es» (por defecto) o «en» para los mensajes.", None),
}
IF_MATCH = "ETag que se leyó; si el objeto cambió desde entonces, la respuesta es 412."
IF_NONE_MATCH = "ETag que ya se tiene; si no cambió, la respuesta es 304 sin cuerpo."
KEY = "De 1 a 128 caracteres ASCII: repetir la petición con ella no la ejecuta dos veces."
TAG_PATTERN = r'^\s*(\*|(W/)?"[^"\x00-\x20\x7f]*"(\s*,\s*(W/)?"[^"\x00-\x20\x7f]*")*)\s*$'

DESCRIPTION = """API REST de una mesa de soporte técnico.

Inicie sesión con `POST /api/auth/login` y envíe el token en `Authorization: Bearer <token>`.
Los errores llegan como `application/problem+json` (RFC 9457) con un `codigo` estable.
Las fechas son RFC 3339 en UTC. Las listas se paginan con `limite` y `cursor`."""


class Api(flask_smorest.Api):
    """flask-smorest's, with problem documents instead of its own errors."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Ours are in ``utils/problems.py``."""

    def _register_responses(self) -> None:
        for status, (title, _english) in TITULOS.items():
            content = {"application/problem+json": {"schema": ProblemaSchema}}
            self.spec.components.response(
                f"PROBLEMA_{status}", {"description": title, "content": content}, lazy=True
            )


def schema_name(schema: Any) -> str:
    name = (
        schema if isinstance(schema, str) else (schema if isinstance(schema, type) else type(schema)).__name__
    )
    return name.removesuffix("Schema")


def make_api(app: Flask) -> Api:
    api = Api(
        app,
        spec_kwargs={
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=schema_name),
            "info": {"description": DESCRIPTION},
            "security": [{"token": []}],
        },
    )
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    api.register_field(Texto, "string", None)
    api.register_field(Instante, "string", "date-time")
    api.register_field(IdOPalabra, "string", None)
    api.register_converter(IdConverter, lambda _c: {"type": "integer", "minimum": 1, "maximum": 2147483647})
    return api


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add what holds for all operations: their errors and headers."""
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in ("get", "post", "put", "patch", "delete"):
                complete_operation(method, operation)
    responses = document["components"].setdefault("responses", {})
    for status, (title, _english) in TITULOS.items():
        responses.setdefault(f"PROBLEMA_{status}", problem_response(title))
    responses["PROBLEMA_304"] = {"description": "Sin cambios desde el ETag que se envió."}
    responses.pop("UNPROCESSABLE_ENTITY", None)
    return document


def problem_response(title: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problema"}
    return {"description": title, "content": {"application/problem+json": {"schema": schema}}}


def complete_operation(method: str, operation: dict[str, Any]) -> None:
    public = operation.get("security") == []
    key_taken = method == "post" and not public and operation["tags"] != ["auth"]
    statuses = [*ANY_VIEW, *(() if public else WITH_TOKEN), *(WRITING if "requestBody" in operation else ())]
    operation["responses"].pop("422", None)  # flask-smorest's own name for it
    for status in [*statuses, *([409] if key_taken else [])]:
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/PROBLEMA_{status}"}
    parameters = operation.setdefault("parameters", [])
    for name, (location, description, pattern) in HEADERS.items():
        parameters.append(header(name, description, pattern, location))
    if "412" in operation["responses"]:
        parameters.append(header("If-Match", IF_MATCH, TAG_PATTERN))
        operation["responses"]["428"] = {"$ref": "#/components/responses/PROBLEMA_428"}
    if "304" in operation["responses"]:
        parameters.append(header("If-None-Match", IF_NONE_MATCH, TAG_PATTERN))
    if key_taken:
        parameters.append(header("Idempotency-Key", KEY, "^[ -~]{1,128}$"))
    operation.setdefault("description", operation.get("summary", ""))
    if "x-permiso" in operation:
        operation["description"] += f"\n\nPermiso: `{operation['x-permiso']}`."


def header(name: str, description: str, pattern: str | None, location: str = "header") -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": location, "required": False, "description": description, "schema": schema}
