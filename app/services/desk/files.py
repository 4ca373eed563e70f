"""What a file is: its kind by its content, and a name that harms nobody."""

import codecs
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

import filetype

from app.errors import Falla, Invalid, TooLarge, UnsupportedMediaType
from app.extensions import settings
from app.storage import CHUNK

MB = 1024 * 1024
MAX_NOMBRE = 200
HEAD = 8192  # bytes by which a kind is told

# Kinds that are taken, as ``filetype`` tells them; office files by what is in their container.
ADMITIDOS = {
    *("application/pdf", "application/zip"),
    *("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/heic"),
    *("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
}
# Text has no mark of its own: it is told by being valid UTF-8, and its kind by the name.
TEXTO_POR_EXTENSION = {".csv": "text/csv", ".json": "application/json", ".eml": "message/rfc822"}

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
UNSAFE = re.compile(r'[<>:"|?*]')


@dataclass(frozen=True)
class Examinado:
    """What is known of a file's content."""

    tipo_mime: str
    bytes: int
    sha256: str


def examine(content: BinaryIO, nombre: str, campo: str) -> Examinado:
    """Read all of ``content``, a piece at a time, and rewind it. Refuses what is too large, empty, or of a
    kind that is not taken (413, 422 at ``campo``, 415)."""
    digest, size, head = hashlib.sha256(), 0, b""
    text: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    content.seek(0)
    while piece := content.read(CHUNK):
        digest.update(piece)
        size += len(piece)
        if size > settings().adjunto_max_mb * MB:
            raise TooLarge("archivo_demasiado_grande", nombre=nombre, max=settings().adjunto_max_mb)
        head = head or piece[:HEAD]
        text = text if text and is_text(text, piece) else None
    content.seek(0)
    if not size:
        raise Invalid({campo: [Falla("archivo_vacio")]})
    is_whole_text = text is not None and is_text(text, b"", final=True)
    tipo = kind_of(head, nombre, is_whole_text)
    if tipo is None:
        raise UnsupportedMediaType("archivo_no_admitido", nombre=nombre)
    return Examinado(tipo, size, digest.hexdigest())


def is_text(decoder: codecs.IncrementalDecoder, piece: bytes, final: bool = False) -> bool:
    try:
        return "\0" not in decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False


def kind_of(head: bytes, nombre: str, is_text: bool) -> str | None:
    """The kind of a file by its content; None when it is not taken."""
    guessed = filetype.guess_mime(head)
    if guessed in ADMITIDOS:
        return str(guessed)
    if guessed is None and is_text:
        return TEXTO_POR_EXTENSION.get(PurePosixPath(nombre).suffix.lower(), "text/plain")
    return None


def safe_name(sent: str) -> str:
    """A file name without its path, and without what any system takes for something else."""
    name = unicodedata.normalize("NFC", sent).replace("\\", "/").rpartition("/")[2]
    shown = (
        letter for letter in name if not unicodedata.category(letter).startswith(("C", "Z")) or letter == " "
    )
    name = UNSAFE.sub("_", "".join(shown)).strip(" .")
    if RESERVED.fullmatch(name):
        name = f"_{name}"
    return shortened(name) or "archivo"


def shortened(name: str) -> str:
    """At most ``MAX_NOMBRE`` characters of it, the extension among them."""
    if len(name) <= MAX_NOMBRE:
        return name
    suffix = PurePosixPath(name).suffix[-20:]
    return name[: MAX_NOMBRE - len(suffix)].rstrip() + suffix
