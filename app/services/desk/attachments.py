"""The files of a ticket: their bytes go to the store first, then their rows into the unit of work.

Bytes without a row, of a request that was refused or of a file that was erased, go with ``sweep``.
"""

from datetime import datetime, timedelta
from typing import Any, BinaryIO

from app import transaction
from app.errors import Conflict, NotFound
from app.extensions import db, settings
from app.models import Adjuntos, Tiquet, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.desk import attachments as queries
from app.services.desk import comments, tickets
from app.services.desk.files import MB, examine, safe_name
from app.services.log import audit
from app.services.versions import Precondicion, check_version
from app.storage import new_name, store

ABANDONED = timedelta(hours=24)  # after which bytes without a row go


def keep(actor: Actor, datos: dict[str, Any], id: int) -> dict[str, Any]:
    """Put the uploaded files into the store; slow. Answers what their rows will say.

    Whoever may not, or sends too much, is refused before a byte is stored.
    """
    require(Permiso.CREAR_ADJUNTO, actor)
    tickets.shown(actor, id)
    if "id_comentario" in datos:
        comments.shown(actor, id, datos["id_comentario"])
    used = queries.bytes_of_ticket(actor, id)
    db.session.remove()  # No connection is held while files are read and stored.
    archivos = [(content, safe_name(sent)) for content, sent in datos["archivo"]]
    examined = [
        (content, nombre, examine(content, nombre, f"archivo.{place}"))
        for place, (content, nombre) in enumerate(archivos)
    ]
    check_room(used, sum(seen.bytes for _content, _nombre, seen in examined))
    rows = [
        {
            "nombre": nombre,
            "tipo_mime": seen.tipo_mime,
            "bytes": seen.bytes,
            "sha256": seen.sha256,
            "objeto": stored(content),
        }
        for content, nombre, seen in examined
    ]
    return {**datos, "archivo": rows}


def stored(content: BinaryIO) -> str:
    name = new_name()
    store().put(name, content)
    return name


def check_room(used: int, more: int) -> None:
    most = settings().adjuntos_max_mb
    if used + more > most * MB:
        left = max(0, most * MB - used)
        raise Conflict("sin_sitio_en_el_tiquet", max=most, miembros={"bytes_libres": left})


def create(actor: Actor, id_tiquet: int, datos: dict[str, Any]) -> list[int]:
    """Give a ticket, or one of its comments, files that are in the store; answers their ids."""
    tiquet = tickets.find(actor, id_tiquet)
    require(Permiso.CREAR_ADJUNTO, actor, tiquet)
    id_comentario, interno = datos.get("id_comentario"), False
    if id_comentario is not None:
        comentario = comments.find(actor, id_tiquet, id_comentario)
        require(Permiso.EDITAR_COMENTARIO, actor, comentario)
        interno = comentario.es_interno
    more = sum(archivo["bytes"] for archivo in datos["archivo"])
    check_room(queries.bytes_of_ticket(actor, id_tiquet), more)
    now = utcnow()
    about = {"id_tiquet": id_tiquet, "id_comentario": id_comentario, "id_autor": actor.id}
    adjuntos = [Adjuntos(**about, fecha_creacion=now, **archivo) for archivo in datos["archivo"]]
    db.session.add_all(adjuntos)
    for adjunto in adjuntos:
        audit.record("adjunto.creado", actor, adjunto, {}, id_tiquet=id_tiquet)
    count(actor, tiquet, "tiquet.adjuntado", now, len(adjuntos), interno)
    return [adjunto.id for adjunto in adjuntos]


def erase(actor: Actor, id_tiquet: int, id: int, precondicion: Precondicion) -> None:
    """Take a file from its ticket; who did, and what it was, stays in the log."""
    tiquet = tickets.find(actor, id_tiquet)
    adjunto = queries.locked(actor, id_tiquet, id)
    if adjunto is None:
        raise NotFound("adjunto_no_encontrado")
    require(Permiso.ELIMINAR_ADJUNTO, actor, adjunto)
    check_version("adjunto", adjunto, precondicion)
    interno = queries.is_internal(adjunto)
    audit.record_erasure("adjunto.eliminado", actor, adjunto, id_tiquet=id_tiquet)
    count(actor, tiquet, "tiquet.adjunto_eliminado", utcnow(), -1, interno)


def count(actor: Actor, tiquet: Tiquet, accion: str, now: datetime, more: int, interno: bool) -> None:
    left = {"numero_adjuntos": tiquet.numero_adjuntos + more}
    tickets.touch(actor, tiquet, accion, now, left, interno=interno)


def shown(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any]:
    """A file as a client gets it, or 404: the ticket's first, then its own."""
    tickets.shown(actor, id_tiquet)
    found = queries.get(actor, id_tiquet, id)
    if found is None:
        raise NotFound("adjunto_no_encontrado")
    return found


def content(adjunto: dict[str, Any]) -> BinaryIO:
    """The bytes of a file that was ``shown``."""
    return store().open(queries.stored_name(adjunto["id"]))


def sweep() -> int:
    """Let go of bytes that no row has had for a day; answers how many files that were."""
    gone = 0
    for names in store().names(before=utcnow() - ABANDONED):
        if not names:
            continue
        used = transaction.read(lambda names=names: queries.referenced(names))  # type: ignore[misc]
        db.session.remove()
        for name in set(names) - used:
            store().delete(name)
            gone += 1
    return gone
