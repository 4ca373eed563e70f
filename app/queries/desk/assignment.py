"""Reading whose turn it is in a category that gives out its new tickets by itself."""

from collections.abc import Iterable

from sqlalchemy import bindparam, func, select

from app.extensions import db
from app.models import CatTiquet, Tiquet, Usuario, UsuarioCategoria
from app.queries.access.users import ACTIVE_STAFF
from app.queries.desk.tickets import NOT_IN_TRASH
from app.transaction import ask

MODE = select(CatTiquet.asignacion).where(CatTiquet.id == bindparam("id")).with_for_update(read=True)


def mode_of(id_categoria: int) -> str | None:
    """How a category gives out its tickets, read with the lock that a new ticket of it takes anyway.

    Not from memory and not by a plain SELECT: that one would fix what this transaction sees before its turn.
    """
    found = ask(MODE, {"id": id_categoria})
    return found[0][0] if found else None


def locked(id_categoria: int) -> list[UsuarioCategoria]:
    """Those who serve a category, by their ids; whoever gives out its next ticket waits here."""
    theirs = select(UsuarioCategoria).where(UsuarioCategoria.id_categoria == id_categoria)
    return list(db.session.scalars(theirs.order_by(UsuarioCategoria.id_usuario).with_for_update()))


def available(ids: Iterable[int]) -> set[int]:
    """Which of these users are given tickets now: active staff that is not away."""
    there = (Usuario.id.in_(ids), Usuario.disponible.is_(True), ACTIVE_STAFF)
    return set(db.session.scalars(select(Usuario.id).where(*there)))


def open_tickets_of(ids: Iterable[int], estados: Iterable[int]) -> dict[int, int]:
    """How many tickets in one of these states each of these users has, if any.

    By the states, whose open tickets are few: the users' own are all that they ever had.
    """
    theirs = (Tiquet.id_usuario_asignado.in_(ids), Tiquet.id_estado.in_(estados), NOT_IN_TRASH)
    query = select(Tiquet.id_usuario_asignado, func.count()).where(*theirs)
    query = query.with_hint(Tiquet, "FORCE INDEX (ix_Tiquet_lista_id_estado)", "mysql")
    return {id: count for id, count in db.session.execute(query.group_by(Tiquet.id_usuario_asignado)) if id}
