"""What Prometheus reads at ``/metrics``, summed over all workers."""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from hmac import compare_digest
from typing import Any

from flask import Flask, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app import transaction
from app.errors import Unauthorized
from app.extensions import db, settings
from app.queries.backlog import Atraso
from app.utils.access import tokens
from app.utils.proxies import is_local

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
if place := os.environ.get("METRICS_PLACE"):  # Set by gunicorn.conf.py, and so is the folder.
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
disable_created_metrics()  # type: ignore[no-untyped-call]  # They double the text and tell nothing here.

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

PETICIONES = Counter("soporteplus_peticiones", "Peticiones atendidas.", ["metodo", "ruta", "estado"])
DURACION = Histogram(
    "soporteplus_peticion_segundos", "Duración de las peticiones.", ["metodo", "ruta"], buckets=SECONDS
)
SENTENCIAS = Counter("soporteplus_sentencias_sql", "Sentencias enviadas a la base de datos.", ["ruta"])
REINTENTOS = Counter("soporteplus_reintentos", "Unidades de trabajo y lecturas repetidas.")
EVENTOS = Counter(
    "soporteplus_eventos",
    "Eventos confirmados; sesion.iniciada y sesion.rechazada son los inicios de sesión.",
    ["accion"],
)
CONEXIONES = Gauge(
    "soporteplus_conexiones",
    "Conexiones del grupo a la base de datos, en_uso o libre.",
    ["estado"],
    multiprocess_mode="livesum",
)
EN_USO, LIBRE = CONEXIONES.labels("en_uso"), CONEXIONES.labels("libre")


@cache  # Looking them up takes longer than counting; there are as many as methods, routes and statuses.
def series(metodo: str, ruta: str, estado: int) -> tuple[Counter, Histogram, Counter]:
    return PETICIONES.labels(metodo, ruta, estado), DURACION.labels(metodo, ruta), SENTENCIAS.labels(ruta)


def observe(metodo: str, ruta: str, estado: int, segundos: float, sentencias: int) -> None:
    """Count a request that was answered."""
    answered, duration, statements = series(metodo, ruta, estado)
    answered.inc()
    duration.observe(segundos)
    statements.inc(sentencias)


class Backlog(Collector):
    """What the database tells at the moment of asking: no process counts it."""

    def __init__(self, found: Atraso | None) -> None:
        self.found = found

    def collect(self) -> Iterator[Metric]:
        name = "soporteplus_base_de_datos"
        yield GaugeMetricFamily(
            name, "Si la base de datos responde y tiene sus migraciones.", int(self.found is not None)
        )
        if self.found is None:
            return
        for name, what, value in (
            ("trabajadores", "Trabajadores en marcha.", self.found.trabajadores),
            ("webhooks_pausados", "Webhooks que no respondían.", self.found.webhooks_pausados),
            ("entregas_muertas", "Entregas que ya no se intentan.", self.found.entregas_muertas),
        ):
            yield GaugeMetricFamily(f"soporteplus_{name}", what, value)
        late = GaugeMetricFamily(
            "soporteplus_atrasados", "Lo que debía estar hecho hace un minuto.", labels=["cola"]
        )
        for cola, count in self.found.atrasados.items():
            late.add_metric([cola], count)
        yield late


def render(found: Atraso | None) -> bytes:
    """All that is counted, in the text form of Prometheus; None where the database did not answer."""
    asked = CollectorRegistry()
    asked.register(Backlog(found))
    registry: CollectorRegistry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + generate_latest(asked)


def check_access() -> None:
    """Let pass who asks from this machine, or with the token of the settings."""
    if is_local(request.environ):
        return
    wanted = settings().metrics_token
    given = tokens.bearer()
    if not (wanted and compare_digest(given.encode(), wanted.encode())):
        raise Unauthorized


def count_retry(_sender: Any) -> None:
    REINTENTOS.inc()


@event.listens_for(db.session, "after_commit")
def count_events(session: Session) -> None:
    """Only what was committed counts; a unit that is tried again begins with a new session."""
    for told in session.info.pop("written", ()):
        EVENTOS.labels(told["accion"]).inc()


def watch_pools(engines: Iterable[Engine]) -> None:
    """Tell how many connections are out, of all ``engines`` together, whenever that changes."""
    # A database in memory has one connection.
    watched: list[Any] = [engine for engine in engines if isinstance(engine.pool, QueuePool)]

    def out(*_: Any) -> None:
        tell(0)

    def back(*_: Any) -> None:
        tell(1)  # It is told before the connection is back in its place.

    def tell(returning: int) -> None:
        pools = [engine.pool for engine in watched]  # Others after dispose().
        EN_USO.set(sum(pool.checkedout() for pool in pools) - returning)
        LIBRE.set(sum(pool.checkedin() for pool in pools) + returning)

    for engine in watched:
        event.listen(engine, "checkout", out)
        event.listen(engine, "checkin", back)


def register(app: Flask) -> None:
    transaction.retried.connect(count_retry)
    with app.app_context():
        watch_pools(db.engines.values())


__all__ = ["CONTENT_TYPE_LATEST", "check_access", "observe", "register", "render"]
