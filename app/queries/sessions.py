"""Who holds a token: the one statement that authenticates a request."""

from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from app.extensions import db
from app.models import CatalogoEpoca, Sesion, Usuario, utcnow


@cache
def holder_statement() -> Select[Any]:
    epoca = select(CatalogoEpoca.epoca).scalar_subquery()
    return (
        select(Usuario.id, Usuario.tipo_usuario, Usuario.debe_cambiar_clave, epoca.label("epoca"))
        .join(Sesion, Sesion.id_usuario == Usuario.id)
        .where(
            Sesion.id == bindparam("sid"),
            Sesion.fin.is_(None),
            Sesion.vence > bindparam("now"),
            Usuario.id == bindparam("sub"),
            Usuario.activo.is_(True),
        )
    )


def holder(sid: str, sub: int) -> Row[Any] | None:
    """``(id, tipo_usuario, debe_cambiar_clave, epoca)`` of an active user whose session is alive.

    The epoch is that of the catalogs.
    """
    return db.session.execute(holder_statement(), {"sid": sid, "sub": sub, "now": utcnow()}).one_or_none()


def locked(sid: str) -> Sesion | None:
    """A session to be changed."""
    return db.session.scalars(select(Sesion).where(Sesion.id == sid).with_for_update()).one_or_none()
