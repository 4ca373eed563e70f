"""Reading views."""

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from app.extensions import db
from app.models import Usuario, Vistas
from app.permissions import Actor
from app.queries.desk.tickets import person
from app.queries.pagination import Corte, Pagina, page_of

PROPIAS = ("id", "id_usuario", "nombre", "compartida", "filtros", "fecha_creacion", "version")
ORDEN = (Vistas.nombre, Vistas.id)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """One's own and the shared ones; nobody sees the private ones of others."""
    return or_(Vistas.id_usuario == actor.id, Vistas.compartida.is_(True))


def seen(actor: Actor) -> Select[Any]:
    return (
        select(
            *(getattr(Vistas, key) for key in PROPIAS),
            Usuario.nombre.label("nombre_usuario"),
            Usuario.apellido,
        )
        .outerjoin(Usuario, Usuario.id == Vistas.id_usuario)
        .where(visible_to(actor))
    )


def get(actor: Actor, id: int) -> dict[str, Any] | None:
    """One view as a client gets it."""
    row = db.session.execute(seen(actor).where(Vistas.id == id)).mappings().one_or_none()
    return None if row is None else shape(dict(row))


def locked(actor: Actor, id: int) -> Vistas | None:
    """One view to be changed."""
    mine = select(Vistas).where(Vistas.id == id, visible_to(actor))
    return db.session.scalars(mine.with_for_update()).one_or_none()


def page(actor: Actor, limite: int, corte: Corte | None) -> Pagina:
    """Views by name."""
    pagina = page_of(seen(actor), ORDEN, limite, corte)
    return Pagina([shape(fila) for fila in pagina.filas], pagina.total, pagina.siguiente)


def shape(row: dict[str, Any]) -> dict[str, Any]:
    usuario = person(row["id_usuario"], row["nombre_usuario"], row["apellido"])
    return {key: row[key] for key in PROPIAS} | {"usuario": usuario}
