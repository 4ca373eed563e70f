"""Writing down who gets a ticket's news, whatever made it so; ``followers.py`` is about doing it by hand."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, update

from app.extensions import db
from app.models import Seguidores, Tiquet, utcnow
from app.permissions import Actor
from app.queries.desk import followers as queries
from app.services.log import audit
from app.transaction import insert_rows, tell

# The key decides: whoever follows already goes on following, for the reason that came first.
UNLESS_THERE = (
    insert(Seguidores).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
)


def enrol(motivo: str, pairs: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """Let users follow tickets: pairs of the ids of both, which exist. Answers the rows."""
    now = utcnow()
    rows = [row_of(motivo, id_tiquet, id_usuario, now) for id_tiquet, id_usuario in pairs]
    if rows:
        insert_rows(UNLESS_THERE, rows)
    return rows


def enrol_with_unit(motivo: str, tiquet: Tiquet, id_usuario: int) -> None:
    """Let one user follow a ticket whose followers this unit of work does not read."""
    tell(UNLESS_THERE, row_of(motivo, tiquet.id, id_usuario, utcnow()))


def row_of(motivo: str, id_tiquet: int, id_usuario: int, now: datetime) -> dict[str, Any]:
    return {"id_tiquet": id_tiquet, "id_usuario": id_usuario, "motivo": motivo, "fecha_creacion": now}


def enrol_and_tell(actor: Actor, id_tiquet: int, ids: list[int], motivo: str) -> None:
    """Let those follow a locked ticket who do not yet, with an event for each.

    Following for having opened a ticket or for being given it has none: the ticket's own event names both.
    """
    already = queries.among(id_tiquet, ids) if ids else set()
    for row in enrol(motivo, [(id_tiquet, id) for id in ids if id not in already]):
        told = {name: audit.plain(value) for name, value in row.items()}
        audit.append(
            "seguidor.creado",
            actor,
            id_entidad=row["id_usuario"],
            id_tiquet=id_tiquet,
            cambios=audit.differences({}, told),
        )


def hand_on(actor: Actor, id_origen: int, id_destino: int) -> None:
    """Let the followers of a locked ticket follow another, which goes on in its place; an event for each."""
    moving = queries.everybody(id_origen)
    if not moving:
        return
    already = queries.among(id_destino, list(moving))
    of_origin = Seguidores.id_tiquet == id_origen
    there = update(Seguidores).where(of_origin, Seguidores.id_usuario.not_in(already))
    unknown = {"synchronize_session": False}  # None of them is in the session.
    db.session.execute(there.values(id_tiquet=id_destino).execution_options(**unknown))
    db.session.execute(delete(Seguidores).where(of_origin).execution_options(**unknown))
    for id in sorted(moving):
        gone = id in already
        change = {"campo": "id_tiquet", "anterior": id_origen, "nuevo": None if gone else id_destino}
        audit.append(
            "seguidor.eliminado" if gone else "seguidor.actualizado",
            actor,
            id_entidad=id,
            id_tiquet=id_origen if gone else id_destino,
            cambios=[change],
        )
