"""A mail becomes a ticket, or a comment of the one that it answers; each once, however often it comes.

Whom a mail is from is what its ``From`` says: the server that took it in has to have checked that. A number
in a subject tells which conversation is meant, never that somebody may join it: they may who asked for the
ticket, and staff that answers a mail it was sent. Whoever else writes opens a ticket of its own.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parseaddr
from io import BytesIO
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from app.errors import Invalid, TooLarge, UnsupportedMediaType
from app.extensions import db, settings
from app.models import RELACIONADO, SOLICITANTE, CorreoRecibido, Tiquet, Usuario, utcnow
from app.permissions import Actor, Permiso, require
from app.queries import incoming as queries
from app.queries.catalog import all_catalogs
from app.queries.desk import attachments as files_kept
from app.queries.desk import tickets as ticket_queries
from app.services import locks, people
from app.services.access.users import normalize_email
from app.services.desk import attachments, comments, lifecycle, relations, tickets, transitions
from app.services.desk.files import MB, examine, safe_name
from app.services.mail import reading, threads, wording
from app.services.mail.reading import Archivo, Mensaje
from app.transaction import TryAgain
from app.transitions import CERRADO, FUSIONADO, can_still_reopen

MAX_MENSAJE = 10_000
MAX_ARCHIVOS = 25
MAX_REFERENCIAS = 20
MAX_FUSIONES = 5  # that are followed from a ticket to where it goes on
REMITENTES = "remitentes"
HORA = timedelta(hours=1)
TEXTO_ENTERO = "mensaje.txt"
SIN_TEXTO, SIN_ASUNTO = "(sin texto)", "(sin asunto)"
SIGUE = f"\n\n[El texto sigue en el adjunto {TEXTO_ENTERO}]"
EVENT = re.compile(r"<tiquet-(\d{1,10})\.([A-Za-z0-9-]{1,40})@([^<>@\s]{1,255})>", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Correo:
    """A mail that was read, whose files are in the store."""

    mensaje: Mensaje  # without the content of its files
    texto: str  # what its sender adds
    archivos: list[dict[str, Any]]  # what their rows will say
    entero: dict[str, Any] | None  # the same for a file with all of the text, where ``texto`` is not all
    omitidos: list[dict[str, str]]
    conocido: bool  # Whether anybody has the sender's address.

    @property
    def cortado(self) -> bool:
        return self.texto.endswith(SIGUE)


def prepare(receptor: Actor, datos: dict[str, Any]) -> dict[str, Any]:
    """Read a mail and put its files into the store; slow. What comes again is not stored again."""
    require(Permiso.RECIBIR_CORREO, receptor)
    return {"correo": prepared(datos["mensaje"])}


def prepared(raw: bytes) -> Correo:
    check_size(len(raw))
    mensaje = reading.read(raw)
    vain = queries.received(mensaje.huella) is not None or reason_of(mensaje) is not None
    known = queries.user(mensaje.remitente) is not None or bool(queries.persons(mensaje.remitente))
    db.session.remove()  # No connection is held while files are stored.
    texto = wording.own(mensaje.texto, mensaje.asunto) or SIN_TEXTO
    rows: list[dict[str, Any]] = []
    omitidos: list[dict[str, str]] = []
    for place, archivo in enumerate(() if vain else mensaje.archivos):
        nombre = safe_name(archivo.nombre)
        motivo = "demasiados_archivos" if place >= MAX_ARCHIVOS else keep(archivo, nombre, rows)
        if motivo:
            omitidos.append({"nombre": nombre, "motivo": motivo})
    whole: list[dict[str, Any]] = []
    if not vain and (len(texto) > MAX_MENSAJE or len(texto) < len(mensaje.texto)):
        keep(Archivo(TEXTO_ENTERO, mensaje.texto.encode()), TEXTO_ENTERO, whole)
    if len(texto) > MAX_MENSAJE:
        texto = texto[: MAX_MENSAJE - len(SIGUE)] + SIGUE
    return Correo(
        replace(mensaje, archivos=(), texto=""), texto, rows, next(iter(whole), None), omitidos, known
    )


def check_size(size: int) -> None:
    most = settings().correo_max_mb
    if size > most * MB:
        raise TooLarge(max=most * MB)


def keep(archivo: Archivo, nombre: str, rows: list[dict[str, Any]]) -> str | None:
    """Store a file and add what its row will say; or why it is not taken."""
    content = BytesIO(archivo.contenido)
    try:
        seen = examine(content, nombre, "archivo")
    except Invalid:
        return "archivo_vacio"
    except (TooLarge, UnsupportedMediaType) as error:
        return error.codigo
    known = {"tipo_mime": seen.tipo_mime, "bytes": seen.bytes, "sha256": seen.sha256}
    rows.append({"nombre": nombre, **known, "objeto": attachments.stored(content)})
    return None


def receive(receptor: Actor, correo: Correo) -> dict[str, Any]:
    """Make of a mail what it is to be, and answer that; the same again, marked, when it came before."""
    require(Permiso.RECIBIR_CORREO, receptor)
    if not claim(correo.mensaje):
        return repeated(correo.mensaje)
    answer = taken_in(replace(receptor, alcances=None), correo)
    mine = update(CorreoRecibido).where(CorreoRecibido.huella == correo.mensaje.huella)
    db.session.execute(mine.values(id_tiquet=answer["id_tiquet"], respuesta=answer))
    return answer


def claim(mensaje: Mensaje) -> bool:
    """Write the mail's row, first in the unit of work; False when it is there already."""
    row = {"huella": mensaje.huella, "remitente": digest(mensaje.remitente), "fecha": utcnow()}
    try:
        db.session.execute(insert(CorreoRecibido).values(**row))
    except IntegrityError:
        db.session.rollback()  # A new transaction: the snapshot of this one may not show the twin.
        return False
    return True


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def repeated(mensaje: Mensaje) -> dict[str, Any]:
    row = queries.received(mensaje.huella)
    if row is None or row.respuesta is None:
        raise TryAgain  # The twin was rolled back meanwhile.
    return {**row.respuesta, "repetido": True}


def taken_in(receptor: Actor, correo: Correo) -> dict[str, Any]:
    mensaje = correo.mensaje
    if not correo.conocido:
        locks.hold(REMITENTES)  # Of two first mails of somebody, one makes the customer.
    motivo = reason_of(mensaje)
    if motivo is None and is_flood(mensaje):
        motivo = "demasiados_correos"
    actors = [] if motivo else senders(receptor, mensaje)
    if actors is None:
        motivo = "remitente_inactivo"
    elif not actors and motivo is None:
        if settings().correo_desconocidos == "rechazar":
            motivo = "remitente_desconocido"
        else:
            actors = [customer(receptor, mensaje)]
    if motivo or not actors:
        return answer("ignorado", motivo=motivo)
    return filed(receptor, actors, correo)


def reason_of(mensaje: Mensaje) -> str | None:
    """Why a mail is nothing for the desk: it says so itself, or it is one of ours that comes back."""
    if mensaje.motivo:
        return mensaje.motivo
    ours = {
        normalize_email(parseaddr(text)[1]) for text in (settings().correo_de, settings().correo_entrante)
    }
    marked = threads.ticket_of_references(f"<{mensaje.id}>", domain()) is not None
    return "bucle" if marked or mensaje.remitente in ours else None


def domain() -> str:
    return threads.domain_of(settings().correo_de)


def is_flood(mensaje: Mensaje) -> bool:
    """Whether this one, which is counted, is one too many: a robot that answers us, or is broken."""
    return queries.count_since(digest(mensaje.remitente), utcnow() - HORA) > settings().correo_max_por_hora


def senders(receptor: Actor, mensaje: Mensaje) -> list[Actor] | None:
    """As whom the sender may act, the likeliest first; None when all that bears the address is inactive."""
    found = []
    user = queries.user(mensaje.remitente)
    if user is not None and user.activo:
        found.append(as_user(receptor, user))
    persons = queries.persons(mensaje.remitente)
    if user is None or user.activo:  # Whoever may no longer sign in does not come in by the back door.
        found += [for_person(receptor, entidad, one.id) for entidad, one in persons if one.activo]
    return found if found or not (user or persons) else None


def as_user(receptor: Actor, user: Usuario) -> Actor:
    return Actor(
        id=user.id,
        tipo_usuario=user.tipo_usuario,
        origen="correo",
        id_solicitud=receptor.id_solicitud,
        ip=receptor.ip,
        id_cliente=user.id_cliente,
        id_empleado=user.id_empleado,
    )


def for_person(receptor: Actor, entidad: str, id: int) -> Actor:
    """Who writes down what a customer or an employee says: the desk, not the one whose id it has to bear."""
    own: dict[str, Any] = {f"id_{entidad}": id}
    as_desk: dict[str, Any] = {"tipo": "sistema", "origen": "correo", "tipo_usuario": SOLICITANTE}
    return replace(receptor, **as_desk, **own, de_parte=True)


def customer(receptor: Actor, mensaje: Mensaje) -> Actor:
    """A new customer who writes for the first time."""
    datos = {"nombre": mensaje.nombre, "email": mensaje.remitente}
    return for_person(receptor, "cliente", people.create(receptor, "cliente", datos))


def filed(receptor: Actor, actors: list[Actor], correo: Correo) -> dict[str, Any]:
    """Add the mail to the conversation that it goes on with, or open a new one, beside one that is over."""
    over = None
    for id in named(correo.mensaje):
        for actor in actors:
            tiquet = joined(actor, id, correo.mensaje)
            if tiquet is None:
                continue
            if is_open_to(actor, tiquet):
                return commented(actor, tiquet, correo)
            over = over or tiquet.id
    made = opened(actors[0], correo)
    if over:
        relations.create(receptor, made["id_tiquet"], {"tipo": RELACIONADO, "id_tiquet": over})
    return made


def named(mensaje: Mensaje) -> list[int]:
    """The tickets that a mail may be about: by our marks, by mails that came before, by its subject."""
    ids = [threads.ticket_of_references(mensaje.referencias, domain())]
    references = reading.ID.findall(mensaje.referencias)[-MAX_REFERENCIAS:]
    ids += queries.tickets_of([digest(id) for id in references]) if references else []
    ids.append(threads.ticket_of_subject(mensaje.asunto))
    return list(dict.fromkeys(id for id in ids if id))


def joined(actor: Actor, id: int, mensaje: Mensaje) -> Tiquet | None:
    """The ticket, or where it went on when it was merged, if this actor may write into it by mail."""
    if actor.es_personal and not was_told(id, mensaje):
        return None
    for _ in range(MAX_FUSIONES):
        tiquet = ticket_queries.locked(actor, id)
        if tiquet is None or tiquet.motivo_cierre != FUSIONADO:
            return tiquet
        target = tiquet.id_tiquet_fusionado
        if target is None or ticket_queries.get(actor, target) is None:
            return tiquet
        id = target
    return tiquet


def was_told(id: int, mensaje: Mensaje) -> bool:
    """Whether a mail answers one that we sent about this ticket: its mark holds what nobody can guess."""
    marks = [(int(number), event) for number, event, _ in EVENT.findall(mensaje.referencias)]
    return any(number == id and queries.told_of(id, event) for number, event in marks[-MAX_REFERENCIAS:])


def is_open_to(actor: Actor, tiquet: Tiquet) -> bool:
    """Whether a ticket can go on; who asked for one that is closed reopens it by writing, for some days."""
    if actor.es_personal or lifecycle.tipo_of(tiquet, all_catalogs(actor)) != CERRADO:
        return True
    if tiquet.motivo_cierre == FUSIONADO or not can_still_reopen(
        tiquet.fecha_cierre, settings().dias_reapertura
    ):
        return False
    transitions.transition(actor, tiquet.id, {"accion": "reabrir"})
    return True


def commented(actor: Actor, tiquet: Tiquet, correo: Correo) -> dict[str, Any]:
    rows = [*correo.archivos, *([correo.entero] if correo.entero and correo.cortado else [])]
    room = files_kept.bytes_of_ticket(actor, tiquet.id)
    rows, omitidos = fitting(rows, room, correo.omitidos)
    mensaje = told(correo.texto, omitidos)
    id = comments.create(actor, tiquet.id, {"mensaje": mensaje, "es_interno": False})
    if rows:
        attachments.create(actor, tiquet.id, {"archivo": rows, "id_comentario": id})
    return answer("comentario_agregado", tiquet.id, id, len(rows), omitidos)


def opened(actor: Actor, correo: Correo) -> dict[str, Any]:
    """A new ticket. All of its text is kept beside it: what it quotes is nowhere else."""
    catalogos = all_catalogs(actor)
    rows, omitidos = fitting(
        [*correo.archivos, *([correo.entero] if correo.entero else [])], 0, correo.omitidos
    )
    defaults = {"id_categoria": "categorias", "id_criticidad": "criticidades", "id_ubicacion": "ubicaciones"}
    datos = {
        "titulo": title(correo.mensaje.asunto),
        "descripcion": told(correo.texto, omitidos),
        "canal": "correo",
        **{campo: catalogos.default(name)["id"] for campo, name in defaults.items()},
    }
    id = tickets.create(actor, datos)
    if rows:
        attachments.create(actor, id, {"archivo": rows})
    return answer("tiquet_creado", id, None, len(rows), omitidos)


def title(subject: str) -> str:
    """A subject as a title, which has from 3 to 200 characters."""
    found = wording.title(threads.SUBJECT.sub("", wording.title(subject)))[:200].strip() or SIN_ASUNTO
    return found if len(found) > 2 else f"Correo: {found}"


def fitting(
    rows: list[dict[str, Any]], used: int, omitidos: list[dict[str, str]]
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Those files for which a ticket has room, and those that are left out."""
    kept, left_out, room = [], list(omitidos), settings().adjuntos_max_mb * MB - used
    for row in rows:
        if row["bytes"] <= room:
            room -= row["bytes"]
            kept.append(row)
        else:
            left_out.append({"nombre": row["nombre"], "motivo": "sin_sitio_en_el_tiquet"})
    return kept, left_out


def told(texto: str, omitidos: list[dict[str, str]]) -> str:
    """The text, and which files did not come with it."""
    if not omitidos:
        return texto
    names = ", ".join(one["nombre"] for one in omitidos)
    note = f"\n\n[No se guardaron estos adjuntos: {names[:1000]}]"
    return texto[: MAX_MENSAJE - len(note)] + note


def answer(
    resultado: str,
    id_tiquet: int | None = None,
    id_comentario: int | None = None,
    adjuntos: int = 0,
    omitidos: list[dict[str, str]] | None = None,
    motivo: str | None = None,
) -> dict[str, Any]:
    return {
        "resultado": resultado,
        "motivo": motivo,
        "repetido": False,
        "id_tiquet": id_tiquet,
        "numero": ticket_queries.numero(id_tiquet) if id_tiquet else None,
        "id_comentario": id_comentario,
        "adjuntos": adjuntos,
        "omitidos": omitidos or [],
    }
