"""A mail server that keeps what it is given, and refuses what it is told to."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.certificates import Certificate
from tests.mariadb import free_port

DE = "SoportePlus <soporte@example.org>"


@dataclass
class Postbox:
    """What came, in its order: to whom, and the mail. ``refuse`` says what is answered to an address."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_sender: str = ""
    refuse_data: str = ""
    before_answer: Callable[[str], None] = lambda _to: None
    port: int = field(default_factory=free_port)
    signed_in: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        for word in ("EHLO", "MAIL", "RCPT", "DATA"):  # as the server calls them
            setattr(self, f"handle_{word}", getattr(self, word.lower()))

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=no"

    @property
    def settings(self) -> dict[str, str]:
        return {"SMTP_URL": self.url, "CORREO_DE": DE}

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for to, mail in self.mails if to == address]

    async def ehlo(self, server: Any, session: Any, envelope: Any, hostname: str, lines: list[str]) -> Any:
        self.connections += 1
        session.host_name = hostname
        return lines

    async def mail(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        return "250 OK"

    async def rcpt(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def data(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse_data:
            return self.refuse_data
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails += [(to, mail) for to in envelope.rcpt_tos]
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        for to in envelope.rcpt_tos:
            self.before_answer(to)
        return "250 OK"

    def sign_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        pair = (data.login.decode(), data.password.decode())
        self.signed_in.append(pair)
        return AuthResult(success=pair == ("correo", "una clave @ de correo"), handled=False)


@contextmanager
def open_for(
    postbox: Postbox, certificate: Certificate | None = None, at_once: bool = False
) -> Iterator[Postbox]:
    """Let a postbox take mail; with a certificate by STARTTLS, or with TLS ``at_once``, and a password."""
    options: dict[str, Any] = {}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.pem, certificate.key)
        own = {
            "authenticator": postbox.sign_in,
            "auth_required": not at_once,
            "auth_require_tls": not at_once,
        }
        options = own | (
            {"ssl_context": context} if at_once else {"tls_context": context, "require_starttls": True}
        )
    controller = Controller(postbox, hostname="127.0.0.1", port=postbox.port, **options)
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()
