"""An issuer of OpenID Connect on this machine, with keys of its own, that can be told to misbehave."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "soporteplus", "s3creto-de-prueba"
WELL_KNOWN, KEYS, TOKEN = "/.well-known/openid-configuration", "/claves", "/token"
Answer = tuple[int, bytes]


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


FIRST, SECOND = rsa("uno"), rsa("dos")
CURVE = ECKey.generate_key("P-256", {"kid": "curva"})


class Issuer:
    """``claims`` and ``header`` are laid over what it says; ``instead`` answers a path otherwise."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.published: list[Any] = [FIRST]
        self.key: Any = FIRST
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.forge: Callable[[dict[str, Any]], str] | None = None
        self.instead: dict[str, Callable[[], Answer]] = {}
        self.about: dict[str, Any] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.of_code: dict[str, dict[str, Any]] = {}  # claims, of who came back with it
        self.released = Event()  # What is slow ends when the test does.

    def browse(self, location: str) -> dict[str, str]:
        """Sign in at an address of ours, and what the browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.address}/autorizar?")
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert (asked["code_challenge_method"], "openid" in asked["scope"].split()) == ("S256", True)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "session_state": "de más", "iss": self.address}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        self.asked.append(path)
        if path in self.instead:
            return self.instead[path]()
        if path == WELL_KNOWN:
            return 200, json.dumps(self.configuration() | self.about).encode()
        if path == KEYS:
            keys = [key.as_dict(private=False) for key in self.published]
            return 200, json.dumps({"keys": keys}).encode()
        return self.tokens(form, authorization)

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/autorizar",
            "token_endpoint": f"{self.address}{TOKEN}",
            "jwks_uri": f"{self.address}{KEYS}",
        }

    def tokens(self, form: dict[str, str], authorization: str) -> Answer:
        """Each code once, for our client, with what its challenge was made of."""
        self.forms.append(form)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        by_form = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if not (authorization == basic or by_form):
            return 401, b'{"error": "invalid_client"}'
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = asked and (challenge, form["redirect_uri"]) == (
            asked["code_challenge"],
            asked["redirect_uri"],
        )
        if not right:
            return 400, b'{"error": "invalid_grant"}'
        return 200, json.dumps(
            {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked, form["code"])}
        ).encode()

    def id_token(self, asked: dict[str, str], code: str) -> str:
        now = int(time())
        claims = {
            "iss": self.address,
            "sub": "sujeto-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "Ana@Example.org",
            "email_verified": True,
            "given_name": "Ana",
            "family_name": "Paz",
            "groups": ["mesa"],
        }
        claims |= self.claims | self.of_code.get(code, {})
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.forge:
            return self.forge(claims)
        alg = "ES256" if isinstance(self.key, ECKey) else "RS256"
        return jwt.encode({"alg": alg, "kid": self.key.kid} | self.header, claims, self.key)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'kid': FIRST.kid})}.{part(claims)}."


def by_public_key(claims: dict[str, Any]) -> str:
    """HS256, with the public key of the issuer for a secret: it is no secret."""
    said = f"{part({'alg': 'HS256', 'kid': FIRST.kid})}.{part(claims)}"
    signature = hmac.digest(FIRST.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def handler_for(issuer: list[Issuer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.serve({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.serve({name: values[0] for name, values in parse_qs(body).items()})

        def serve(self, form: dict[str, str]) -> None:
            path = self.path.partition("?")[0]
            status, content = issuer[0].answer(path, form, self.headers.get("Authorization", ""))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content.decode())
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.drip(content) if content.startswith(b"\0") else self.wfile.write(content)

        def drip(self, content: bytes) -> None:
            """Byte by byte, as long as anybody reads."""
            try:
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if issuer[0].released.wait(0.2):
                        return
            except OSError:
                return

        def log_message(self, *_args: Any) -> None:
            """Nothing."""

    return Handler


@contextmanager
def running() -> Iterator[Issuer]:
    box: list[Issuer] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(box))
    box.append(Issuer(f"http://127.0.0.1:{server.server_address[1]}"))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield box[0]
    finally:
        box[0].released.set()
        server.shutdown()
        server.server_close()
        thread.join()
