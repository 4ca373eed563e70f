"""The conversation about a ticket."""

from typing import Any

from app.errors import NotFound
from app.extensions import db
from app.models import Comentarios, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.desk import attachments
from app.queries.desk import comments as queries
from app.services import changes
from app.services.desk import mentions, search, tickets, transitions
from app.services.log import audit
from app.services.versions import Precondicion, check_version


def create(actor: Actor, id_tiquet: int, datos: dict[str, Any]) -> int:
    """Add a comment to a ticket; answers its id. Staff's comments move no state, nor the ticket's version.

    Whoever asked for it answers by commenting it.
    """
    tiquet = tickets.find(actor, id_tiquet)
    require(Permiso.CREAR_COMENTARIO, actor, tiquet)
    # Of staff whose token leaves them out, too: what was not said to be public does not go out.
    es_interno = datos.get("es_interno", actor.es_personal)
    if es_interno:
        require(Permiso.COMENTARIO_INTERNO, actor, tiquet)
    if not actor.es_personal:
        transitions.transition(actor, id_tiquet, {"accion": "responder"})
    now = utcnow()
    comentario = Comentarios(
        id_tiquet=id_tiquet,
        id_autor=actor.id,
        mensaje=datos["mensaje"],
        es_interno=es_interno,
        fecha_creacion=now,
        id_cliente=actor.id_cliente if actor.de_parte else None,
        id_empleado=actor.id_empleado if actor.de_parte else None,
    )
    db.session.add(comentario)
    audit.record("comentario.creado", actor, comentario, {}, id_tiquet=id_tiquet)
    shown: dict[str, Any] = {"numero_comentarios": tiquet.numero_comentarios + 1}
    if not comentario.es_interno and actor.es_personal and tiquet.fecha_primera_respuesta is None:
        shown["fecha_primera_respuesta"] = now
    tickets.touch(actor, tiquet, "tiquet.comentado", now, shown, interno=es_interno)
    search.index(tiquet)
    mentions.enrol(actor, id_tiquet, comentario.mensaje)
    return comentario.id


def update_comment(
    actor: Actor, id_tiquet: int, id: int, cambios: dict[str, Any], precondicion: Precondicion
) -> int:
    """Change what a comment says; what it said before stays in the log. Answers its id."""
    tiquet = tickets.find(actor, id_tiquet)  # Locked before the comment, as it is where one is erased.
    comentario = find(actor, id_tiquet, id)
    require(Permiso.EDITAR_COMENTARIO, actor, comentario)
    check_version("comentario", comentario, precondicion)
    wanted = changes.wanted(comentario, cambios, lambda: shown(actor, id_tiquet, id), moving=("adjuntos",))
    before = audit.snapshot(comentario)
    said = comentario.mensaje
    if wanted:
        comentario.mensaje = wanted["mensaje"]
        comentario.fecha_edicion = utcnow()
    if audit.record("comentario.actualizado", actor, comentario, before, id_tiquet=id_tiquet):
        search.index(tiquet)
    mentions.enrol(actor, id_tiquet, comentario.mensaje, before=said)
    return id


def erase(actor: Actor, id_tiquet: int, id: int, precondicion: Precondicion) -> None:
    """Erase a comment with its files; who did, and what it said, stays in the log."""
    tiquet = tickets.find(actor, id_tiquet)
    comentario = find(actor, id_tiquet, id)
    require(Permiso.ELIMINAR_COMENTARIO, actor, comentario)
    check_version("comentario", comentario, precondicion)
    interno = comentario.es_interno
    files = attachments.locked_of_comment(id)
    for adjunto in files:
        audit.record_erasure("adjunto.eliminado", actor, adjunto, id_tiquet=id_tiquet)
    audit.record_erasure("comentario.eliminado", actor, comentario, id_tiquet=id_tiquet)
    left = {"numero_comentarios": tiquet.numero_comentarios - 1}
    if files:
        left["numero_adjuntos"] = tiquet.numero_adjuntos - len(files)
    tickets.touch(actor, tiquet, "tiquet.comentario_eliminado", utcnow(), left, interno=interno)
    search.index(tiquet)


def find(actor: Actor, id_tiquet: int, id: int) -> Comentarios:
    """A comment to be changed, of a ticket that the actor is known to see."""
    comentario = queries.locked(actor, id_tiquet, id)
    if comentario is None:
        raise NotFound("comentario_no_encontrado")
    return comentario


def shown(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any]:
    """A comment as a client gets it, or 404: the ticket's first, then the comment's own."""
    tickets.shown(actor, id_tiquet)
    found = queries.get(actor, id_tiquet, id)
    if found is None:
        raise NotFound("comentario_no_encontrado")
    return found
