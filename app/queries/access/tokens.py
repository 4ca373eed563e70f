"""Who holds a service token: the one statement that authenticates a program. And the tokens that one has."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, or_, select

from app.extensions import db
from app.models import TokenServicio, Usuario, utcnow
from app.permissions import PERSONAL, Actor
from app.queries.access.sessions import held
from app.queries.pagination import Corte, Pagina, page_of

MOSTRADAS: tuple[Any, ...] = (
    *(TokenServicio.id, TokenServicio.id_usuario, TokenServicio.nombre, TokenServicio.alcances),
    *(TokenServicio.fecha_creacion, TokenServicio.vence, TokenServicio.ultimo_uso, TokenServicio.version),
)
ORDEN = (TokenServicio.fecha_creacion, TokenServicio.id)


@cache
def holder_statement() -> Select[Any]:
    token = (TokenServicio.id.label("id_token"), TokenServicio.alcances, TokenServicio.ultimo_uso)
    return (
        select(*held(), *token)
        .join(TokenServicio, TokenServicio.id_usuario == Usuario.id)
        .where(
            TokenServicio.huella == bindparam("huella"),
            TokenServicio.vence > bindparam("now"),
            Usuario.activo.is_(True),
            # One who is no longer staff could not even see its tokens.
            Usuario.tipo_usuario.in_(PERSONAL),
        )
    )


def holder(huella: str) -> Row[Any] | None:
    """What an ``Actor`` holds of the active owner of a token that is good now, and of the token."""
    return db.session.execute(holder_statement(), {"huella": huella, "now": utcnow()}).one_or_none()


def own(actor: Actor) -> ColumnElement[bool]:
    return TokenServicio.id_usuario == actor.id


def page(actor: Actor, limite: int, corte: Corte | None) -> Pagina:
    """The actor's tokens, expired ones too, the newest first."""
    return page_of(select(*MOSTRADAS).where(own(actor)), ORDEN, limite, corte, descending=True)


def get(actor: Actor, id: int) -> dict[str, Any] | None:
    """One of the actor's tokens."""
    query = select(*MOSTRADAS).where(TokenServicio.id == id, own(actor))
    row = db.session.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def locked(actor: Actor, id: int) -> TokenServicio | None:
    """One of the actor's tokens, to be revoked."""
    mine = select(TokenServicio).where(TokenServicio.id == id, own(actor))
    return db.session.scalars(mine.with_for_update()).one_or_none()


def unused_since(id: int, instant: datetime) -> bool:
    """Whether it was not used since then, locked; not if anybody holds it, for whom nobody waits."""
    before = or_(TokenServicio.ultimo_uso.is_(None), TokenServicio.ultimo_uso < instant)
    query = select(TokenServicio.id).where(TokenServicio.id == id, before)
    return db.session.scalar(query.with_for_update(skip_locked=True)) is not None
