"""Fetching mail from a mailbox by IMAP. A mail is marked as read once it is saved, and not before.

Whoever is killed in between fetches it again, and by its Message-ID nothing happens twice. What cannot be
taken in stays unread and is starred, for people to look at; it is not fetched again.
"""

import imaplib
import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from app import transaction
from app.errors import AppError, Conflict, InsufficientStorage, Unavailable
from app.extensions import db, settings
from app.models import ADMINISTRADOR
from app.permissions import Actor
from app.queries import incoming as queries
from app.services import leases
from app.services.access.users import normalize_email
from app.services.mail import incoming

LOG = logging.getLogger(__name__)

BATCH = 20  # mails that are fetched in one connection
PATIENCE = 30.0  # seconds that the server has for each answer
ARRIENDO = "correo entrante"
PAUSE = timedelta(seconds=55)  # between two looks at the mailbox, whoever takes them
SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


def collect() -> int:
    """Take in a batch, unless another worker looked lately; answers how many mails it was."""
    if not settings().imap_url or not leases.take(ARRIENDO, PAUSE):
        return 0
    done = sum(receive().values())
    if done:
        leases.end(ARRIENDO)  # There may be more.
    return done


def receive() -> dict[str, int]:
    """Take in a batch of what is unread and not starred; answers how many mails came to what."""
    receptor = transaction.read(recipient)
    db.session.remove()
    counts: dict[str, int] = {}
    with opened() as box:
        for uid in unread(box)[:BATCH]:
            found = taken(box, uid, receptor)
            counts[found] = counts.get(found, 0) + 1
    return counts


def recipient() -> Actor:
    """In whose name is written down what those say who have no user."""
    user = queries.user(normalize_email(settings().correo_usuario))
    if user is None or not user.activo or user.tipo_usuario != ADMINISTRADOR:
        raise Conflict("correo_sin_usuario")
    return Actor(id=user.id, tipo_usuario=ADMINISTRADOR, tipo="sistema", origen="correo")


@contextmanager
def opened() -> Iterator[imaplib.IMAP4_SSL]:
    """The mailbox that the settings name; 503 when it is away, or refuses us."""
    parts = urlsplit(settings().imap_url)
    folder = unquote(parts.path[1:]) or "INBOX"
    checked = ssl.create_default_context()  # imaplib's own takes any certificate.
    try:
        box = imaplib.IMAP4_SSL(
            parts.hostname or "", parts.port or 993, ssl_context=checked, timeout=PATIENCE
        )
        try:
            box.login(unquote(parts.username or ""), unquote(parts.password or ""))
            expect(box.select(f'"{folder}"'))
            yield box
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                box.logout()
    except (imaplib.IMAP4.error, OSError) as error:
        LOG.warning("El buzón no responde como se espera: %s", error)
        raise Unavailable("buzon_no_disponible", retry_after=60) from error


def expect(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(str(data[:1]))
    return data


def unread(box: imaplib.IMAP4_SSL) -> list[str]:
    """The mails that wait, the oldest first."""
    found: bytes = expect(box.uid("SEARCH", "UNSEEN", "UNFLAGGED", "UNDELETED"))[0] or b""
    return found.decode("ascii").split()


def taken(box: imaplib.IMAP4_SSL, uid: str, receptor: Actor) -> str:
    """Take in one mail and mark it; answers what came of it."""
    try:
        result = handled(fetched(box, uid), receptor)
    except (Unavailable, InsufficientStorage, imaplib.IMAP4.error, OSError):
        raise  # Nothing is wrong with this mail: all of them wait.
    except AppError as error:
        LOG.warning("El correo %s del buzón no se pudo recibir: %s", uid, error.codigo)
        result = "rechazado"
    except Exception:  # One mail must not keep the others from coming in.
        LOG.exception("El correo %s del buzón no se pudo recibir", uid)
        result = "rechazado"
    finally:
        db.session.remove()
    expect(box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Flagged)" if result == "rechazado" else r"(\Seen)"))
    return result


def fetched(box: imaplib.IMAP4_SSL, uid: str) -> bytes:
    """A mail as it lies there, whose size is asked first; it stays unread."""
    size = SIZE.search(repr(expect(box.uid("FETCH", uid, "(RFC822.SIZE)"))).encode())
    incoming.check_size(int(size[1]) if size else 0)
    for piece in expect(box.uid("FETCH", uid, "(BODY.PEEK[])")):
        if isinstance(piece, tuple):
            return bytes(piece[1])
    return b""  # It was erased meanwhile.


def handled(raw: bytes, receptor: Actor) -> str:
    correo = incoming.prepared(raw)
    return str(transaction.run(lambda: incoming.receive(receptor, correo))["resultado"])
