"""Whom to tell by mail of what happened: the numbered log is read on, and becomes mail that waits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update

from app import database, transaction
from app.extensions import db, settings
from app.models import AVISOS, SOLICITANTE, Correos, Lectura, utcnow
from app.permissions import PERSONAL
from app.queries import mail as queries
from app.queries.log import feed
from app.services.desk.lifecycle import SIN_RESOLVER
from app.services.desk.mentions import MAX, mentioned

LECTOR = "correo"
BATCH = 200  # events that are told in one unit of work
NOVEDAD = timedelta(hours=24)  # that something is news: older events are told nobody, nor is mail sent later
ACCIONES = ("tiquet.creado", "tiquet.actualizado", "comentario.creado", "comentario.actualizado")

Cambios = dict[str, dict[str, Any]]  # field -> {"anterior", "nuevo"}
Candidato = tuple[str, "Destino"]  # a kind of mail, and who may get it


@dataclass(frozen=True)
class Destino:
    """Somebody who may get mail: a user, or a customer or an employee without an account."""

    campo: str  # the column that names it
    id: int
    direccion: str
    rechaza: frozenset[str] = frozenset()  # kinds of mail that it does not want
    es_personal: bool = False


def read_on() -> int:
    """Make the mail of the next events; answers how many numbers of the log were passed."""
    if not transaction.read(lambda: queries.is_behind(LECTOR)):
        return 0
    return transaction.run(unit)


def unit() -> int:
    """One batch: the mail is written and the place moved on together. Whoever begins, does so at the end."""
    end = feed.ends()
    db.session.execute(
        database.insert_missing(db.session.get_bind(), Lectura, nombre=LECTOR, secuencia=end.ultima)
    )
    reader = queries.locked_reader(LECTOR)
    seen = reader.secuencia
    start = max(seen, end.purgado) if seen <= end.ultima else end.ultima  # or the log is of an older copy
    hasta = min(start + queries.VENTANA, end.ultima)
    events = queries.events(ACCIONES, start, hasta, BATCH)
    if len(events) == BATCH:
        hasta = events[-1].secuencia
    if settings().sends_mail and (rows := mail_of(events)):
        db.session.execute(insert(Correos), rows)
    moved: Any = db.session.execute(
        update(Lectura).where(Lectura.nombre == LECTOR, Lectura.secuencia == seen).values(secuencia=hasta)
    )
    if moved.rowcount != 1:
        raise transaction.TryAgain  # The nodes of a cluster do not see each other's locks.
    passed: int = abs(hasta - seen)
    return passed


def mail_of(events: Any) -> list[dict[str, Any]]:
    """The rows of all mail about these events: to each address one about each of them."""
    now = utcnow()
    fresh = [event for event in events if event.fecha > now - NOVEDAD]
    book = AddressBook(fresh)
    rows = []
    for event in fresh:
        for direccion, (tipo, destino) in chosen(event, candidates(event, book)).items():
            who = dict.fromkeys(("id_usuario", *queries.PERSONAS)) | {destino.campo: destino.id}
            about = {"id_tiquet": event.id_tiquet, "id_comentario": comment_of(event)}
            due = {"proximo": now, "vence": event.fecha + NOVEDAD, "fecha_creacion": now}
            rows.append(
                {"id_evento": event.id_evento, "tipo": tipo, "direccion": direccion, **who, **about, **due}
            )
    return rows


def comment_of(event: Any) -> int | None:
    return event.id_entidad if event.accion.startswith("comentario.") else None


def chosen(event: Any, found: Iterator[Candidato]) -> dict[str, Candidato]:
    """Address -> what it gets: the first kind that concerns it and that it wants. Who did it gets nothing."""
    by_address: dict[str, Candidato] = {}
    for tipo, destino in sorted(found, key=lambda candidate: AVISOS.index(candidate[0])):
        # What the desk does by itself, it does in nobody's name, whoever's id it bears.
        by_user = destino.campo == "id_usuario" and event.tipo_actor != "sistema"
        did_it = by_user and destino.id == event.id_usuario
        # Whoever opens a ticket for itself is told that it was received.
        if tipo not in destino.rechaza and (not did_it or tipo == "nuevo"):
            by_address.setdefault(destino.direccion, (tipo, destino))
    return by_address


class AddressBook:
    """The people in the tickets of some events, read at once."""

    def __init__(self, events: list[Any]) -> None:
        ids = {event.id_tiquet for event in events} - {None}
        self.tickets = queries.tickets(ids)
        self.following = queries.followers(ids)
        self.comments = queries.comments_of({id for event in events if (id := comment_of(event))})
        self.called = {event.id_evento: called(event) for event in events}
        tickets = list(self.tickets.values())
        named = {campo: {getattr(t, campo) for t in tickets} - {None} for campo in queries.PERSONAS}
        self.people = {campo: queries.people(campo, ids) for campo, ids in named.items()}
        users = {id for t in tickets for id in (t.id_usuario_creador, t.id_usuario_asignado)} - {None}
        users |= {id for followers in self.following.values() for id in followers}
        emails = {email for found in self.called.values() for email in found}
        emails |= {p.email for people in self.people.values() for p in people.values() if p.email}
        self.accounts = queries.accounts_for(users, emails, named["id_cliente"], named["id_empleado"])
        self.by_id = {account.id: destino_of(account) for account in self.accounts}
        self.by_email = {account.email: self.by_id[account.id] for account in self.accounts}

    def user(self, id: int | None) -> list[Destino]:
        return [self.by_id[id]] if id in self.by_id else []

    def staff(self, ids: Sequence[int | None]) -> list[Destino]:
        return [destino for id in ids for destino in self.user(id) if destino.es_personal]

    def requesters(self, ticket: Any) -> list[Destino]:
        """Who asked: the Solicitante that opened it; or whom it was opened for, by e-mail or by account."""
        creator = next((a for a in self.accounts if a.id == ticket.id_usuario_creador), None)
        if creator and creator.tipo_usuario == SOLICITANTE:
            return [self.by_id[creator.id]]
        for campo, people in self.people.items():
            person = people.get(getattr(ticket, campo))
            if person and person.email:
                return [self.by_email.get(person.email) or Destino(campo, person.id, person.email)]
            if person:
                return [self.by_id[a.id] for a in self.accounts if getattr(a, campo) == person.id]
        return []


def destino_of(account: Any) -> Destino:
    wants = account.preferencias.get("correo", {})
    # What is there may be older than the rule about its form.
    refused = {tipo for tipo in AVISOS if isinstance(wants, dict) and wants.get(tipo) is False}
    return Destino(
        "id_usuario", account.id, account.email, frozenset(refused), account.tipo_usuario in PERSONAL
    )


def called(event: Any) -> list[str]:
    """The e-mails that a comment calls, or calls since it was changed."""
    said = changes_of(event).get("mensaje") if event.accion.startswith("comentario.") else None
    if said is None:
        return []
    before = set(mentioned(said["anterior"] or ""))
    return [email for email in mentioned(said["nuevo"] or "")[:MAX] if email not in before]


def changes_of(event: Any) -> Cambios:
    return {change["campo"]: change for change in event.cambios}


def candidates(event: Any, book: AddressBook) -> Iterator[Candidato]:
    """Who may be told of an event, and as what; the same person may come several times."""
    ticket = book.tickets.get(event.id_tiquet)
    if ticket is None:
        return
    kinds = COMMENTS if event.accion.startswith("comentario.") else TICKETS
    yield from kinds(event, book, ticket)


def of_ticket(event: Any, book: AddressBook, ticket: Any) -> Iterator[Candidato]:
    new = {campo: change["nuevo"] for campo, change in changes_of(event).items()}
    requesters, following = book.requesters(ticket), book.staff(book.following.get(ticket.id, []))
    if event.accion == "tiquet.creado":
        yield from (("nuevo", destino) for destino in requesters)
    yield from (("asignacion", destino) for destino in book.staff([new.get("id_usuario_asignado")]))
    # What is resolved by and by closes by itself, which is no news.
    if new.get("fecha_resolucion") or new.get("motivo_cierre") in SIN_RESOLVER:
        people = [*requesters, *book.staff([ticket.id_usuario_asignado]), *following]
        yield from (("resolucion", destino) for destino in people)


def of_comment(event: Any, book: AddressBook, ticket: Any) -> Iterator[Candidato]:
    comment = book.comments.get(event.id_entidad)
    if comment is None:
        return
    for email in book.called[event.id_evento]:
        if (destino := book.by_email.get(email)) and destino.es_personal:
            yield "mencion", destino
    if event.accion == "comentario.creado":
        people = book.staff([ticket.id_usuario_asignado, *book.following.get(ticket.id, [])])
        if not (comment.es_interno or said_by_mail(event)):
            people += book.requesters(ticket)
        yield from (("comentario", destino) for destino in people)


def said_by_mail(event: Any) -> bool:
    """Whether somebody without an account wrote it, who can only have asked: it was taken in by the desk."""
    return bool(event.tipo_actor == "sistema" and event.origen == "correo")


TICKETS, COMMENTS = of_ticket, of_comment
