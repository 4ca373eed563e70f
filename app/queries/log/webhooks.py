"""Reading webhooks."""

from typing import Any

from sqlalchemy import func, select

from app.extensions import db
from app.models import CABEZA_ID, LogCabeza, Webhooks
from app.queries.pagination import Corte, Pagina, page_of

MOVIBLES = ("fallos_seguidos", "fecha_ultima_entrega")  # without a new version
MOSTRADAS = (
    *("id", "url", "descripcion", "eventos", "filtros", "activo", "motivo_pausa", "fecha_pausa"),
    *("secreto_anterior_vence", "fecha_creacion", *MOVIBLES, "version"),
)
SHOWN = select(*(getattr(Webhooks, name) for name in MOSTRADAS))


def page(limite: int, corte: Corte | None) -> Pagina:
    """Webhooks, the oldest first."""
    return page_of(SHOWN, (Webhooks.id,), limite, corte)


def get(id: int) -> dict[str, Any] | None:
    """One webhook as a client gets it."""
    row = db.session.execute(SHOWN.where(Webhooks.id == id)).mappings().one_or_none()
    return None if row is None else dict(row)


def locked(id: int) -> Webhooks | None:
    """One webhook: until this unit ends nobody else changes it, nor what it is told, nor in which order."""
    return db.session.scalars(select(Webhooks).where(Webhooks.id == id).with_for_update()).one_or_none()


def lock_all() -> None:
    """Let nobody make or change deliveries until this unit ends."""
    db.session.scalars(select(Webhooks.id).order_by(Webhooks.id).with_for_update()).all()


def any_active() -> bool:
    return db.session.scalar(select(Webhooks.id).where(Webhooks.activo.is_(True)).limit(1)) is not None


def needed() -> int | None:
    """The number behind which some active webhook has not been given its deliveries."""
    return db.session.scalar(select(func.min(Webhooks.hasta_secuencia)).where(Webhooks.activo.is_(True)))


def behind() -> list[int]:
    """The active ones that have not come to the end of the log."""
    end = select(LogCabeza.secuencia).where(LogCabeza.id == CABEZA_ID).scalar_subquery()
    late = select(Webhooks.id).where(Webhooks.activo.is_(True), Webhooks.hasta_secuencia < end)
    return list(db.session.scalars(late.order_by(Webhooks.id)))
