"""Proxies in front: what they say of the client counts, what anybody else says does not."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network
PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", re.ASCII)  # No «..» among its parts.


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that ``text`` writes, an IPv4 one also when it is wrapped in IPv6.

    Without the zone behind a ``%``, which may be any text.
    """
    try:
        address = ip_address(text.partition("%")[0].strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_local(environ: "WSGIEnvironment") -> bool:
    """Whether the request comes from this machine, and not through a proxy on it."""
    address = address_of(environ.get("REMOTE_ADDR", ""))
    forwarded = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    return address is not None and address.is_loopback and not forwarded


class TrustedProxies:
    """WSGI middleware: client, scheme and sub-path as the proxies of ``TRUSTED_PROXIES`` tell them.

    By networks and not by a count of proxies: a count believes whoever reaches the service past them.
    """

    def __init__(self, wsgi_app: "WSGIApplication", networks: tuple[Network, ...]) -> None:
        self.wsgi_app = wsgi_app
        self.networks = networks

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if self.trusts(environ.get("REMOTE_ADDR", "")):
            environ["REMOTE_ADDR"] = self.client(environ)
            if (scheme := environ.get("HTTP_X_FORWARDED_PROTO")) in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            if PREFIX.fullmatch(prefix := environ.get("HTTP_X_FORWARDED_PREFIX", "").rstrip("/")):
                environ["SCRIPT_NAME"] = prefix
        return self.wsgi_app(environ, start_response)

    def trusts(self, text: str) -> bool:
        address = address_of(text)
        return address is not None and any(address in network for network in self.networks)

    def client(self, environ: "WSGIEnvironment") -> str:
        """The nearest address that is no proxy of ours; what is left of it, anybody may have written."""
        client: str = environ["REMOTE_ADDR"]
        for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = address_of(hop)
            if address is None:
                break
            client = str(address)
            if not self.trusts(client):
                break
        return client
