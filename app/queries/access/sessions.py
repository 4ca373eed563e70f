"""Who holds a token: the one statement that authenticates a request. And the sessions that one has."""

from collections import namedtuple
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, select

from app.extensions import db
from app.models import CatalogoEpoca, Sesion, Usuario, utcnow
from app.permissions import Actor
from app.queries import alone, along
from app.queries.along import Along, Leido
from app.queries.packed import packed
from app.queries.pagination import Corte, Pagina, page_of
from app.transaction import ask

INACTIVIDAD = timedelta(days=7)  # How long a session can be renewed after it was used last.
MOSTRADAS: tuple[Any, ...] = (
    *(Sesion.id, Sesion.agente, Sesion.ip),
    *(Sesion.fecha_creacion, Sesion.ultimo_uso, Sesion.vence),
)
ORDEN = (Sesion.fecha_creacion, Sesion.id)


def held() -> tuple[Any, ...]:
    """What an ``Actor`` holds, by whatever it came in; the epoch is that of the catalogs."""
    user = (Usuario.id, Usuario.tipo_usuario, Usuario.id_cliente, Usuario.id_empleado)
    epoca = select(CatalogoEpoca.epoca).scalar_subquery()
    return (*user, Usuario.segundo_factor, Usuario.debe_cambiar_clave, epoca.label("epoca"))


Titular: Any = namedtuple("Titular", [column.key for column in held()])  # type: ignore[misc]


@lru_cache(maxsize=512)
def holder_statement(more: Select[Any] | None) -> Select[Any]:
    return (
        select(packed(Titular, held()), *([] if more is None else [along.column(more)]))
        .join(Sesion, Sesion.id_usuario == Usuario.id)
        .where(
            Sesion.id == bindparam("sid"),
            Sesion.fin.is_(None),
            Sesion.vence > bindparam("now"),
            Usuario.id == bindparam("sub"),
            Usuario.activo.is_(True),
        )
    )


def holder(sid: str, sub: int) -> Any:
    """What an ``Actor`` holds of an active user whose session is alive; the transaction goes on."""
    values = {"sid": sid, "sub": sub, "now": utcnow()}
    found = ask(holder_statement(None), values)
    return found[0][0] if found else None


def holder_alone(sid: str, sub: int, more: Along | None = None) -> tuple[Any, Leido | None]:
    """The same in no transaction, and what else was asked for."""
    values = {"sid": sid, "sub": sub, "now": utcnow(), **(more.parameters if more else {})}
    found = alone.rows(holder_statement(more and more.statement), values)
    if not found:
        return None, None
    titular, *asked = tuple[Any, ...](found[0])
    return titular, Leido(more, asked[0]) if more else None


def locked(sid: str) -> Sesion | None:
    """A session to be changed."""
    return db.session.scalars(select(Sesion).where(Sesion.id == sid).with_for_update()).one_or_none()


def own(actor: Actor) -> ColumnElement[bool]:
    """The actor's sessions that are alive, those that nobody renews any more left out."""
    now = utcnow()
    alive = (Sesion.fin.is_(None), Sesion.vence > now, Sesion.ultimo_uso > now - INACTIVIDAD)
    return and_(Sesion.id_usuario == actor.id, *alive)


def page(actor: Actor, limite: int, corte: Corte | None) -> Pagina:
    """The actor's sessions, the newest first."""
    query = select(*MOSTRADAS).where(own(actor))
    pagina = page_of(query, ORDEN, limite, corte, descending=True)
    return replace(pagina, filas=[shown(actor, fila) for fila in pagina.filas])


def get(actor: Actor, sid: str) -> dict[str, Any] | None:
    """One of the actor's sessions."""
    query = select(*MOSTRADAS).where(Sesion.id == sid, own(actor))
    row = db.session.execute(query).mappings().one_or_none()
    return None if row is None else shown(actor, dict(row))


def shown(actor: Actor, fila: dict[str, Any]) -> dict[str, Any]:
    """With when it ends unless it is renewed, and whether the actor asks by it."""
    vence = min(fila["vence"], fila["ultimo_uso"] + INACTIVIDAD)
    return {**fila, "vence": vence, "actual": fila["id"] == actor.id_sesion}


def own_locked(actor: Actor, sid: str) -> Sesion | None:
    """One of the actor's sessions, to be ended."""
    return db.session.scalars(
        select(Sesion).where(Sesion.id == sid, own(actor)).with_for_update()
    ).one_or_none()
