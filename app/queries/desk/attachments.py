"""Reading which files a ticket has."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true

from app.extensions import db
from app.models import Adjuntos, Comentarios, Usuario
from app.permissions import Actor
from app.queries.desk.tickets import ADJUNTO_PUBLICO, person, sees_internal
from app.queries.pagination import Corte, Pagina, page_of

PROPIAS = (
    *("id", "id_tiquet", "id_comentario", "nombre", "tipo_mime", "bytes", "sha256", "fecha_creacion"),
    "version",
)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which files ``actor`` may see of a ticket that it sees: those of no comment, or of one it sees.

    Staff sees all of them, whoever is not staff those of public comments.
    """
    return true() if sees_internal(actor) else ADJUNTO_PUBLICO


def of_tickets(actor: Actor, *ids: int) -> Select[Any]:
    """Files of these tickets with their authors' names; a LEFT JOIN, which a count leaves out."""
    return (
        select(
            *(getattr(Adjuntos, key) for key in PROPIAS),
            Usuario.id.label("id_autor"),
            Usuario.nombre.label("nombre_autor"),
            Usuario.apellido,
        )
        .outerjoin(Usuario, Usuario.id == Adjuntos.id_autor)
        .where(Adjuntos.id_tiquet.in_(ids), visible_to(actor))
    )


def get(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any] | None:
    """One file as a client gets it."""
    found = db.session.execute(of_tickets(actor, id_tiquet).where(Adjuntos.id == id)).mappings()
    row = found.one_or_none()
    return None if row is None else shape(dict(row))


def several(actor: Actor, id_tiquet: int, ids: list[int]) -> list[dict[str, Any]]:
    """These files in the order of their ids."""
    found = of_tickets(actor, id_tiquet).where(Adjuntos.id.in_(ids)).order_by(Adjuntos.id)
    return [shape(dict(row)) for row in db.session.execute(found).mappings()]


def of_comments(
    actor: Actor, ids_tiquet: Iterable[int], ids: Iterable[int]
) -> dict[int, list[dict[str, Any]]]:
    """Comment -> its files, oldest first."""
    found = of_tickets(actor, *ids_tiquet).where(Adjuntos.id_comentario.in_(ids)).order_by(Adjuntos.id)
    files = defaultdict(list)
    for row in db.session.execute(found).mappings():
        files[row["id_comentario"]].append(shape(dict(row)))
    return files


def locked(actor: Actor, id_tiquet: int, id: int) -> Adjuntos | None:
    """One file to be erased."""
    mine = (Adjuntos.id == id, Adjuntos.id_tiquet == id_tiquet, visible_to(actor))
    return db.session.scalars(select(Adjuntos).where(*mine).with_for_update()).one_or_none()


def locked_of_comment(id_comentario: int) -> list[Adjuntos]:
    """The files of a comment, to be erased with it."""
    mine = select(Adjuntos).where(Adjuntos.id_comentario == id_comentario).order_by(Adjuntos.id)
    return list(db.session.scalars(mine.with_for_update()))


def is_internal(adjunto: Adjuntos) -> bool:
    """Whether the comment that a file is of is internal."""
    comment = select(Comentarios.es_interno).where(Comentarios.id == adjunto.id_comentario)
    return adjunto.id_comentario is not None and bool(db.session.scalar(comment))


def stored_name(id: int) -> str:
    """Under which name the store has the bytes of a file that is there."""
    return db.session.execute(select(Adjuntos.objeto).where(Adjuntos.id == id)).scalar_one()


def bytes_of_ticket(actor: Actor, id_tiquet: int) -> int:
    """How much the files of a ticket take that ``actor`` may see; of others not even their room tells."""
    total = select(func.coalesce(func.sum(Adjuntos.bytes), 0))
    total = total.where(Adjuntos.id_tiquet == id_tiquet, visible_to(actor))
    return int(db.session.execute(total).scalar_one())


def referenced(names: list[str]) -> set[str]:
    """Those of ``names`` in the store that some file has."""
    return set(db.session.scalars(select(Adjuntos.objeto).where(Adjuntos.objeto.in_(names))))


def page(actor: Actor, id_tiquet: int, limite: int, corte: Corte | None) -> Pagina:
    """Files by date, the oldest first."""
    keys = (Adjuntos.fecha_creacion, Adjuntos.id)
    pagina = page_of(of_tickets(actor, id_tiquet), keys, limite, corte)
    return Pagina([shape(fila) for fila in pagina.filas], pagina.total, pagina.siguiente)


def shape(row: dict[str, Any]) -> dict[str, Any]:
    autor = person(row["id_autor"], row["nombre_autor"], row["apellido"])
    return {key: row[key] for key in PROPIAS} | {"autor": autor}
