"""How mail is made of what it says: headers, a text and the same as HTML."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.extensions import settings
from app.models import utcnow
from app.services.mail import threads

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "correo"


@dataclass(frozen=True, kw_only=True)
class Carta:
    """What a mail says, to whom and in which language, in words that are ready."""

    direccion: str
    nombre: str
    idioma: str
    asunto: str
    titulo: str
    pie: str
    parrafos: list[str] = field(default_factory=list)
    datos: list[tuple[str, str]] = field(default_factory=list)
    cita: str = ""
    enlace: dict[str, str] | None = None  # texto, url
    codigo: dict[str, str] | None = None  # texto, valor
    despues: list[str] = field(default_factory=list)
    hilo: tuple[int, str] | None = None  # the ticket and the event that it is about


@cache
def environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def message(carta: Carta) -> EmailMessage:
    """A mail as it is handed over. No value can begin another header: the library refuses line breaks."""
    own, domain = settings(), threads.domain_of(settings().correo_de)
    mail = EmailMessage()
    mail["From"] = own.correo_de
    mail["To"] = recipient(carta.nombre, carta.direccion)
    mail["Subject"] = " ".join(carta.asunto.split())
    mail["Date"] = format_datetime(utcnow().replace(tzinfo=UTC))
    if carta.hilo:
        thread = threads.thread_id(carta.hilo[0], domain)
        mail["Message-ID"] = threads.message_id(*carta.hilo, domain)
        mail["In-Reply-To"], mail["References"] = thread, thread
    else:
        mail["Message-ID"] = make_msgid(domain=domain)
    if own.correo_entrante and carta.hilo:
        mail["Reply-To"] = own.correo_entrante
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    said = vars(carta)
    mail.set_content(environment().get_template("carta.txt").render(said), cte="quoted-printable")
    html = environment().get_template("carta.html").render(said)
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = carta.idioma  # Before, it would be taken for the first part's.
    return mail


def recipient(nombre: str, direccion: str) -> Address:
    """Whom it is for; a domain that is not in ASCII goes as all servers know it."""
    local, _, domain = direccion.rpartition("@")
    with suppress(UnicodeError):  # No server has such a name; the one that is asked will say so.
        domain = domain.encode("idna").decode()
    return Address(" ".join(nombre.split()), local, domain)
