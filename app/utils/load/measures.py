"""What is measured of each request, for its one line in the log and for the metrics."""

import logging
from time import perf_counter
from typing import Any

from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import event

from app import driver, transaction
from app.extensions import db
from app.utils.load import metrics

logger = logging.getLogger("soporteplus.peticiones")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# How a statement goes to the driver; to hear of it earlier makes SQLAlchemy call more, at each statement.
SENT = ("do_execute", "do_executemany", "do_execute_no_params")
OTHER = "otro"  # Whatever a client makes up must not become a series or a line of its own.


def begin() -> None:
    g.inicio = perf_counter()


def count_statement(*_: Any, **_more: Any) -> None:
    if has_request_context():
        g.sentencias = g.get("sentencias", 0) + 1


def count_retry(_sender: Any) -> None:
    if has_request_context():
        g.reintentos = g.get("reintentos", 0) + 1


def finish(response: Response) -> Response:
    """Write the line: no body, header, token or value of the query, and the route instead of the path."""
    metodo = request.method if request.method in METHODS else OTHER
    ruta = request.url_rule.rule if request.url_rule else OTHER
    segundos, sentencias = perf_counter() - g.inicio, g.get("sentencias", 0)
    actor = g.get("actor")
    metrics.observe(metodo, ruta, response.status_code, segundos, sentencias)
    logger.log(
        logging.ERROR if response.status_code >= 500 else logging.INFO,
        "%s %s %d en %.1f ms",
        *(metodo, ruta, response.status_code, segundos * 1000),
        extra={
            "metodo": metodo,
            "ruta": ruta,
            "estado": response.status_code,
            "ms": round(segundos * 1000, 1),
            "sentencias": sentencias,
            "reintentos": g.get("reintentos", 0),
            "id_usuario": actor.id if actor else None,
            "id_solicitud": g.id_solicitud,
        },
    )
    return response


def register(app: Flask) -> None:
    """Measure each request of ``app``; registered first, so that it begins first and finishes last."""
    app.before_request(begin)
    app.after_request(finish)
    transaction.retried.connect(count_retry)
    driver.executing.connect(count_statement)
    with app.app_context():
        for engine in db.engines.values():
            for name in SENT:
                event.listen(engine, name, count_statement)
