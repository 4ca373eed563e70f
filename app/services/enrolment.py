"""Writing down who gets a ticket's news, whatever made it so; ``followers.py`` is about doing it by hand."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import insert

from app.extensions import db
from app.models import Seguidores, utcnow
from app.permissions import Actor
from app.queries import followers as queries
from app.services import audit

# The key decides: whoever follows already goes on following, for the reason that came first.
UNLESS_THERE = (
    insert(Seguidores).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
)


def enrol(motivo: str, pairs: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """Let users follow tickets: pairs of the ids of both, which exist. Answers the rows."""
    now = utcnow()
    rows = [
        {"id_tiquet": id_tiquet, "id_usuario": id_usuario, "motivo": motivo, "fecha_creacion": now}
        for id_tiquet, id_usuario in pairs
    ]
    if rows:
        db.session.execute(UNLESS_THERE, rows)
    return rows


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
