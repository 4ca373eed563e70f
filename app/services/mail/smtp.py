"""Handing mail over: one connection for many, and whom the server refused, for now or for good.

Without ``SMTP_URL`` mail is written into the log instead, but not in production, where none is made.
"""

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import parseaddr
from functools import partial
from urllib.parse import unquote, urlsplit

from app.extensions import settings
from app.services.mail.threads import domain_of

LOG = logging.getLogger(__name__)
PATIENCE = 15.0  # seconds that each answer of the server may take
PORTS = {"smtp": 587, "smtps": 465}
PERMANENT = 500  # and what follows it: the same mail would be refused again

Send = Callable[[EmailMessage], None]


class ServerDown(Exception):
    """No mail goes out now: the server is away, or does not take us."""


class Refused(Exception):
    """The server did not take this mail; ``for_good`` tells whether it ever would."""

    def __init__(self, reason: str, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@contextmanager
def outgoing(patience: float = PATIENCE) -> Iterator[Send]:
    """A way to send one mail after the other; raises ``ServerDown``.

    What it gives raises ``Refused`` where the next mail may fare better, and ``ServerDown`` where none would.
    """
    if not settings().smtp_url:
        yield write_down
        return
    try:
        server = connected(settings().smtp_url, patience)
    except (OSError, ValueError) as error:  # smtplib's errors and those of TLS are kinds of OSError.
        raise ServerDown(reason_of(error)) from error
    try:
        yield partial(hand_over, server)
    finally:
        with suppress(OSError):
            server.quit()


def connected(url: str, patience: float) -> smtplib.SMTP:
    """A server that has taken us. Its certificate is checked; without TLS only where the address says so."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    ours = domain_of(settings().correo_de)  # To look up our own name may take long.
    tls = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, ours, timeout=patience, context=tls)
    else:
        server = smtplib.SMTP(host, port, ours, timeout=patience)
    try:
        if parts.scheme == "smtp" and not parts.query:
            server.starttls(context=tls)
        if parts.username is not None:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:  # Whatever it was, it is raised; the connection must not stay open.
        server.close()
        raise
    return server


def hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    to = recipient_of(message)
    try:
        server.send_message(message, parseaddr(settings().correo_de)[1], [to])
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = error.recipients[to]
        raise Refused(told(code, answer), for_good=code >= PERMANENT) from error
    except smtplib.SMTPDataError as error:
        reason = told(error.smtp_code, error.smtp_error)
        raise Refused(reason, for_good=error.smtp_code >= PERMANENT) from error
    except smtplib.SMTPSenderRefused as error:  # That is us: nobody gets anything until somebody mends it.
        raise Refused(told(error.smtp_code, error.smtp_error), for_good=False) from error
    except smtplib.SMTPNotSupportedError as error:  # The address is not in ASCII.
        raise Refused(reason_of(error), for_good=True) from error
    except OSError as error:
        raise ServerDown(reason_of(error)) from error


def recipient_of(message: EmailMessage) -> str:
    """The one address that a mail goes to."""
    (to,) = message["To"].addresses
    address: str = to.addr_spec
    return address


def write_down(message: EmailMessage) -> None:
    """For development: what would have been sent."""
    to = recipient_of(message)
    body = message.get_body(("plain",))
    text = body.get_content() if body else ""
    LOG.info(
        "Falta SMTP_URL: este correo no se envía\nPara: %s\nAsunto: %s\n\n%s",
        to,
        message["Subject"],
        text,
    )


def told(code: int, answer: bytes | str) -> str:
    """What the server said, in one line."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"


def reason_of(error: Exception) -> str:
    """What went wrong, in one line; never with the password, which no error names."""
    if isinstance(error, smtplib.SMTPResponseException):
        return told(error.smtp_code, error.smtp_error)
    return " ".join(str(error).split()) or type(error).__name__
