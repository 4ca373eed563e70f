"""Reading who follows a ticket."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from app.extensions import db
from app.models import Seguidores, Usuario
from app.queries.access.users import ACTIVE_STAFF
from app.queries.desk.tickets import person
from app.queries.pagination import Corte, Pagina, page_of


def following(id_tiquet: int) -> tuple[ColumnElement[bool], ...]:
    """Those who get a ticket's news: whoever was deactivated, or is no longer staff, gets none."""
    return (Seguidores.id_tiquet == id_tiquet, ACTIVE_STAFF)


def of_ticket(id_tiquet: int) -> Select[Any]:
    columns: tuple[Any, ...] = (
        *(Seguidores.id_usuario, Seguidores.motivo, Seguidores.fecha_creacion),
        *(Usuario.nombre, Usuario.apellido),
    )
    joined = select(*columns).join(Usuario, Usuario.id == Seguidores.id_usuario)
    return joined.where(*following(id_tiquet))


def get(id_tiquet: int, id_usuario: int) -> dict[str, Any]:
    """One follower, who is known to be one, as a client gets it."""
    found = db.session.execute(of_ticket(id_tiquet).where(Seguidores.id_usuario == id_usuario))
    return shape(dict(found.mappings().one()))


def page(id_tiquet: int, limite: int, corte: Corte | None) -> Pagina:
    """The followers of a ticket by their ids, the order in which the table has them."""
    pagina = page_of(of_ticket(id_tiquet), (Seguidores.id_usuario,), limite, corte)
    return Pagina([shape(fila) for fila in pagina.filas], pagina.total, pagina.siguiente)


def row(id_tiquet: int, id_usuario: int) -> Seguidores | None:
    """One follower of a ticket, whose own lock guards its followers."""
    found = select(Seguidores).join(Usuario, Usuario.id == Seguidores.id_usuario)
    mine = found.where(*following(id_tiquet), Seguidores.id_usuario == id_usuario)
    return db.session.scalars(mine).one_or_none()


def among(id_tiquet: int, ids: list[int]) -> set[int]:
    """Which of these users are written down for a ticket, shown or not."""
    there = select(Seguidores.id_usuario).where(Seguidores.id_tiquet == id_tiquet)
    return set(db.session.scalars(there.where(Seguidores.id_usuario.in_(ids))))


def everybody(id_tiquet: int) -> set[int]:
    """All who are written down for a ticket, shown or not."""
    return set(db.session.scalars(select(Seguidores.id_usuario).where(Seguidores.id_tiquet == id_tiquet)))


def shape(row: dict[str, Any]) -> dict[str, Any]:
    who = person(row["id_usuario"], row["nombre"], row["apellido"]) or {}
    return {
        "id_usuario": row["id_usuario"],
        "nombre": who["nombre"],
        "motivo": row["motivo"],
        "fecha_creacion": row["fecha_creacion"],
    }
