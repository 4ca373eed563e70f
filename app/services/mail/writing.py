"""What a mail about a ticket says to one person: what that person sees of it at this moment."""

from typing import Any

from app.extensions import settings
from app.models import SOLICITANTE
from app.permissions import PERSONAL, Actor
from app.queries import mail as queries
from app.queries.desk import tickets
from app.services.mail import threads
from app.services.mail.letters import Carta
from app.services.mail.texts import DATOS, ENLACES, PARRAFOS, PIES, TITULOS, said

CITA = 4_000  # characters of a text; the rest is where the link leads


def letter(correo: Any) -> Carta | None:
    """The mail, or None when it is no news any more or that person may not see the ticket."""
    reader = reader_of(correo)
    if reader is None:
        return None
    actor, nombre, idioma, direccion = reader
    comment = None
    id_tiquet = correo.id_tiquet
    if correo.id_comentario is not None:
        comment = queries.comment_for(actor, correo.id_comentario)
        if comment is None:
            return None
        id_tiquet = comment["id_tiquet"]  # Merging may have moved it.
    ticket = tickets.get(actor, id_tiquet)
    if ticket is None or not is_news(correo.tipo, ticket, actor):
        return None
    kind = kind_of(correo.tipo, ticket, comment)
    autor = comment["autor"]["nombre"] if comment and comment["autor"] else "SoportePlus"
    parrafos = [PARRAFOS[kind]] if kind in PARRAFOS else []
    despues = [PARRAFOS["responder"]] if settings().correo_entrante else []
    return Carta(
        direccion=direccion,
        nombre=nombre,
        idioma=idioma,
        asunto=threads.subject(ticket["id"], ticket["titulo"]),
        titulo=said(TITULOS[kind], idioma, autor=autor),
        parrafos=[said(parrafo, idioma, numero=ticket["numero"]) for parrafo in parrafos],
        datos=facts(ticket, idioma),
        cita=quoted(kind, ticket, comment),
        enlace=link(ticket["id"], idioma),
        despues=[said(parrafo, idioma) for parrafo in despues],
        pie=said(PIES[footer(actor)], idioma),
        hilo=(ticket["id"], correo.id_evento),
    )


def reader_of(correo: Any) -> tuple[Actor, str, str, str] | None:
    """Who reads it, as an actor, with name, language and present address; None when that one is gone."""
    if correo.id_usuario is not None:
        user = queries.account(correo.id_usuario)
        if user is None:
            return None
        of = {"id_cliente": user.id_cliente, "id_empleado": user.id_empleado}
        return Actor(user.id, user.tipo_usuario, **of), full_name(user), user.idioma, user.email
    campo = next(campo for campo in queries.PERSONAS if getattr(correo, campo) is not None)
    id = getattr(correo, campo)
    person = queries.people(campo, [id]).get(id)
    if person is None or not person.email:
        return None
    return Actor(None, SOLICITANTE, **{campo: id}), full_name(person), "es", person.email


def full_name(person: Any) -> str:
    return " ".join(part for part in (person.nombre, person.apellido) if part)


def is_news(tipo: str, ticket: dict[str, Any], actor: Actor) -> bool:
    """Whether it is still so: one who has passed the ticket on is not told that it is theirs."""
    if tipo == "asignacion":
        return bool(ticket["id_usuario_asignado"] == actor.id)
    if tipo == "resolucion":
        return bool(ticket["fecha_resolucion"] or ticket["fecha_cierre"])
    return True


def kind_of(tipo: str, ticket: dict[str, Any], comment: dict[str, Any] | None) -> str:
    """Which of the texts it is."""
    if tipo == "resolucion" and not ticket["fecha_resolucion"]:
        return "cancelado"
    return "interno" if tipo == "comentario" and comment and comment["es_interno"] else tipo


def quoted(kind: str, ticket: dict[str, Any], comment: dict[str, Any] | None) -> str:
    if comment:
        text = comment["mensaje"]
    else:
        text = ticket["resolucion" if kind in ("resolucion", "cancelado") else "descripcion"] or ""
    return text if len(text) <= CITA else f"{text[:CITA]}…"


def facts(ticket: dict[str, Any], idioma: str) -> list[tuple[str, str]]:
    known = {
        "numero": f"{ticket['numero']} · {ticket['titulo']}",
        **{name: ticket[name]["nombre"] for name in ("estado", "prioridad", "categoria")},
    }
    return [(said(DATOS[name], idioma), value) for name, value in known.items()]


def link(id_tiquet: int, idioma: str) -> dict[str, str] | None:
    site = settings().url_publica
    return {"texto": said(ENLACES["tiquet"], idioma), "url": f"{site}/tickets/{id_tiquet}"} if site else None


def footer(actor: Actor) -> str:
    if actor.tipo_usuario in PERSONAL:
        return "personal"
    return "cuenta" if actor.id is not None else "persona"
