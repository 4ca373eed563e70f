"""Personal data: giving somebody all that is stored of it, and erasing that for good."""

from collections.abc import Iterator
from typing import Any

from app import transaction
from app.permissions import Actor, Permiso, require
from app.queries import people as people_queries
from app.queries.privacy import personal as queries
from app.services import people
from app.services.log import audit


def export(actor: Actor, entidad: str, id: int) -> tuple[dict[str, Any], Iterator[Any]]:
    """A person, and kind by kind all that is stored of it; 404 if there is none.

    That somebody asked for it is in the log before the first byte is out.
    """
    require(Permiso.EXPORTAR_PERSONA, actor)

    def told() -> tuple[dict[str, Any], queries.Titular]:
        persona, who = people_queries.get(entidad, id), queries.titular(entidad, id)
        if persona is None or who is None:
            raise people.missing(entidad)
        audit.append(f"{entidad}.exportado", actor, id_entidad=id)
        return persona, who

    persona, who = transaction.run(told)
    return persona, queries.everything(who)
