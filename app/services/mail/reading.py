"""From the bytes of a mail to what it says. Nothing is believed or looked up; what is no mail is 422.

The old policy of ``email``: its headers stay text, which we read ourselves, where the new one raises
``IndexError`` and the like at what spam is full of.
"""

import binascii
import codecs
import email
import hashlib
import mimetypes
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message
from email.policy import Policy, compat32
from email.utils import getaddresses

from app.errors import Invalid
from app.patterns import EMAIL
from app.services.access.users import normalize_email
from app.services.mail import wording

MAX_HEADER = 20_000  # characters of one header that are looked at
MAX_EMAIL = 254
MAX_NOMBRE = 120
# The parser compares each line with the end of each part that it is in.
MAX_MULTIPARTS, MAX_LINES = 50, 500_000
MAX_DEPTH = 20
MAX_PARTES = 500  # parts of parts too, those of mails that it brings as well
# What the parser raises at broken MIME, as found by feeding it garbage.
BROKEN = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
    MessageError,
)

WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
ID = re.compile(r"<([^<>\s]{1,900})>")
MULTIPART = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
ROBOTS = re.compile(r"(mailer-daemon|postmaster)@", re.IGNORECASE)
SILENCED = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-auto-response-suppress")
# Charsets that are believed; others, such as punycode, take the square of the time or are no text.
CHARSETS = re.compile(
    r"utf-?(7|8|16)|utf-16-[lb]e|ascii|iso8859-\d+|iso2022_\w+|cp\d+|koi8-[rtu]|gb2312|gbk|gb18030|hz"
    r"|big5\w*|euc_\w+|shift_jis\w*|mac-roman"
)
WIDER = {"iso8859-1": "cp1252", "ascii": "utf-8"}  # what is sent under these names


@dataclass(frozen=True)
class Archivo:
    """A file that came with a mail."""

    nombre: str
    contenido: bytes = field(repr=False)


@dataclass(frozen=True)
class Mensaje:
    """What a mail says, and why it is nothing for a help desk, if it is not."""

    huella: str  # of its Message-ID, or without one of all of it
    id: str  # as it stands in the mail
    remitente: str
    nombre: str
    asunto: str
    texto: str
    referencias: str  # In-Reply-To and References
    motivo: str | None
    archivos: tuple[Archivo, ...] = field(repr=False)


def read(raw: bytes) -> Mensaje:
    """The mail in these bytes; 422 when it is none, or names no one sender."""
    try:
        return understood(raw)
    except BROKEN as error:
        raise Unreadable from error


class Unreadable(Invalid):
    """It is no mail, or nobody's."""

    codigo = "correo_ilegible"


def understood(raw: bytes) -> Mensaje:
    if len(MULTIPART.findall(raw)) > MAX_MULTIPARTS or raw.count(b"\n") > MAX_LINES:
        raise Unreadable
    message = email.message_from_bytes(raw, part_factory(), policy=compat32)
    headers = headers_of(message)
    nombre, remitente = sender(headers.get("from", []))
    id = first(headers, "message-id")
    found = ID.search(id)
    id = found[1] if found else id.strip()
    digest = hashlib.sha256(id.encode("utf-8", "replace") if id else raw).hexdigest()
    asunto = wording.one_line(words(first(headers, "subject")))
    return Mensaje(
        huella=digest,
        id=id,
        remitente=remitente,
        nombre=nombre or remitente.partition("@")[0],
        asunto=asunto,
        texto=wording.clean(text_of(message)),
        referencias=" ".join(headers.get("references", []) + headers.get("in-reply-to", [])),
        motivo=why_ignored(message, headers, remitente),
        archivos=tuple(files_of(message)),
    )


def part_factory() -> Callable[..., Message]:
    """What makes the parts of one mail for the parser, which reads on for seconds if nobody stops it."""
    made = 0

    def part(policy: Policy) -> Message:
        nonlocal made
        made += 1
        if made > MAX_PARTES:
            raise Unreadable
        return Message(policy)

    return part


def headers_of(message: Message) -> dict[str, list[str]]:
    """Name in lower case -> values as they were sent, unfolded; bytes beyond ASCII as what they may mean."""
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        sent = str(value)[:MAX_HEADER].encode("ascii", "surrogateescape")
        found.setdefault(name.lower(), []).append(re.sub(r"\r?\n[ \t]*", " ", guessed(sent)))
    return found


def first(headers: dict[str, list[str]], name: str) -> str:
    return headers.get(name, [""])[0]


def sender(values: list[str]) -> tuple[str, str]:
    """Name and address of the one who writes. Of two, filters may have judged the other one."""
    mailboxes = [pair for pair in getaddresses(values) if pair[1]]
    if len(values) != 1 or len(mailboxes) != 1:
        raise Unreadable
    name, address = mailboxes[0]
    address = normalize_email(address)
    if len(address) > MAX_EMAIL or not re.fullmatch(EMAIL, address) or wording.clean(address) != address:
        raise Unreadable
    return wording.one_line(words(name))[:MAX_NOMBRE].strip(), address


def words(value: str) -> str:
    """A header with its encoded words read; those of one charset together, which may share a character."""
    pieces: list[tuple[str, bytes]] = []
    end = 0
    for found in WORD.finditer(value):
        between = value[end : found.start()]
        if between.strip() or not pieces:
            pieces.append(("", between.encode("utf-8", "replace")))
        charset = found[1].partition("*")[0].lower()
        content = word(found[2], found[3])
        if pieces[-1][0] == charset:
            content = pieces.pop()[1] + content
        pieces.append((charset, content))
        end = found.end()
    pieces.append(("", value[end:].encode("utf-8", "replace")))
    return "".join(decoded(content, charset or "utf-8") for charset, content in pieces)


def word(encoding: str, sent: str) -> bytes:
    if encoding in "qQ":
        return quopri.decodestring(sent.encode("utf-8", "replace"), header=True)
    try:
        return binascii.a2b_base64(sent.encode("ascii", "ignore") + b"==")
    except binascii.Error:
        return b""


def decoded(content: bytes, charset: str) -> str:
    """Bytes as text, in the charset that they say or what they may be in."""
    try:
        name = codecs.lookup(charset).name
        if CHARSETS.fullmatch(name):
            return content.decode(WIDER.get(name, name))
    except (LookupError, ValueError):  # A charset that nobody knows, or bytes that are not in it.
        pass
    return guessed(content)


def guessed(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def why_ignored(message: Message, headers: dict[str, list[str]], remitente: str) -> str | None:
    """Why nobody waits for an answer to this mail, if it is so."""
    returned = first(headers, "return-path").strip()
    if returned == "<>" or ROBOTS.match(remitente) or message.get_content_type() == "multipart/report":
        return "rebote"
    auto = first(headers, "auto-submitted").split(";")[0].strip().lower()
    if auto not in ("", "no") or any(name in headers for name in SILENCED):
        return "respuesta_automatica"
    if first(headers, "precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return "correo_masivo"
    return None


def text_of(part: Message, depth: int = 0) -> str:
    """What a mail, or a part of it, says beside its files."""
    if depth > MAX_DEPTH:
        raise Unreadable
    if part.get_content_maintype() == "multipart":
        return of_parts(part, depth)
    if is_file(part):
        return ""
    said = decoded(content_of(part), str(part.get_content_charset() or "utf-8"))
    return wording.of_html(said) if part.get_content_subtype() == "html" else said


def of_parts(part: Message, depth: int) -> str:
    children = [(child, text_of(child, depth + 1)) for child in parts(part)]
    said = [(child, text) for child, text in children if text.strip()]
    if part.get_content_subtype() != "alternative":
        return "\n\n".join(text for _, text in said)
    plain = [text for child, text in said if child.get_content_type() == "text/plain"]
    return next(iter(plain or [text for _, text in said]), "")


def parts(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def content_of(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def is_file(part: Message) -> bool:
    """Whether a part without parts is a file; any text that has no name is read instead."""
    if part.get_content_type() not in ("text/plain", "text/html"):
        return True
    return part.get_content_disposition() == "attachment" or bool(name_of(part))


def files_of(message: Message) -> Iterator[Archivo]:
    """The files of a mail, images that stand in its text too, in their order."""
    waiting, seen = [message], 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if part.get_content_maintype() == "multipart":
            waiting.extend(reversed(parts(part)))
        elif is_file(part):
            yield file_of(part, seen)


def file_of(part: Message, number: int) -> Archivo:
    if part.get_content_maintype() == "message" and part.is_multipart():
        inner = parts(part)[0]
        about = wording.one_line(words(first(headers_of(inner), "subject")))
        return Archivo(name_of(part) or f"{about[:80] or 'correo'}.eml", inner.as_bytes())
    suffix = mimetypes.guess_extension(part.get_content_type()) or ""
    return Archivo(name_of(part) or f"adjunto-{number}{suffix}", content_of(part))


def name_of(part: Message) -> str:
    """The name of a file, however it was written."""
    try:
        sent = part.get_filename() or ""
    except BROKEN:
        return "adjunto"
    return words(guessed(sent.encode("utf-8", "surrogateescape")))
