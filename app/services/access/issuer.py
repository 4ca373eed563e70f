"""What the issuer of OpenID Connect is asked, and what of its answers is believed.

Loaded only where there is one: with its libraries it is slow to load. No transaction may be open here.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC
from time import monotonic
from typing import Any

from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from app.errors import Unauthorized, Unavailable
from app.extensions import settings
from app.models import utcnow

ALGORITHMS = ("RS256", "ES256")  # None of a shared secret: the issuer's public key would pass for one.
KINDS = ("RSA", "EC")
PATIENCE = 5.0  # seconds that the issuer has for all that one sign-in asks of it
MAX_BYTES = 1024 * 1024
LIFE = 3600.0  # seconds that its addresses and keys are remembered
LEEWAY = 30  # seconds that its clock may be off
RETRY = 5

log = logging.getLogger(__name__)


@dataclass
class Known:
    """What an issuer says of itself, since when it is known."""

    since: float
    about: dict[str, Any]
    keys: KeySet | None = None


_known: dict[str, Known] = {}


@dataclass(frozen=True)
class Flow:
    """One sign-in on its way: what the browser carries to the issuer and back."""

    state: str
    nonce: str
    verifier: str


class Bounded(HTTPAdapter):
    """No more of the issuer's time than is left, and no more of its answers than can be meant."""

    def __init__(self) -> None:
        super().__init__()
        self.deadline = monotonic() + PATIENCE

    def left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0:
            raise RequestException("too slow")
        return left

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        response = super().send(request, **{**options, "timeout": self.left(), "stream": True})
        content = bytearray()
        # One read of the network at a time: what comes byte by byte would outlive any time-out.
        while piece := response.raw.read1(65536, decode_content=True):
            content += piece
            self.left()
            if len(content) > MAX_BYTES:
                raise RequestException("too long")
        response.close()
        response._content = bytes(content)
        return response


@dataclass
class Issuer:
    """The configured issuer, for one request."""

    redirect_uri: str
    session: OAuth2Session = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        config = settings()
        self.name = config.oidc_emisor
        self.session = OAuth2Session(
            config.oidc_cliente_id,
            config.oidc_cliente_secreto or None,
            scope=config.oidc_alcances,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )
        adapter = Bounded()
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter)

    def address_for(self, flow: Flow) -> str:
        """Where the browser signs in."""
        address, _ = self.session.create_authorization_url(
            self.known().about["authorization_endpoint"],
            state=flow.state,
            code_verifier=flow.verifier,
            nonce=flow.nonce,
        )
        return str(address)

    def identify(self, code: str, flow: Flow) -> dict[str, Any]:
        """What it says of who came back with ``code``; 401 if not to be believed, 503 if it is away."""
        tokens = self.exchange(code, flow)
        id_token, access = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise self.away("no id_token")
        try:
            token = self.decoded(id_token)
            self.check(token, flow, access if isinstance(access, str) else None)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            log.warning("id_token of %s refused: %s", self.name, type(error).__name__)
            raise Unauthorized("sso_token_invalido") from error
        return dict(token.claims)

    def exchange(self, code: str, flow: Flow) -> dict[str, Any]:
        about = self.known().about
        offered = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self.session.client_secret and "client_secret_basic" not in offered:
            self.session.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 (a method's name)
        try:
            answer = self.session.fetch_token(
                about["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=flow.verifier,
                redirect_uri=self.redirect_uri,
                allow_redirects=False,
            )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise Unauthorized("sso_rechazado") from error
            raise self.away(f"token endpoint: {error.error!r:.60}") from error
        except (RequestException, HTTPError, ValueError, TypeError, RecursionError) as error:
            raise self.away(type(error).__name__) from error
        return dict(answer)

    def decoded(self, id_token: str) -> jwt.Token:
        """A token whose signature is right, by a key that may be as new as the token."""
        try:
            return jwt.decode(id_token, self.keys(), algorithms=ALGORITHMS)
        except (InvalidKeyIdError, BadSignatureError):  # Some give another key the name of the one before.
            return jwt.decode(id_token, self.keys(fresh=True), algorithms=ALGORITHMS)

    def check(self, token: jwt.Token, flow: Flow, access_token: str | None) -> None:
        """That it is of this issuer, for us, of this very sign-in, and of now."""
        client = self.session.client_id
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": self.name},
                "aud": {"essential": True, "value": client},
                "sub": {"essential": True},
            },
            {"nonce": flow.nonce, "client_id": client, "access_token": access_token},
        )
        claims.validate(now=int(utcnow().replace(tzinfo=UTC).timestamp()), leeway=LEEWAY)
        if not (0 < len(claims["sub"]) <= 255 and claims["sub"].isascii()):
            raise ValueError("sub")

    def known(self) -> Known:
        """What the issuer publishes of itself."""
        found = _known.get(self.name)
        if found is None or monotonic() - found.since > LIFE:
            about = self.get(self.name.rstrip("/") + "/.well-known/openid-configuration")
            places = [about.get(f"{one}_endpoint") for one in ("authorization", "token")]
            if about.get("issuer") != self.name:
                raise self.away("another issuer")
            if not all(self.is_safe(place) for place in (*places, about.get("jwks_uri"))):
                raise self.away("an address that is not https")
            found = _known[self.name] = Known(monotonic(), about)
        return found

    def keys(self, fresh: bool = False) -> KeySet:
        known = self.known()
        if known.keys is None or fresh:
            published = self.get(known.about["jwks_uri"]).get("keys")
            try:
                usable = [one for one in published or () if one["kty"] in KINDS and one.get("use") != "enc"]
                known.keys = KeySet.import_key_set({"keys": usable})
            except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
                raise self.away("no keys") from error
        return known.keys

    def get(self, address: str) -> dict[str, Any]:
        """The JSON object at an address of the issuer's."""
        try:
            answer = self.session.get(address, withhold_token=True, allow_redirects=False)
            found = answer.json() if answer.status_code == 200 else None
        except (RequestException, HTTPError, ValueError, RecursionError) as error:
            raise self.away(type(error).__name__) from error
        if not isinstance(found, dict):
            raise self.away(f"status {answer.status_code}")
        return found

    def is_safe(self, address: Any) -> bool:
        """By TLS, unless the issuer itself is on this machine."""
        allowed = ("https://",) if self.name.startswith("https:") else ("https://", "http://")
        return isinstance(address, str) and address.startswith(allowed)

    def away(self, why: str) -> Unavailable:
        log.warning("issuer %s: %s", self.name, why)
        return Unavailable("sso_no_disponible", RETRY)
