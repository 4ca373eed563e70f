"""Reading what a mail that comes in hangs on: who wrote it, and about what."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.extensions import db
from app.models import CorreoRecibido, LogTransaccional, Usuario
from app.queries.access.users import by_email
from app.queries.people import PERSONAS


def received(huella: str) -> CorreoRecibido | None:
    """A mail that came before."""
    return db.session.scalars(select(CorreoRecibido).where(CorreoRecibido.huella == huella)).one_or_none()


def tickets_of(huellas: list[str]) -> list[int]:
    """The tickets that these mails opened or were added to, the latest first."""
    found = select(CorreoRecibido.id_tiquet).where(
        CorreoRecibido.huella.in_(huellas), CorreoRecibido.id_tiquet.is_not(None)
    )
    return [id for id in db.session.scalars(found.order_by(CorreoRecibido.id.desc())) if id]


def count_since(remitente: str, instant: datetime) -> int:
    """How many mails of one sender, by the digest of its address, came since then."""
    mine = (CorreoRecibido.remitente == remitente, CorreoRecibido.fecha > instant)
    return db.session.scalar(select(func.count()).select_from(CorreoRecibido).where(*mine)) or 0


def user(email: str) -> Usuario | None:
    return by_email(email)


def persons(email: str) -> list[tuple[str, Any]]:
    """Entity and row of each employee and customer with this address, active or not, in a fixed order."""
    return [
        (entidad, persona)
        for entidad in ("empleado", "cliente")
        for persona in db.session.scalars(
            select(PERSONAS[entidad]).where(PERSONAS[entidad].email == email).order_by(PERSONAS[entidad].id)
        )
    ]


def told_of(id_tiquet: int, id_evento: str) -> bool:
    """Whether an event is one of this ticket: only who was sent mail about it knows its id."""
    event = select(LogTransaccional.id).where(
        LogTransaccional.id_evento == id_evento, LogTransaccional.id_tiquet == id_tiquet
    )
    return db.session.scalar(event) is not None
