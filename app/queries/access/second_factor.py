"""Reading second factors."""

from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import SegundoFactor


def locked(id_usuario: int) -> SegundoFactor | None:
    """The second factor of a user, who is locked before it."""
    mine = select(SegundoFactor).where(SegundoFactor.id_usuario == id_usuario)
    return db.session.scalars(mine.with_for_update()).one_or_none()


def state(id_usuario: int) -> dict[str, Any]:
    """Whether a user has one, and what is left of it."""
    query = select(SegundoFactor.activo, SegundoFactor.codigos)
    row = db.session.execute(query.where(SegundoFactor.id_usuario == id_usuario)).one_or_none()
    active = row is not None and row.activo
    left = len(row.codigos) if row and active else 0
    return {"activo": active, "pendiente": row is not None and not active, "codigos_restantes": left}
