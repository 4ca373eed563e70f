"""The conversation about a ticket."""

from typing import Any

from sqlalchemy import update

from app.errors import NotFound
from app.extensions import db
from app.models import Comentarios, Tiquet, utcnow
from app.permissions import Actor, Permiso, require
from app.queries import comments as queries
from app.services import audit, tickets


def create(actor: Actor, id_tiquet: int, datos: dict[str, Any]) -> int:
    """Add a comment to a ticket; answers its id. Staff's comments move no state, nor the ticket's version."""
    tiquet = tickets.find(actor, id_tiquet)
    require(Permiso.CREAR_COMENTARIO, actor, tiquet)
    now = utcnow()
    comentario = Comentarios(id_tiquet=id_tiquet, id_autor=actor.id, fecha_creacion=now, **datos)
    db.session.add(comentario)
    audit.record("comentario.creado", actor, comentario, {}, id_tiquet=id_tiquet)
    shown: dict[str, Any] = {"numero_comentarios": tiquet.numero_comentarios + 1}
    if not comentario.es_interno and actor.es_personal and tiquet.fecha_primera_respuesta is None:
        shown["fecha_primera_respuesta"] = now
    before = {name: audit.plain(getattr(tiquet, name)) for name in shown}
    # Not through the ORM, which would raise the version; the ticket is locked, so nothing is lost.
    db.session.execute(update(Tiquet).where(Tiquet.id == id_tiquet).values(**shown, fecha_actualizacion=now))
    after = {name: audit.plain(value) for name, value in shown.items()}
    audit.append(
        "tiquet.comentado",
        actor,
        id_entidad=id_tiquet,
        id_tiquet=id_tiquet,
        version_resultante=tiquet.version,
        cambios=audit.differences(before, after),
    )
    return comentario.id


def shown(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any]:
    """A comment as a client gets it, or 404: the ticket's first, then the comment's own."""
    tickets.shown(actor, id_tiquet)
    found = queries.get(actor, id_tiquet, id)
    if found is None:
        raise NotFound("comentario_no_encontrado")
    return found
