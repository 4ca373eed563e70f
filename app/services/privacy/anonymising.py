"""Erasing somebody's personal data: what was said becomes one neutral text, what happened stays.

Each thing in a unit of its own, under the lock of its ticket, together with what the log tells of it; who is
stopped in the middle finds what is left by looking for what still says something. What the person is called
goes first, so that nothing that is told from then on names it; its e-mails go last: until then they are
looked for in what others wrote.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from sqlalchemy import delete, or_

from app import transaction
from app.errors import Falla, Invalid, Unavailable
from app.extensions import db
from app.models import (
    Adjuntos,
    Clientes,
    Comentarios,
    Empleados,
    EtiquetaTiquet,
    LogTransaccional,
    Tiquet,
    Vistas,
    utcnow,
)
from app.permissions import SISTEMA, Actor, Permiso, require
from app.queries.people import PERSONAS
from app.queries.privacy import anonymising as queries
from app.queries.privacy import personal
from app.queries.privacy.anonymising import NEUTRO, Llevado, Parte
from app.queries.privacy.personal import Titular
from app.services import people
from app.services.access import sessions, users
from app.services.desk import search
from app.services.log import audit, sequencer, webhooks
from app.services.privacy import identity, kept_answers
from app.services.privacy.identity import APELLIDO, NADIE, NOMBRE
from app.services.privacy.steps import Paso, empty, neutral, without_emails
from app.storage import store

RESERVA = 3.0  # seconds that a request leaves for its last unit of work and its answer
VUELTAS = 3  # through its tickets, on which others may write meanwhile
NUMERACIONES = 20  # that one unit of work waits for


class OutOfTime(Exception):
    """The rest is for another request, or for maintenance."""


def erase(actor: Actor, entidad: str, id: int, confirmar: str, deadline: float) -> bool:
    """Erase a person's data, as many as there is time for; answers whether that was all."""
    begun = transaction.run(lambda: start(actor, entidad, id, confirmar), deadline=deadline)
    return not begun or proceed(actor, entidad, id, deadline)


def start(actor: Actor, entidad: str, id: int, confirmar: str) -> bool:
    """Begin: the person asks for no more tickets, its users sign in no more, and nothing shows their names.

    Answers whether there is a rest. 422 unless who is the first to begin says in ``confirmar`` its e-mail, or
    without one its name.
    """
    persona = people.find(entidad, id)
    require(Permiso.ANONIMIZAR_PERSONA, actor, persona)
    if persona.fecha_anonimizado:
        return False
    if persona.anonimizacion_pedida is None:
        if users.normalize_email(confirmar) != users.normalize_email(called(persona)):
            raise Invalid({"confirmar": [Falla("no_es_esa_persona")]})
        persona.nombre, persona.apellido = NADIE, None
        before = audit.snapshot(persona)  # Only now, for the log is not to tell the name.
        persona.activo, persona.anonimizacion_pedida = False, utcnow()
        audit.record(f"{entidad}.anonimizacion_pedida", actor, persona, before)
    shut_out(actor, personal.titular(entidad, id))
    return True


def called(persona: Clientes | Empleados) -> str:
    return persona.email or " ".join(part for part in (persona.nombre, persona.apellido) if part)


def shut_out(actor: Actor, who: Titular | None) -> None:
    """Let none of its users sign in any more, nor be called anything."""
    for user in queries.locked_users(who) if who else ():
        user.nombre, user.apellido = NOMBRE, APELLIDO
        before = audit.snapshot(user)
        user.activo = False
        changed = db.session.is_modified(user)
        audit.record("usuario.desactivado", actor, user, before, always=changed)
        sessions.end_all(user.id)


def proceed(actor: Actor, entidad: str, id: int, deadline: float | None = None) -> bool:
    """Erase what is left; answers whether that was all, which it is not where ``deadline`` came before."""
    who = transaction.read(lambda: personal.titular(entidad, id))
    if who is None:
        raise people.missing(entidad)
    try:
        Borrado(actor, who, deadline).everything()
    except OutOfTime:
        return False
    return True


def finish_all() -> int:
    """Go on where somebody was stopped; answers how many people that was."""
    done = 0
    for entidad in PERSONAS:
        for id in transaction.read(lambda entidad=entidad: queries.under_way(entidad)):  # type: ignore[misc]
            done += proceed(SISTEMA, entidad, id)
    return done


class Borrado:
    """The erasing of one person, as far as ``deadline`` lets it come."""

    def __init__(self, actor: Actor, who: Titular, deadline: float | None) -> None:
        self.actor, self.who = actor, who
        self.deadline = deadline
        self.freed: list[str] = []  # Under which names the store has bytes that are nobody's now.

    def everything(self) -> None:
        for _ in range(VUELTAS):
            if not self.own_tickets():
                break
        purged = dict(queries.purged(self.who))
        taken = queries.taken_along([*queries.merged(self.who), *purged.items()])
        for id in queries.elsewhere(self.who, taken):
            self.whole(lambda id=id: self.ticket_of_others(id, taken))  # type: ignore[misc]
        for id in purged:
            self.whole(lambda id=id: self.purged(id))  # type: ignore[misc]
        for correo in self.who.correos:
            for id in queries.naming(correo):
                self.whole(lambda id=id, correo=correo: self.ticket_naming(id, correo))  # type: ignore[misc]
        for id in queries.views_naming(self.who.correos):
            self.whole(lambda id=id: self.view(id))  # type: ignore[misc]
        self.answers()
        for ids in queries.showing(self.who):
            self.whole(lambda ids=ids: forget_told(ids))  # type: ignore[misc]
        self.whole(lambda: identity.erase(self.actor, self.who))

    def whole(self, unit: Callable[[], Paso]) -> None:
        """Run ``unit`` until it says that it is done; what lay in the store goes after its commit."""
        numbered = 0
        while True:
            self.check_time()
            self.freed = []
            paso = transaction.run(unit, deadline=self.deadline)
            with suppress(Unavailable):  # What stays has no row any more: ``attachments.sweep`` takes it.
                for name in self.freed:
                    store().delete(name)
            if paso is Paso.HECHO:
                return
            numbered = numbered + 1 if paso is Paso.NUMERAR else 0
            if numbered > NUMERACIONES:
                raise Unavailable("base_de_datos_ocupada")
            if numbered:
                sequencer.number_events(deadline=self.deadline)

    def check_time(self) -> None:
        if self.deadline is not None and monotonic() > self.deadline - RESERVA:
            raise OutOfTime

    def own_tickets(self) -> int:
        """Erase what its tickets say; answers how many said anything."""
        sequencer.number_events(deadline=self.deadline)
        count = 0
        for id in queries.telling_tickets(self.who):
            self.whole(lambda id=id: self.ticket(id))  # type: ignore[misc]
            count += 1
        return count

    # Units of work

    def ticket(self, id: int) -> Paso:
        """One of its tickets: all texts, whoever wrote them, and all files."""
        webhooks.forget_ticket([id])
        tiquet = queries.own_ticket(self.who, id)
        if tiquet is None:
            return Paso.HECHO  # Purged, or somebody else's now.
        if queries.has_unnumbered(LogTransaccional.id_tiquet == id):
            return Paso.NUMERAR
        comentarios, adjuntos = queries.said(id), queries.files(id)
        left = self.erase_texts(comentarios, adjuntos) | empty(queries.of_ticket(id))
        if left:
            return Paso.MAS
        gone = tiquet.numero_adjuntos
        tiquet.titulo = tiquet.descripcion = NEUTRO
        tiquet.resolucion = tiquet.resolucion and NEUTRO
        tiquet.telefono_contacto = tiquet.origen_externo = tiquet.id_externo = None
        tiquet.etiquetas = []
        tiquet.numero_adjuntos = 0
        db.session.execute(delete(EtiquetaTiquet).where(EtiquetaTiquet.id_tiquet == id))
        self.tell_ticket(tiquet, gone)
        return Paso.HECHO

    def tell_ticket(self, tiquet: Tiquet, files: int) -> None:
        """A ticket shows something else from now on, and its texts are no news."""
        tiquet.fecha_actualizacion = utcnow()
        db.session.flush()
        about: dict[str, Any] = {
            "id_entidad": tiquet.id,
            "id_tiquet": tiquet.id,
            "version_resultante": tiquet.version,
        }
        counted = audit.differences({"numero_adjuntos": files}, {"numero_adjuntos": tiquet.numero_adjuntos})
        audit.append("tiquet.anonimizado", self.actor, cambios=counted, **about)
        search.index(tiquet)

    def erase_texts(self, comentarios: list[Comentarios], adjuntos: list[Adjuntos]) -> bool:
        """Erase these of a locked ticket, also from the log; answers whether there may be more."""
        for comentario in comentarios:
            comentario.mensaje = NEUTRO
            self.tell_comment(comentario)
        for adjunto in adjuntos:
            self.freed.append(adjunto.objeto)
            about: dict[str, Any] = {"id_entidad": adjunto.id, "version_resultante": adjunto.version + 1}
            db.session.delete(adjunto)
            audit.append("adjunto.eliminado", self.actor, id_tiquet=adjunto.id_tiquet, **about)
        # Merged ones have events of another ticket, too.
        left = empty(
            queries.about("comentario", [one.id for one in comentarios]),
            queries.about("adjunto", [one.id for one in adjuntos]),
        )
        return left or queries.BATCH in (len(comentarios), len(adjuntos))

    def tell_comment(self, comentario: Comentarios) -> None:
        db.session.flush()
        about: dict[str, Any] = {"id_entidad": comentario.id, "version_resultante": comentario.version}
        audit.append("comentario.anonimizado", self.actor, id_tiquet=comentario.id_tiquet, **about)

    def ticket_of_others(self, id: int, taken: Llevado) -> Paso:
        """What its users wrote on somebody else's ticket, or its own took along there.

        With what the log still tells of what is gone.
        """
        webhooks.forget_ticket([id])
        tiquet = queries.locked_ticket(id)
        if queries.has_unnumbered(LogTransaccional.id_tiquet == id):
            return Paso.NUMERAR
        written = {
            entidad: queries.written_in(self.who, entidad, model, id).union(taken[entidad])
            for entidad, model in queries.ESCRITOS.items()
        }
        if tiquet is None:
            return self.log_of(*(queries.about(entidad, ids) for entidad, ids in written.items()))
        along = {entidad: model.id.in_(taken[entidad]) for entidad, model in queries.ESCRITOS.items()}
        comentarios = queries.said(id, or_(personal.words_of(self.who), along["comentario"]))
        adjuntos = queries.files(id, or_(personal.files_of(self.who), along["adjunto"]))
        left = self.erase_texts(comentarios, adjuntos)
        left |= empty(*(queries.about(entidad, ids) for entidad, ids in written.items()))
        if comentarios or adjuntos:
            before = tiquet.numero_adjuntos
            tiquet.numero_adjuntos -= len(adjuntos)
            self.tell_ticket(tiquet, before)
        return Paso.MAS if left else Paso.HECHO

    def ticket_naming(self, id: int, correo: str) -> Paso:
        """Somebody else's ticket that holds an e-mail: that alone is replaced, and emptied from the log."""
        webhooks.forget_ticket([id])
        tiquet = queries.locked_ticket(id)
        if tiquet is None:
            return Paso.HECHO
        if queries.has_unnumbered(LogTransaccional.id_tiquet == id):
            return Paso.NUMERAR
        found = queries.pattern(correo)
        comentarios = [
            one
            for one in queries.said(id, Comentarios.mensaje.icontains(correo, autoescape=True))
            if found.search(one.mensaje)
        ]
        for comentario in comentarios:
            comentario.mensaje = found.sub(NEUTRO, comentario.mensaje)
            self.tell_comment(comentario)
        left = empty(queries.of_ticket_naming(id, correo)) or len(comentarios) == queries.BATCH
        before = {name: getattr(tiquet, name) for name in ("titulo", "descripcion", "resolucion")}
        after = {name: text and found.sub(NEUTRO, text) for name, text in before.items()}
        if comentarios or before != after:
            tiquet.titulo = (after["titulo"] or "")[:200]
            tiquet.descripcion, tiquet.resolucion = after["descripcion"] or "", after["resolucion"]
            self.tell_ticket(tiquet, tiquet.numero_adjuntos)
        return Paso.MAS if left else Paso.HECHO

    def purged(self, id: int) -> Paso:
        webhooks.forget_ticket([id])
        return self.log_of(queries.of_ticket(id))

    def log_of(self, *partes: Parte) -> Paso:
        """What only the log tells any more."""
        return Paso.MAS if empty(*partes) else Paso.HECHO

    def view(self, id: int) -> Paso:
        """Somebody's view that holds one of its e-mails."""
        vista = db.session.get(Vistas, id, with_for_update=True)
        if vista is None:
            return Paso.HECHO
        events = queries.about("vista", [id])
        if queries.has_unnumbered(events.where):
            return Paso.NUMERAR
        if empty(events):
            return Paso.MAS
        nombre = without_emails(vista.nombre, self.who.correos)
        if nombre != vista.nombre:
            vista.nombre = f"{nombre[:100]} {id}"  # One's views have different names.
        vista.filtros = neutral(vista.filtros, self.who.correos)
        db.session.flush()
        audit.append("vista.anonimizado", self.actor, id_entidad=id, version_resultante=vista.version)
        return Paso.HECHO

    def answers(self) -> None:
        """Answers that are kept for a repetition and show the person, its users or its tickets."""
        for rows in queries.answers():
            self.check_time()
            shown = [(row, kept_answers.dict_of(row["cuerpo"])) for row in rows]
            tickets = {id for _, body in shown for id in kept_answers.tickets_in(body)}
            own = transaction.read(lambda tickets=tickets: queries.owned_among(self.who, tickets))  # type: ignore[misc]
            due = [
                (row["id_usuario"], row["clave"])
                for row, body in shown
                if kept_answers.shows(row, body, self.who, own)
            ]
            if due:
                self.whole(lambda due=due: kept_answers.forget(due))  # type: ignore[misc]


def forget_told(tickets: list[int]) -> Paso:
    """What webhooks were, or are to be, told of tickets while these showed names."""
    webhooks.forget_ticket(tickets)
    return Paso.HECHO
