"""Merging one ticket into another, where all that was said and done about it goes on."""

from datetime import datetime
from typing import Any

from sqlalchemy import update

from app.errors import Conflict
from app.extensions import db
from app.models import PADRE, Adjuntos, Comentarios, Tiquet, utcnow
from app.permissions import Actor, Permiso
from app.queries.catalog import all_catalogs
from app.queries.desk import relations as queries
from app.queries.desk.tickets import belongings, tells_all
from app.services.desk import enrolment, lifecycle, relations, search, tickets
from app.services.log import audit
from app.transitions import CERRADO

# What belongs to a ticket and goes with it, each with its own id, author and date -> its event.
PERTENENCIAS: dict[type[Any], str] = {
    Comentarios: "comentario.actualizado",
    Adjuntos: "adjunto.actualizado",
}


def merge(actor: Actor, id: int, id_destino: int) -> int:
    """Close a ticket as merged into another, which gets all that belongs to it; answers the other's id."""
    origen, destino = relations.pair(actor, Permiso.FUSIONAR_TIQUET, id, id_destino, "id_destino")
    catalogos, now = all_catalogs(actor), utcnow()
    before, gained = audit.snapshot(origen), gains(origen, destino)
    interno = "fecha_primera_respuesta" not in gained and not tells_all(id)
    lifecycle.merge(actor, origen, destino.id, catalogos)
    if lifecycle.tipo_of(destino, catalogos) == CERRADO:
        raise Conflict("destino_cerrado")
    check_children(id, id_destino)
    origen.numero_comentarios = origen.numero_adjuntos = 0
    origen.fecha_actualizacion = now
    audit.record("tiquet.fusionado", actor, origen, before)
    for model, accion in PERTENENCIAS.items():
        move(actor, model, accion, origen, destino)
    enrolment.hand_on(actor, id, id_destino)
    move_children(actor, origen, destino)
    if gained:
        tickets.touch(actor, destino, "tiquet.fusion_recibida", now, gained, interno=interno)
    search.index(origen, destino)
    return id_destino


def check_children(id: int, id_destino: int) -> None:
    """The children of the source have a place under the target."""
    children = queries.below(PADRE, id)
    if len(children) > 1:
        # They come to stand where the source stands, which itself counts for none of the levels.
        steps = {child: step - 1 for child, step in children.items()}
        relations.check_chain(PADRE, id, id_destino, "id_destino", steps)


def gains(origen: Tiquet, destino: Tiquet) -> dict[str, Any]:
    """What the target shows otherwise once it has what belonged to the source."""
    answers = [date for date in (origen.fecha_primera_respuesta, destino.fecha_primera_respuesta) if date]
    first: datetime | None = min(answers, default=None)
    becoming = {
        "numero_comentarios": destino.numero_comentarios + origen.numero_comentarios,
        "numero_adjuntos": destino.numero_adjuntos + origen.numero_adjuntos,
        "fecha_primera_respuesta": first,
    }
    return {name: value for name, value in becoming.items() if value != getattr(destino, name)}


def move(actor: Actor, model: type[Any], accion: str, origen: Tiquet, destino: Tiquet) -> None:
    """Give the rows of ``model`` to the target: two statements however many, and an event for each."""
    moved = belongings(model, origen.id)
    if not moved:
        return
    db.session.execute(
        update(model)
        .where(model.id_tiquet == origen.id)
        .values(id_tiquet=destino.id, version=model.version + 1)
        .execution_options(synchronize_session=False)  # None of them is in the session.
    )
    changed = [{"campo": "id_tiquet", "anterior": origen.id, "nuevo": destino.id}]
    for id, version in moved:
        about = {"id_entidad": id, "id_tiquet": destino.id, "version_resultante": version + 1}
        audit.append(accion, actor, cambios=changed, **about)


def move_children(actor: Actor, origen: Tiquet, destino: Tiquet) -> None:
    """Make the children of the source the target's; those in the trash too."""
    for relacion, child in queries.children(origen.id):
        before = audit.snapshot(relacion)
        relacion.id_relacionado = destino.id
        audit.record("relacion.actualizado", actor, relacion, before, id_tiquet=child.id)
        relations.set_parent(actor, child, destino.id)
