"""Passes: they open one stream, for a browser's EventSource, which cannot send a token in a header."""

import secrets
from datetime import timedelta

from flask import Response, g
from itsdangerous import BadData, URLSafeTimedSerializer

from app.errors import Unauthorized
from app.extensions import settings
from app.models import utcnow
from app.permissions import Actor
from app.transaction import run
from app.utils.etag import listed
from app.utils.writes import idempotency

LIFE = 30  # seconds


def serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="pase")


def issued(actor: Actor) -> Response:
    """A new pass for the session of ``actor``."""
    pase = serializer().dumps([actor.id_sesion, actor.id, secrets.token_hex(16)])
    response = listed({"pase": pase, "vence": utcnow() + timedelta(seconds=LIFE)})
    response.headers["Cache-Control"] = "no-store"
    return response


def redeem(pase: str) -> tuple[str, int]:
    """The session and the user of a pass that is good, which it is for no one else after this."""
    try:
        sid, sub, nonce = serializer().loads(pase, max_age=LIFE)
    except (BadData, ValueError, TypeError) as error:
        raise Unauthorized("pase_invalido") from error
    # A key that was used, like those of requests: of two who come with the same, the table lets one pass.
    key = idempotency.Key(sub, f"pase {nonce}", "0" * 64)
    if not run(lambda: idempotency.claim(key, utcnow()), deadline=g.deadline):
        raise Unauthorized("pase_invalido")
    return sid, sub
