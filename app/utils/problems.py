"""Every error in one form: RFC 9457 ``application/problem+json``."""

from typing import Any

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable

from app import database
from app.database import PoolTimeout, Verdict
from app.errors import AppError, Forbidden, Invalid, Unauthorized, Unavailable
from app.queries.log.audit import events_of
from app.services.log import audit
from app.transaction import run
from app.utils.access.identity import current_actor
from app.utils.json import dumps
from app.utils.messages import text, title

# Errors that Werkzeug and Flask raise themselves, in our codes.
CODIGOS = {
    400: "peticion_incorrecta",
    404: "no_encontrado",
    405: "metodo_no_permitido",
    413: "cuerpo_demasiado_grande",
    414: "direccion_demasiado_larga",
    415: "tipo_no_admitido",
    416: "rango_no_satisfacible",
    429: "demasiadas_peticiones",
    431: "cabeceras_demasiado_grandes",
    503: "servicio_no_disponible",
}


def language() -> str:
    return request.accept_languages.best_match(("es", "en"), "es")


def problem(status: int, codigo: str, datos: dict[str, Any], miembros: dict[str, Any]) -> Response:
    idioma = language()
    body = {
        "type": f"{request.script_root}/api/errores/{codigo}",
        "title": title(status, idioma),
        "status": status,
        "detail": text(codigo, datos, idioma),
        "instance": request.script_root + request.path,
        "codigo": codigo,
        "id_solicitud": g.get("id_solicitud"),
        **miembros,
    }
    return Response(dumps(body), status, content_type="application/problem+json")


def answer(error: AppError) -> Response:
    """An error of ours as a response."""
    miembros = dict(error.miembros)
    if isinstance(error, Invalid) and error.errores:
        miembros["errores"] = {
            campo: [{"codigo": f.codigo, "mensaje": text(f.codigo, f.datos, language())} for f in fallas]
            for campo, fallas in error.errores.items()
        }
    response = problem(error.status, error.codigo, error.datos, miembros)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="SoportePlus"'
    return response


def denied(error: Forbidden) -> Response:
    """A 403 is written into the event log, apart from the unit of work that it ended, before it is told."""
    try:
        log_denial(error, f"{request.method} {request.path}"[:200])
    except AppError as unavailable:
        return answer(unavailable)
    return answer(error)


def log_denial(error: Forbidden, asked: str, operation: str | None = None) -> None:
    """Write that this was not allowed, in a unit of its own; the same ``operation`` only once."""

    def unit() -> None:
        if operation is None or not events_of(operation):
            audit.refused(current_actor(), asked, error)

    run(unit, operation, g.deadline)


def from_http(error: HTTPException) -> Response:
    """An error of Werkzeug's or Flask's."""
    if error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect is fine as it is
    codigo = CODIGOS.get(error.code, "error_interno" if error.code >= 500 else "peticion_incorrecta")
    response = problem(error.code, codigo, {"max": request.max_content_length}, {})
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted({*allowed, "OPTIONS"}))
    if isinstance(error, RequestedRangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.length}"
    return response


def from_database(error: DBAPIError | PoolTimeout) -> Response:
    """A database that is away or overloaded is a 503; whatever else it says is our mistake."""
    if isinstance(error, DBAPIError) and database.verdict(error) is Verdict.WRONG:
        return from_anything(error)
    current_app.logger.warning("database: %s", type(error).__name__)
    return answer(Unavailable("base_de_datos_no_disponible"))


def from_anything(error: Exception) -> Response:
    current_app.logger.error("unhandled, request %s", g.get("id_solicitud"), exc_info=error)
    return problem(500, "error_interno", {}, {})


def register(app: Flask) -> None:
    app.register_error_handler(AppError, answer)
    app.register_error_handler(Forbidden, denied)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(DBAPIError, from_database)
    app.register_error_handler(PoolTimeout, from_database)
    app.register_error_handler(Exception, from_anything)
