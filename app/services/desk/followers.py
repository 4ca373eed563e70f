"""Following a ticket, and ceasing to, by hand."""

from typing import Any

from app.errors import Falla, Invalid, NotFound
from app.extensions import db
from app.models import MANUAL, Seguidores
from app.permissions import Actor, Permiso, require
from app.queries.access import users
from app.queries.desk import followers as queries
from app.services.desk import enrolment, tickets
from app.services.log import audit


def follow(actor: Actor, id_tiquet: int, id_usuario: int | None) -> dict[str, Any]:
    """Let somebody, or with None the actor, follow a ticket; answers the follower as it is listed.

    No change of the ticket's own fields: its version stays.
    """
    tickets.find(actor, id_tiquet)
    wanted = Seguidores(id_tiquet=id_tiquet, id_usuario=id_usuario or actor.id)
    require(Permiso.SEGUIR_TIQUET, actor, wanted)
    if not users.assignable(wanted.id_usuario):
        raise Invalid({"id_usuario": [Falla("no_es_personal_activo")]})
    enrolment.enrol_and_tell(actor, id_tiquet, [wanted.id_usuario], MANUAL)
    return queries.get(id_tiquet, wanted.id_usuario)


def unfollow(actor: Actor, id_tiquet: int, id_usuario: int) -> None:
    """Let a follower be one no more, until there is another reason."""
    tickets.find(actor, id_tiquet)
    seguidor = queries.row(id_tiquet, id_usuario)
    if seguidor is None:
        raise NotFound("seguidor_no_encontrado")
    require(Permiso.SEGUIR_TIQUET, actor, seguidor)
    erase(actor, seguidor)


def leave(actor: Actor, id_tiquet: int) -> None:
    """Let the actor follow a ticket no more, whether it did or not."""
    tickets.find(actor, id_tiquet)
    seguidor = queries.row(id_tiquet, actor.id or 0)
    if seguidor is not None:
        erase(actor, seguidor)


def erase(actor: Actor, seguidor: Seguidores) -> None:
    before = audit.snapshot(seguidor)
    gone = [{"campo": name, "anterior": value, "nuevo": None} for name, value in before.items()]
    about = {"id_entidad": seguidor.id_usuario, "id_tiquet": seguidor.id_tiquet}
    db.session.delete(seguidor)
    audit.append("seguidor.eliminado", actor, cambios=gone, **about)
