"""Reading the conversation about a ticket."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, select, true

from app.extensions import db
from app.models import Clientes, Comentarios, Empleados, Usuario
from app.permissions import Actor
from app.queries.desk import attachments
from app.queries.desk.tickets import PUBLICO, person, sees_internal
from app.queries.pagination import Corte, Pagina, page_of

PROPIAS = (
    *("id", "id_tiquet", "id_cliente", "id_empleado", "mensaje", "es_interno"),
    *("fecha_creacion", "fecha_edicion", "version"),
)
DE_PARTE_DE: dict[str, type[Any]] = {"cliente": Clientes, "empleado": Empleados}


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which comments ``actor`` may see on a ticket that it sees: staff all, others the public ones."""
    return true() if sees_internal(actor) else PUBLICO


def of_tickets(actor: Actor, *ids: int) -> Select[Any]:
    """Comments on tickets with their authors' names; a LEFT JOIN, left out of counts (``with_names``)."""
    return (
        select(
            *(getattr(Comentarios, key) for key in PROPIAS),
            Usuario.id.label("id_autor"),
            Usuario.nombre,
            Usuario.apellido,
            *(
                getattr(persona, name).label(f"{name}_{entidad}")
                for entidad, persona in DE_PARTE_DE.items()
                for name in ("nombre", "apellido")
            ),
        )
        .outerjoin(Usuario, Usuario.id == Comentarios.id_autor)
        .outerjoin(Clientes, Clientes.id == Comentarios.id_cliente)
        .outerjoin(Empleados, Empleados.id == Comentarios.id_empleado)
        .where(Comentarios.id_tiquet.in_(ids), visible_to(actor))
    )


def get(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any] | None:
    """One comment as a client gets it."""
    found = db.session.execute(of_tickets(actor, id_tiquet).where(Comentarios.id == id)).mappings()
    row = found.one_or_none()
    return None if row is None else with_files(actor, [dict(row)])[0]


def several(actor: Actor, ids_tiquet: Iterable[int], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Comments on tickets that the actor sees, by their ids."""
    found = db.session.execute(of_tickets(actor, *ids_tiquet).where(Comentarios.id.in_(ids))).mappings()
    return {comment["id"]: comment for comment in with_files(actor, [dict(row) for row in found])}


def locked(actor: Actor, id_tiquet: int, id: int) -> Comentarios | None:
    """One comment to be changed."""
    mine = (Comentarios.id == id, Comentarios.id_tiquet == id_tiquet, visible_to(actor))
    return db.session.scalars(select(Comentarios).where(*mine).with_for_update()).one_or_none()


def page(actor: Actor, id_tiquet: int, orden: str, limite: int, corte: Corte | None) -> Pagina:
    """Comments by date, the oldest first unless ``orden`` is ``-fecha_creacion``."""
    keys = (Comentarios.fecha_creacion, Comentarios.id)
    pagina = page_of(of_tickets(actor, id_tiquet), keys, limite, corte, descending=orden.startswith("-"))
    return Pagina(with_files(actor, pagina.filas), pagina.total, pagina.siguiente)


def with_files(actor: Actor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Comments as a client gets them; their files are read at once."""
    files: dict[int, list[dict[str, Any]]] = {}
    if rows:
        tickets = {row["id_tiquet"] for row in rows}
        files = attachments.of_comments(actor, tickets, [row["id"] for row in rows])
    return [shape(row, files.get(row["id"], [])) for row in rows]


def shape(row: dict[str, Any], adjuntos: list[dict[str, Any]]) -> dict[str, Any]:
    autor = person(row["id_autor"], row["nombre"], row["apellido"])
    about = {"id": row["id"], "id_tiquet": row["id_tiquet"], "autor": autor}
    for name in DE_PARTE_DE:
        about[name] = person(row[f"id_{name}"], row[f"nombre_{name}"], row[f"apellido_{name}"])
    return about | {key: row[key] for key in PROPIAS} | {"adjuntos": adjuntos}
