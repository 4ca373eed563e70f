"""Reading deliveries: for who looks at them, and for who sends them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select

from app.extensions import db
from app.models import EN_FILA, PENDIENTE, YA, Entregas, LogTransaccional, Tiquet, Webhooks
from app.queries.log.feed import EVENTO
from app.queries.pagination import Corte, Pagina, page_of

PROPIAS = (
    *("id", "id_webhook", "secuencia", "id_evento", "accion", "id_tiquet", "estado", "intentos"),
    *("fecha_creacion", "fecha_intento", "milisegundos", "error"),
)
OTRAS = (
    *("proximo_intento", "tomado_por", "url", "cabeceras", "cuerpo"),
    *("respuesta_estado", "respuesta_cabeceras", "respuesta_cuerpo"),
)
SHOWN = select(*(getattr(Entregas, name) for name in (*PROPIAS, *OTRAS)))
FILTROS = ("id_categoria", "id_estado", "id_prioridad")
# What a range of deliveries may be told by.
CONDICIONES: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "desde_secuencia": lambda value: Entregas.secuencia >= value,
    "hasta_secuencia": lambda value: Entregas.secuencia <= value,
    "desde": lambda value: Entregas.fecha_creacion >= value,
    "hasta": lambda value: Entregas.fecha_creacion < value,
    "estado": lambda value: Entregas.estado == value,
}


def page(id_webhook: int, estado: str | None, limite: int, corte: Corte | None) -> Pagina:
    """Deliveries of a webhook, the newest first."""
    query = SHOWN.where(Entregas.id_webhook == id_webhook, *([Entregas.estado == estado] if estado else []))
    # MariaDB would look up the webhook, and read all that is before the cursor.
    index = f"ix_Entregas_id_webhook{'_estado' if estado else ''}_id"
    query = query.with_hint(Entregas, f"FORCE INDEX ({index})", "mysql")
    pagina = page_of(query, (Entregas.id,), limite, corte, descending=True)
    return Pagina([shape(fila) for fila in pagina.filas], pagina.total, pagina.siguiente)


def get(id_webhook: int, id: int) -> dict[str, Any] | None:
    """One delivery as a client gets it."""
    mine = SHOWN.where(Entregas.id == id, Entregas.id_webhook == id_webhook)
    row = db.session.execute(mine).mappings().one_or_none()
    return None if row is None else shape(dict(row))


def shape(row: dict[str, Any]) -> dict[str, Any]:
    due = row["proximo_intento"]
    waits = due and row["estado"] == PENDIENTE and row["tomado_por"] is None and due != EN_FILA
    answered = row["respuesta_estado"] is not None
    return {
        **{key: row[key] for key in PROPIAS},
        # A test was due when it was made.
        "proximo_intento": max(due, row["fecha_creacion"]) if waits else None,
        "peticion": {"url": row["url"], "cabeceras": row["cabeceras"] or {}, "cuerpo": row["cuerpo"]},
        "respuesta": {
            "estado": row["respuesta_estado"],
            "cabeceras": row["respuesta_cabeceras"] or {},
            "cuerpo": row["respuesta_cuerpo"],
        }
        if answered
        else None,
    }


def due_webhooks(now: datetime) -> list[int]:
    """Webhooks of which something is due."""
    first = (
        select(Entregas.proximo_intento)
        .where(Entregas.id_webhook == Webhooks.id, Entregas.estado == PENDIENTE)
        .order_by(Entregas.proximo_intento)
        .limit(1)
        .correlate(Webhooks)
        .scalar_subquery()
    )
    horizon = case((Webhooks.activo.is_(True), literal(now)), else_=literal(YA))
    return list(db.session.scalars(select(Webhooks.id).where(first <= horizon)))


def in_flight(id_webhook: int, now: datetime, lease: timedelta) -> int:
    """How many deliveries of a webhook somebody is sending now."""
    claimed = Entregas.proximo_intento > now, Entregas.proximo_intento <= now + lease
    pending = Entregas.id_webhook == id_webhook, Entregas.estado == PENDIENTE
    mine = select(func.count()).where(*pending, *claimed, Entregas.tomado_por.is_not(None))
    return int(db.session.scalar(mine) or 0)


def next_due(webhook: Webhooks, now: datetime) -> Entregas | None:
    """What is to be sent next: a test even while the webhook is not active."""
    pending = Entregas.id_webhook == webhook.id, Entregas.estado == PENDIENTE
    due = select(Entregas).where(*pending, Entregas.proximo_intento <= (now if webhook.activo else YA))
    return db.session.scalars(due.order_by(Entregas.proximo_intento, Entregas.id).limit(1)).one_or_none()


def heads(id_webhook: int, ids_tiquet: Iterable[int]) -> dict[Any, Any]:
    """Ticket -> the number of the first event of it that this webhook has not been told."""
    line = pending_of(id_webhook, ids_tiquet)
    first = select(Entregas.id_tiquet, func.min(Entregas.secuencia)).where(line).group_by(Entregas.id_tiquet)
    return {row[0]: row[1] for row in db.session.execute(first)}


def pending_of(id_webhook: int, ids_tiquet: Iterable[int]) -> ColumnElement[bool]:
    return and_(
        Entregas.id_webhook == id_webhook,
        Entregas.id_tiquet.in_(ids_tiquet),
        Entregas.estado == PENDIENTE,
    )


def locked(id_webhook: int, id: int) -> Entregas | None:
    """One delivery to be changed by who holds its webhook."""
    mine = Entregas.id == id, Entregas.id_webhook == id_webhook
    return db.session.scalars(select(Entregas).where(*mine).with_for_update()).one_or_none()


def told(id_webhook: int, rango: dict[str, Any], most: int) -> Sequence[Any]:
    """Deliveries of a range that are not pending, the first ones by number: ``id, secuencia, id_tiquet``."""
    asked = [CONDICIONES[name](value) for name, value in rango.items() if value is not None]
    mine = Entregas.id_webhook == id_webhook, Entregas.secuencia.is_not(None), Entregas.estado != PENDIENTE
    query = select(Entregas.id, Entregas.secuencia, Entregas.id_tiquet).where(*mine, *asked)
    return db.session.execute(query.order_by(Entregas.secuencia).limit(most)).all()


def filtered(ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """What webhooks may filter tickets by, also of those in the trash."""
    columns = [getattr(Tiquet, name) for name in FILTROS]
    rows = db.session.execute(select(Tiquet.id, *columns).where(Tiquet.id.in_(ids))).mappings()
    return {row["id"]: {name: row[name] for name in FILTROS} for row in rows}


def event(secuencia: int) -> Any:
    """One event as the feed reads it; None when it was purged."""
    columns = [getattr(LogTransaccional, name) for name in EVENTO]
    row = db.session.execute(select(*columns).where(LogTransaccional.secuencia == secuencia))
    return row.mappings().one_or_none()


def numbers_of(entidad: str, ids: Iterable[int]) -> list[int]:
    """The numbers of the events of some things; those of tickets also of what belongs to them."""
    log = LogTransaccional
    own = (
        log.id_tiquet.in_(ids)
        if entidad == "tiquet"
        else and_(log.entidad == entidad, log.id_entidad.in_(ids))
    )
    return list(db.session.scalars(select(log.secuencia).where(own, log.secuencia.is_not(None))))


def told_webhooks() -> list[int]:
    """Webhooks that have deliveries; also those that are gone."""
    return list(db.session.scalars(select(Entregas.id_webhook).distinct()))


def orphaned() -> list[int]:
    """Webhooks that are gone and have deliveries."""
    return sorted(set(told_webhooks()) - set(db.session.scalars(select(Webhooks.id))))
