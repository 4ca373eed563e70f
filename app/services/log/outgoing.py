"""Requests to addresses that users name: to no place but those that anybody may reach, or that are allowed.

A name is resolved once and every address of it judged; the connection goes to an address that was, so that a
second answer of the name server leads nowhere. Redirects are not followed, and no proxy is asked.
"""

import http.client
import io
import re
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app.extensions import settings

LIMIT = 5.0  # seconds for all of it: resolving, connecting, sending and the answer
READ = 64 * 1024  # bytes of an answer that are taken from the line …
KEPT = 4 * 1024  # … and that are kept
TOLD = ("Content-Type", "Location", "Retry-After")  # headers of the answer that are kept
NUMBER = re.compile(r"\d+|0[xX][0-9A-Fa-f]*", re.ASCII)
# For protocols: not all versions of Python know that nobody is there.
SPECIAL = (ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24"))
# What may be told of an address without asking anybody.
CODIGOS = ("url_invalida", "solo_https", "destino_no_permitido")

Address = IPv4Address | IPv6Address


class Refused(Exception):
    """There is no answer, or nobody asked for one; ``codigo`` says why."""

    def __init__(self, codigo: str) -> None:
        super().__init__(codigo)
        self.codigo = codigo


@dataclass(frozen=True)
class Answer:
    """What came back."""

    estado: int
    cabeceras: dict[str, str] = field(default_factory=dict)
    cuerpo: str = ""


def check(url: str) -> SplitResult:
    """The parts of an address, unless it tells by itself that nothing may be sent there."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:  # brackets, or a port that is none
        raise Refused("url_invalida") from error
    odd = "@" in parts.netloc or parts.fragment or "\\" in url or not re.fullmatch("[!-~]+", url)
    if not host or odd or parts.scheme not in ("http", "https"):
        raise Refused("url_invalida")
    address = literal(host)
    if address:
        admit(parts.scheme, [address])
    elif parts.scheme == "http" and not settings().webhooks_allowed_networks:
        raise Refused("solo_https")
    return parts


def literal(host: str) -> Address | None:
    """The address that ``host`` writes, in whatever way a resolver would read it; None when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    try:  # 0x7f.1, 2130706433, 0177.0.0.1
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError as error:
        raise Refused("url_invalida") from error


def admit(scheme: str, addresses: list[Address]) -> None:
    """Refuse unless each of these may be reached by this scheme."""
    if not addresses:
        raise Refused("sin_resolver")
    allowed = settings().webhooks_allowed_networks
    others = [one for one in map(unwrapped, addresses) if not any(one in network for network in allowed)]
    if not all(map(is_public, others)):
        raise Refused("destino_no_permitido")
    if others and scheme != "https":
        raise Refused("solo_https")


def unwrapped(address: Address) -> Address:
    """An IPv4 address also when it is wrapped in IPv6."""
    return getattr(address, "ipv4_mapped", None) or address


def is_public(address: Address) -> bool:
    """Whether it is one of the open Internet; what only leads on to another address (6to4, NAT64) is not."""
    special = address.is_multicast or address.is_reserved or any(address in network for network in SPECIAL)
    return address.is_global and not special and not getattr(address, "sixtofour", None)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def addresses_of(parts: SplitResult, port: int) -> list[Address]:
    """Where to connect to, all of it judged."""
    host = parts.hostname or ""
    try:
        known = literal(host)
        found = [known] if known else [ip_address(one) for one in resolve(host, port)]
    except (OSError, ValueError) as error:  # UnicodeError is a ValueError.
        raise Refused("sin_resolver") from error
    admit(parts.scheme, found)
    return found


def post(url: str, headers: dict[str, str], body: bytes) -> Answer:
    """Send ``body``; raises ``Refused`` when there is no answer in time."""
    end = monotonic() + LIMIT
    parts = check(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    addresses = addresses_of(parts, port)
    try:
        return exchange(parts, port, addresses, headers, body, end)
    except TimeoutError as error:
        raise Refused("tiempo_agotado") from error
    except ssl.SSLError as error:
        raise Refused("tls") from error
    except OSError as error:
        raise Refused("sin_conexion") from error
    except http.client.HTTPException as error:
        raise Refused("respuesta_invalida") from error


def exchange(
    parts: SplitResult, port: int, addresses: list[Address], headers: dict[str, str], body: bytes, end: float
) -> Answer:
    connection = http.client.HTTPConnection(parts.hostname or "", port)
    if parts.scheme == "https":
        connection.default_port = 443  # So that Host names no port that goes without saying.
    connection.response_class = partial(response_of, end)  # type: ignore[assignment]
    connection.sock = connected(parts, port, addresses, end)
    try:
        connection.sock.settimeout(left(end))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, headers)
        with closing(connection.getresponse()) as response:
            text = kept(response)
        told = {name: response.headers[name][:200] for name in TOLD if name in response.headers}
        return Answer(response.status, told, text)
    finally:
        connection.close()


def connected(parts: SplitResult, port: int, addresses: list[Address], end: float) -> socket.socket:
    """A connection to the first of these that takes one; with TLS the name is that of the address."""
    for place, address in enumerate(addresses, start=1):
        try:
            plain = socket.create_connection((str(address), port), left(end))
            break
        except OSError:
            if place == len(addresses):
                raise
    if parts.scheme != "https":
        return plain
    try:
        plain.settimeout(left(end))
        return context().wrap_socket(plain, server_hostname=parts.hostname)
    except OSError:
        plain.close()
        raise


def context() -> ssl.SSLContext:
    return ssl.create_default_context()


def left(end: float) -> float:
    seconds = end - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def kept(response: http.client.HTTPResponse) -> str:
    """The beginning of an answer's body. Whoever is slow with it has answered all the same."""
    data = b""
    try:
        while len(data) < READ and (some := response.read1(READ - len(data))):
            data += some
    except (OSError, http.client.HTTPException):
        pass  # The status counts, and it is here.
    return data[:KEPT].decode(errors="replace").replace("\0", "�")


class Timed(io.RawIOBase):
    """What a socket receives until an instant, however slowly it comes.

    It reads through a file of the socket's own, which stays open when ``http.client`` lets the socket go.
    """

    def __init__(self, sock: socket.socket, end: float) -> None:
        self.sock, self.end = sock, end
        self.file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self.sock.settimeout(left(self.end))
        return self.file.readinto(buffer)

    def close(self) -> None:
        self.file.close()
        super().close()


class Source:
    """What ``HTTPResponse`` wants of a socket."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self.sock, self.end = sock, end

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(Timed(self.sock, self.end))


def response_of(end: float, sock: socket.socket, *args: Any, **options: Any) -> http.client.HTTPResponse:
    return http.client.HTTPResponse(Source(sock, end), *args, **options)  # type: ignore[arg-type]
