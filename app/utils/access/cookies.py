"""The refresh token in a cookie (``JWT_REFRESH_COOKIE``), for programs of a browser: no script can read it.

A browser sends a cookie whoever makes it ask. So with it has to come, in ``X-CSRF-TOKEN``, what only our own
pages were told; it is bound to the session, and whoever plants cookies in a browser cannot make it.
"""

from hmac import compare_digest
from typing import Any

from flask import Response, request

from app.errors import Forbidden
from app.extensions import settings
from app.queries.access.sessions import INACTIVIDAD
from app.services.access.attempts import key
from app.utils.access import tokens
from app.utils.etag import listed

REFRESCO, CSRF = "soporteplus_refresco", "soporteplus_csrf"
HEADER = "X-CSRF-TOKEN"


def refresh_token() -> str:
    """The refresh token of the request: in the header as any token, or in the cookie with its CSRF token."""
    if not by_cookie():
        return tokens.bearer()
    token = request.cookies[REFRESCO]
    holder(token)
    return token


def by_cookie() -> bool:
    """Whether the cookie says who calls, and not a token in the header.

    Who sends the CSRF token means the cookie, whatever access token its program adds to all requests.
    """
    meant = bool(request.headers.get(HEADER)) or "Authorization" not in request.headers
    return meant and REFRESCO in request.cookies and settings().jwt_refresh_cookie


def holder(token: str) -> tuple[str, int]:
    """The session and the user of the cookie's token, or 403 without the CSRF token of that session."""
    said = tokens.claims(token, "refresh")
    if not compare_digest(request.headers.get(HEADER, "").encode(), csrf_of(said["sid"]).encode()):
        raise Forbidden("csrf_invalido")
    return said["sid"], int(said["sub"])


def csrf_of(sid: str) -> str:
    return key("csrf", sid)


def answered(sesion: dict[str, Any], in_body: bool = False) -> Response:
    """A session that began or goes on: its refresh token in the cookie, unless this mode is off."""
    if in_body or not settings().jwt_refresh_cookie:
        return listed(sesion)
    token = sesion["refresh_token"]
    csrf = csrf_of(tokens.claims(token, "refresh")["sid"])
    rest = {name: value for name, value in sesion.items() if name != "refresh_token"}
    response = listed({**rest, "csrf_token": csrf})
    life = int(INACTIVIDAD.total_seconds())
    response.set_cookie(REFRESCO, token, life, httponly=True, path=path_of(REFRESCO), **about())
    response.set_cookie(CSRF, csrf, life, path=path_of(CSRF), **about())
    return response


def cleared(response: Response) -> Response:
    """The answer to who signed out, without the cookies of its session."""
    if settings().jwt_refresh_cookie:
        response.delete_cookie(REFRESCO, path_of(REFRESCO), httponly=True, **about())
        response.delete_cookie(CSRF, path_of(CSRF), **about())
    return response


def path_of(name: str) -> str:
    """Where the browser sends it: below the sub-path, and the refresh token to nothing but sign-in."""
    return f"{request.script_root}/api/auth" if name == REFRESCO else f"{request.script_root}/"


def about() -> dict[str, Any]:
    """Never over plain HTTP, but on a developer's machine; never from another site."""
    return {"secure": is_secure(), "samesite": "Strict"}


def is_secure() -> bool:
    return settings().is_production or request.is_secure
