"""The OpenAPI document, made from the running code."""

from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask

from app.permissions import ALCANCE_DE, POLITICA, TODOS, Permiso, siempre
from app.schemas.desk.attachments import Archivo
from app.schemas.desk.views import Filtros, filters
from app.schemas.fields import IdOPalabra, Instante, Texto
from app.schemas.log.feed import CURSOR_FORM
from app.schemas.problems import ProblemaSchema
from app.schemas.simulation import SimulacionSchema
from app.utils.converters import IdConverter, SesionConverter
from app.utils.etag import TAGS
from app.utils.load.limits import EXENTOS
from app.utils.load.limits import HEADERS as LIMITS
from app.utils.messages import ESTADO_DE, TITULOS
from app.utils.writes.idempotency import KEY as KEY_FORM

# What views may answer beside their own errors: said once here, not at each view.
ANY_VIEW = (
    *("peticion_incorrecta", "datos_invalidos", "error_interno"),
    *("servicio_no_disponible", "base_de_datos_no_disponible", "base_de_datos_ocupada", "catalogos_vacios"),
)
COUNTED = ("demasiadas_peticiones",)
WITH_TOKEN = ("token_ausente", "token_invalido", "token_caducado", "sesion_terminada")
WITH_ROLE = ("permiso_denegado",)
WITH_SCOPE = ("alcance_insuficiente",)
WITHOUT_SCOPE = ("solo_con_sesion",)
WITH_OWN_ACCOUNT = ("cambio_de_clave_requerido", "segundo_factor_obligatorio")
WITH_BODY = (
    *("json_invalido", "json_demasiado_profundo", "json_numero_demasiado_largo", "json_clave_repetida"),
    *("cuerpo_demasiado_grande", "tipo_no_admitido"),
)
WITH_ID = ("no_encontrado",)  # Too long a number is no address of ours.
WITH_KEY = ("cabecera_invalida", "clave_en_curso", "clave_reutilizada", "respuesta_borrada")
WITH_VERSION = ("cabecera_invalida", "version_obsoleta", "falta_if_match")
WITH_ETAG = ("cabecera_invalida",)
WITH_FORM = (
    *("formulario_invalido", "formulario_esperado", "cuerpo_demasiado_grande", "archivo_demasiado_grande"),
    "sin_espacio",
)
WITH_COOKIE = ("csrf_invalido",)
WITH_MAIL = ("correo_esperado", "cuerpo_demasiado_grande")
WITH_RANGE = ("rango_no_satisfacible", "almacenamiento_no_disponible")
WRITING = ("resultado_desconocido",)

# What people read in place of the names of blueprints that are not Spanish.
ETIQUETAS = {
    "audit": "Auditoría",
    "auth": "Sesión",
    "catalog": "Catálogos",
    "service": "Servicio",
    "tickets": "Tiquets",
    "users": "Usuarios",
}

METHODS = ("get", "post", "put", "patch", "delete")

# Headers that any request may have, and what they are for. No form of theirs is refused.
HEADERS = {
    "X-Request-Id": "Identificador de la petición, de 1 a 64 de `A-Za-z0-9_.-`; si no lo es se genera otro.",
    "Accept-Language": "«es» (por defecto) o «en» para los mensajes.",
}
# Headers of answers.
ANSWERED = {
    "X-Request-Id": "El identificador de la petición.",
    "ETag": "La versión y la huella de lo que se responde; para `If-Match` e `If-None-Match`.",
    "Location": "Dónde está lo que se creó, o adónde se sigue.",
    "Content-Disposition": "`attachment`, con el nombre del archivo.",
    "Accept-Ranges": "`bytes`: se puede pedir un rango.",
    "Content-Range": "Qué bytes son, y de cuántos.",
    "RateLimit-Limit": "Peticiones que se admiten en un minuto.",
    "RateLimit-Remaining": "Cuántas quedan.",
    "RateLimit-Reset": "Segundos hasta que se cuenta de nuevo.",
    "Retry-After": "Segundos que conviene esperar antes de repetir la petición.",
    "WWW-Authenticate": "Cómo se espera la identificación: `Bearer`.",
    "Idempotent-Replayed": "`true` si la respuesta es la de una petición anterior con la misma clave.",
    "Preference-Applied": "`merge` si el cambio se mezcló con los que otros hicieron entretanto.",
}
OF_FILES = ["Content-Disposition", "Accept-Ranges"]
# The others are in every answer that names them; those of limits are not where RATELIMIT_ENABLED is false.
SOMETIMES = ("Retry-After", "Idempotent-Replayed", "Preference-Applied", *LIMITS)
SIMULACION = {"$ref": "#/components/schemas/Simulacion"}
ID = "Un id, como lo dieron la lista o la creación."
ETAG = '"1.0123456789abcdef"'
IF_MATCH = "ETag que se leyó, o `*`; si el objeto cambió desde entonces, la respuesta es 412."
IF_NONE_MATCH = "ETag que ya se tiene; si no cambió, la respuesta es 304 sin cuerpo."
RANGE = "Los bytes que se quieren, como `bytes=0-1023`; la respuesta es 206."
RANGE_FORM = r"^bytes=(\d{1,15}-\d{0,15}|-\d{1,15})$"
LAST_EVENT_ID = "El `id` del último evento que se recibió; vale más que `desde`."
CSRF = "El `csrf_token` de la sesión; hace falta con la cookie, y con un token en la cabecera sobra."
PREFER = (
    "`merge`: si `If-Match` es de una versión anterior, los cambios que no coinciden con los que otros"
    " hicieron desde entonces se hacen en la actual; otras preferencias se ignoran."
)
KEY = "De 1 a 128 caracteres ASCII: repetir la petición con ella no la ejecuta dos veces."

DESCRIPTION = """API REST de una mesa de soporte técnico.

Inicie sesión con `POST /api/auth/login` y envíe el token en `Authorization: Bearer <token>`.
Los errores llegan como `application/problem+json` (RFC 9457) con un `codigo` estable.
Las fechas son RFC 3339 en UTC. Las listas se paginan con `limite` y `cursor`."""
BEARER = "El `access_token` que da `POST /api/auth/login`, o un token de servicio, sin la palabra «Bearer»."


class Converter(OpenAPIConverter):
    """apispec's, with what only our schemas and fields know of themselves."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        about = {"description": schema.__doc__} if schema.__doc__ else {}
        found: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        return {**found, **about, **getattr(schema, "constraints", {})}

    def field2property(self, field: Any) -> dict[str, Any]:
        found = {**super().field2property(field), **getattr(field, "constraints", {})}
        if isinstance(field, Texto) and field.allow_none:
            found.pop("minLength", None)  # Blank is taken as absent.
        if isinstance(field, Filtros):
            found |= self.once_or_several(filters())
        return found

    def once_or_several(self, schema: Any) -> dict[str, Any]:
        """The fields of a query as members of an object: what can be repeated as one value or a list."""
        members = self.schema2jsonschema(schema)["properties"]
        return {
            "additionalProperties": False,
            "properties": {
                name: {"anyOf": [about, about["items"]]} if about["type"] == "array" else about
                for name, about in members.items()
            },
        }


class Plugin(MarshmallowPlugin):
    Converter = Converter


class Api(flask_smorest.Api):
    """flask-smorest's, with problem documents instead of its own errors."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Ours are in ``utils/problems.py``."""

    def _register_responses(self) -> None:
        """Ours are made for each operation, in ``complete``."""

    def _register_pagination_header(self) -> None:
        """Ours stands in the body."""


def schema_name(schema: Any) -> str:
    name = (
        schema if isinstance(schema, str) else (schema if isinstance(schema, type) else type(schema)).__name__
    )
    return name.removesuffix("Schema")


def make_api(app: Flask) -> Api:
    api = Api(
        app,
        spec_kwargs={
            "marshmallow_plugin": Plugin(schema_name_resolver=schema_name),
            "info": {"description": DESCRIPTION},
            "security": [{"token": []}],
        },
    )
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": BEARER}
    api.spec.components.security_scheme("token", token)
    api.spec.components.security_scheme(
        "refresco",
        {"type": "http", "scheme": "bearer", "description": "El token de refresco, solo para renovar."},
    )
    api.spec.components.schema("Problema", schema=ProblemaSchema)
    api.spec.components.schema("Simulacion", schema=SimulacionSchema)
    api.register_field(Texto, "string", None)
    api.register_field(Instante, "string", "date-time")
    api.register_field(Archivo, "string", "binary")
    api.register_field(IdOPalabra, None, None)
    api.register_converter(IdConverter, lambda _c: {"type": "integer", "minimum": 1, "maximum": 2147483647})
    api.register_converter(SesionConverter, lambda c: {"type": "string", "pattern": f"^{c.regex}$"})
    return api


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add what holds for all operations: their errors and headers."""
    document["components"]["headers"] = {
        name: {"description": description, "required": name not in SOMETIMES, "schema": {"type": "string"}}
        for name, description in ANSWERED.items()
    }
    for tag in document["tags"]:
        tag["name"] = etiqueta(tag["name"])
    responses: dict[str, Any] = {}
    for path, methods in document["paths"].items():
        for parameter in methods.get("parameters", ()):
            parameter.setdefault("description", ID)
        for method, operation in methods.items():
            if method in METHODS:
                complete_operation(path, method, operation, responses)
    document["components"]["responses"] = responses
    return document


def complete_operation(path: str, method: str, operation: dict[str, Any], responses: dict[str, Any]) -> None:
    """Complete one operation; what it shares with others goes into ``responses``."""
    codigos = set(operation.pop("x-problemas", ()))
    etag = operation.pop("x-etag", False)
    several, ranged = operation.pop("x-varios", False), operation.pop("x-rango", False)
    file = operation.pop("x-archivo", False)
    streaming, cookie = operation.pop("x-flujo", False), operation.pop("x-galleta", False)
    mergeable = operation.pop("x-mezcla", False)
    simulable = operation.pop("x-simulable", False)
    versioned = "version_obsoleta" in codigos
    guarded, of_session = "x-permiso" in operation, operation["tags"] == ["auth"]
    scope = scope_of(operation)
    limited = operation["tags"][0] not in EXENTOS
    keyed = method == "post" and not of_session
    form = "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    mail = "message/rfc822" in operation.get("requestBody", {}).get("content", {})
    parameters = operation.setdefault("parameters", [])
    for holds, some in (
        (True, ANY_VIEW),
        (limited, COUNTED),
        (operation.get("security") != [], WITH_TOKEN),
        (guarded and not for_all(Permiso(operation["x-permiso"])), WITH_ROLE),
        (guarded and bool(scope), WITH_SCOPE),
        (guarded and not scope, WITHOUT_SCOPE),
        (guarded and not of_session, WITH_OWN_ACCOUNT),
        ("requestBody" in operation and not form and not mail, WITH_BODY),
        (form, WITH_FORM),
        (mail, WITH_MAIL),
        (keyed, WITH_KEY),
        ("{" in path, WITH_ID),
        (versioned, WITH_VERSION),
        (etag and method == "get", WITH_ETAG),
        (ranged, WITH_RANGE),
        (cookie, WITH_COOKIE),
        (method != "get", WRITING),
        (any(p.get("name") == "cursor" for p in parameters), ("cursor_invalido",)),
    ):
        codigos |= set(some) if holds else set()
    counted = LIMITS if limited else ()
    answered = ["X-Request-Id", *counted, *(["Idempotent-Replayed"] if keyed else [])]
    for status, response in operation["responses"].items():
        if status == "422":
            continue  # flask-smorest's own; ours follows.
        one = (status == "201" and not several) or (status == "200" and (etag or versioned))
        more = [*(["ETag"] if one else []), *(["Location"] if status in ("201", "302") else [])]
        more += OF_FILES if ranged else ["Content-Disposition"] if file else []
        more += ["Preference-Applied"] if mergeable else []
        response["headers"] = refer("headers", [*answered, *more])
    if simulable:
        add_simulation(operation["responses"])
    if etag and method == "get":
        unchanged = {"description": "Sin cambios desde el ETag que se envió."}
        operation["responses"]["304"] = unchanged | {
            "headers": refer("headers", ["X-Request-Id", *counted, "ETag", *(OF_FILES if ranged else [])])
        }
    if ranged:
        whole = operation["responses"]["200"]
        part = refer("headers", ["Content-Range"])
        operation["responses"]["206"] = {**whole, "headers": {**whole["headers"], **part}}
        parameters.append(header("Range", RANGE, RANGE_FORM, example="bytes=0-1023"))
    for status in sorted({ESTADO_DE[codigo] for codigo in codigos}):
        own = [codigo for codigo in ESTADO_DE if codigo in codigos and ESTADO_DE[codigo] == status]
        operation["responses"][str(status)] = problem_response(status, own, counted, responses)
    for name, description in HEADERS.items():
        parameters.append(header(name, description))
    if versioned:
        parameters.append(header("If-Match", IF_MATCH, TAGS.pattern, example="*"))
    if cookie:
        parameters.append(header("X-CSRF-TOKEN", CSRF))
    if streaming:
        parameters.append(header("Last-Event-ID", LAST_EVENT_ID, CURSOR_FORM))
    if mergeable:
        parameters.append(header("Prefer", PREFER, example="merge"))
    if etag and method == "get":
        parameters.append(header("If-None-Match", IF_NONE_MATCH, TAGS.pattern, example=ETAG))
    if keyed:
        parameters.append(header("Idempotency-Key", KEY, KEY_FORM.pattern))
    operation["tags"] = [etiqueta(name) for name in operation["tags"]]
    operation.setdefault("description", operation.get("summary", ""))
    if "x-permiso" in operation:
        roles = " o ".join(POLITICA[Permiso(operation["x-permiso"])][0])
        needed = f"alcance `{scope}`" if scope else "ninguno"
        operation["description"] += f"\n\nPermiso: `{operation['x-permiso']}` ({roles}). "
        operation["description"] += f"Token de servicio: {needed}."


def scope_of(operation: dict[str, Any]) -> str | None:
    """The scope that a service token needs for it; None where none is enough."""
    return ALCANCE_DE.get(Permiso(operation["x-permiso"])) if "x-permiso" in operation else None


def add_simulation(responses: dict[str, Any]) -> None:
    """Tell of the answer with ``simular=true``: 200, whatever the real one is, and no ETag of anything."""
    if "200" not in responses:
        content = {"application/json": {"schema": SIMULACION}}
        about = {"description": "Con `simular=true`: lo que cambiaría.", "content": content}
        responses["200"] = about | {"headers": refer("headers", ["X-Request-Id"])}
        return
    content = responses["200"]["content"]["application/json"]
    content["schema"] = {"oneOf": [content["schema"], SIMULACION]}
    sometimes = {"description": ANSWERED["ETag"], "required": False, "schema": {"type": "string"}}
    responses["200"]["headers"] |= {"ETag": sometimes}


def for_all(permiso: Permiso) -> bool:
    """Whether nobody who has signed in is refused for its role, nor for the thing."""
    return POLITICA[permiso] == (TODOS, siempre)


def etiqueta(blueprint: str) -> str:
    return ETIQUETAS.get(blueprint, blueprint.capitalize())


def refer(kind: str, names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/{kind}/{name}"} for name in names}


def problem_response(
    status: int, codigos: list[str], counted: tuple[str, ...], responses: dict[str, Any]
) -> dict[str, str]:
    """A reference to the response with these codes, which is put into ``responses`` if it is not there."""
    title, _english = TITULOS[status]
    narrowed = {"properties": {"codigo": {"enum": codigos}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problema"}, narrowed]}
    headers = ["X-Request-Id", *counted]
    if status == 401:
        headers.append("WWW-Authenticate")
    if status in (429, 503) or "clave_en_curso" in codigos:
        headers.append("Retry-After")
    response = {
        "description": f"{title}: {', '.join(f'`{codigo}`' for codigo in codigos)}.",
        "headers": refer("headers", headers),
        "content": {"application/problem+json": {"schema": schema}},
    }
    known = next((name for name, other in responses.items() if other == response), None)
    name = known or f"{status}_{len(responses)}"
    responses[name] = response
    return {"$ref": f"#/components/responses/{name}"}


def header(name: str, description: str, pattern: str | None = None, **more: str) -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    about = {"name": name, "in": "header", "required": False, "description": description}
    return {**about, "schema": schema, **more}
