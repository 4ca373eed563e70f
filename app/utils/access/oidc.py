"""The browser's way to the issuer of OpenID Connect and back: what it carries, and that it is the same one.

No token is ever in an address. The frontend gets a code, which is worth nothing without the cookie that came
with it: whoever is sent an address by somebody else is not signed in as that somebody.
"""

import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, g, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from app.errors import Unauthorized
from app.extensions import settings
from app.services.access import oidc
from app.services.access.oidc import CODE_LIFE, FLOW_LIFE
from app.utils.access.cookies import is_secure
from app.utils.access.identity import current_actor
from app.utils.requests import restart_clock

ESTADO, NAVEGADOR = "soporteplus_sso_estado", "soporteplus_sso"


def serializer(salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt=salt)


def begun() -> Response:
    """The browser is sent to the issuer, and takes along what it will be known by when it is back."""
    address, flow = oidc.begin(return_address())
    response = Response(status=302, headers={"Location": address})
    # Not Strict: it comes back from another site.
    keep(response, ESTADO, serializer(ESTADO).dumps(flow), int(FLOW_LIFE.total_seconds()), "Lax")
    return response


def returned(args: dict[str, Any]) -> Response:
    """The browser is sent to the frontend with a code, when the issuer says who it is."""
    oidc.require_configured()
    flow = flow_of(args["state"])
    restart_clock()
    id = oidc.come_back(current_actor(), return_address(), args, flow, g.deadline)
    browser = secrets.token_urlsafe(32)
    response = Response(status=302, headers={"Location": to_frontend(issued(id, browser))})
    keep(response, NAVEGADOR, browser, int(CODE_LIFE.total_seconds()), "Strict")
    keep(response, ESTADO, "", 0, "Lax")
    return response


def flow_of(state: str) -> dict[str, str]:
    """What this browser set out with, if it is this state that it comes back with."""
    try:
        flow = serializer(ESTADO).loads(
            request.cookies.get(ESTADO, ""), max_age=int(FLOW_LIFE.total_seconds())
        )
    except BadData as error:
        raise Unauthorized("sso_estado_invalido") from error
    if not compare_digest(flow["state"].encode(), state.encode()):
        raise Unauthorized("sso_estado_invalido")
    return dict(flow)


def issued(id: int, browser: str) -> str:
    """A code for this account, for the browser that has this in its cookie."""
    return str(serializer(NAVEGADOR).dumps([id, secrets.token_hex(16), digest(browser)]))


def redeemed(code: str) -> tuple[int, str]:
    """Whose code it is, and its nonce, when it comes from the browser that it was given to."""
    try:
        id, nonce, browser = serializer(NAVEGADOR).loads(code, max_age=int(CODE_LIFE.total_seconds()))
    except (BadData, ValueError, TypeError) as error:
        raise Unauthorized("sso_codigo_invalido") from error
    if not compare_digest(browser, digest(request.cookies.get(NAVEGADOR, ""))):
        raise Unauthorized("sso_codigo_invalido")
    return id, nonce


def digest(browser: str) -> str:
    return sha256(browser.encode()).hexdigest()


def return_address() -> str:
    """Ours, as the issuer has to know it."""
    return url_for("auth.return_from_sso", _external=True)


def to_frontend(code: str) -> str:
    page = settings().oidc_retorno_frontend
    return f"{page}{'&' if urlsplit(page).query else '?'}{urlencode({'codigo': code})}"


def keep(response: Response, name: str, value: str, life: int, samesite: str) -> None:
    response.set_cookie(
        name,
        value,
        life,
        path=f"{request.script_root}/api/auth/oidc",
        httponly=True,
        secure=is_secure(),
        samesite=samesite,
    )
