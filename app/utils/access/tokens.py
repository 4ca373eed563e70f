"""Tokens: Flask-JWT-Extended writes them, PyJWT reads them.

The extension's own reading lets tokens pass that lack a type or an expiry, and costs more than twice as much.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import time
from types import MappingProxyType
from typing import Any, cast

import jwt
from flask import Flask, g, request
from flask_jwt_extended import create_access_token, create_refresh_token

from app.errors import Unauthorized
from app.extensions import settings
from app.queries.access import sessions

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "soporteplus"
LEEWAY = 5  # seconds
CHALLENGE, CHALLENGE_LIFE = "soporteplus-segundo-factor", timedelta(minutes=5)
MAX_ID_DIGITS = 10
REQUIRED = ["exp", "iat", "nbf", "jti", "sid", "sub", "iss", "aud", "type"]


def configure(app: Flask, access_minutes: int) -> None:
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=access_minutes),
        JWT_REFRESH_TOKEN_EXPIRES=sessions.INACTIVIDAD,
        JWT_COOKIE_CSRF_PROTECT=False,  # Ours is in utils/access/cookies.py, which knows sub-paths.
    )


def pair(id_usuario: int, sid: str) -> dict[str, Any]:
    """A new access and refresh token of one session, as sign-in answers them."""
    claims = {"sid": sid}
    return {
        "access_token": create_access_token(str(id_usuario), additional_claims=claims),
        "refresh_token": create_refresh_token(str(id_usuario), additional_claims=claims),
        "token_type": "Bearer",
        "expires_in": settings().jwt_access_minutes * 60,
    }


def challenge(id_usuario: int, mark: str) -> str:
    """What says for ``CHALLENGE_LIFE`` that a password was right, to whoever has the second factor too."""
    until = datetime.now(UTC) + CHALLENGE_LIFE
    said = {"sub": str(id_usuario), "marca": mark, "iss": ISSUER, "aud": CHALLENGE, "exp": until}
    return jwt.encode(said, settings().jwt_secret_key, ALGORITHM)


def challenged(token: str) -> tuple[int, str]:
    """Whose password was right, and its mark; an access token is no challenge, nor the other way round."""
    try:
        found = jwt.decode(
            token,
            settings().jwt_secret_key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=CHALLENGE,
            options={"require": ["exp", "sub", "marca", "iss", "aud"], "strict_aud": True},
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Unauthorized("desafio_invalido") from error
    return int(found["sub"]), found["marca"]


def bearer() -> str:
    """The token of the request; from the header only, never from the address or a cookie."""
    values = request.headers.getlist("Authorization")
    if not values:
        raise Unauthorized("token_ausente")
    scheme, _, token = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized
    return token.strip()


def access() -> Mapping[str, Any]:
    """What the access token of the request says; read once, however many want to know."""
    if "acceso" not in g:
        g.acceso = claims(bearer(), "access")
    return cast("Mapping[str, Any]", g.acceso)


def claims(token: str, kind: str) -> Mapping[str, Any]:
    """What a good token of this ``kind``, access or refresh, says."""
    try:
        found = decoded(token)
    except jwt.ExpiredSignatureError as error:
        raise Unauthorized("token_caducado") from error
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Unauthorized from error
    shaped = found["type"] == kind and isinstance(found["sid"], str) and str(found["sub"]).isdecimal()
    if not shaped or len(found["sub"]) > MAX_ID_DIGITS:
        raise Unauthorized
    return found


def decoded(token: str) -> Mapping[str, Any]:
    """What a token says that was signed with our key, or with the one that we had before."""
    config = settings()
    try:
        found = verified(token, config.jwt_secret_key)
    except jwt.InvalidSignatureError:
        if not config.jwt_secret_key_anterior:
            raise
        found = verified(token, config.jwt_secret_key_anterior)
    if int(found["exp"]) <= time() - LEEWAY:
        raise jwt.ExpiredSignatureError
    return found


@lru_cache(maxsize=4096)  # One that was good stays so, until it ends.
def verified(token: str, key: str) -> Mapping[str, Any]:
    found = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway=LEEWAY,
        options={"require": REQUIRED, "strict_aud": True},
    )
    return MappingProxyType(found)
