"""What every request gets: an id, a deadline, and the headers of its answer."""

import re
from time import monotonic
from uuid import uuid4

from flask import Flask, Response, g, request

from app.extensions import settings
from app.transaction import LIMIT

HSTS = "max-age=31536000"  # a year; of other names below this one it says nothing
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def begin() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.id_solicitud = sent if REQUEST_ID.fullmatch(sent) else uuid4().hex
    g.deadline = monotonic() + LIMIT


def restart_clock() -> None:
    """Give what follows its whole time, behind a step that may be slow: a body of many megabytes, a store."""
    g.deadline = monotonic() + LIMIT


def finish(response: Response) -> Response:
    headers = response.headers
    if "id_solicitud" in g:
        headers["X-Request-Id"] = g.id_solicitud
    private = "no-store" if request.path.startswith("/api/auth/") else "private, no-cache"
    headers.setdefault("Cache-Control", private)
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    headers["X-Content-Type-Options"] = "nosniff"
    if response.status_code == 204:
        headers.pop("Content-Type", None)  # It has no content, so no type either.
    headers["Referrer-Policy"] = "no-referrer"
    if request.is_secure:  # Itself, or by the word of a proxy that is trusted.
        headers["Strict-Transport-Security"] = HSTS
    if settings().cors_origins:
        headers.add("Vary", "Origin")  # Also where none is let in: that answer is not for the others.
    if response.status_code == 304 or response.mimetype in ("application/json", "application/problem+json"):
        headers.add("Vary", "Authorization, Accept-Language")
    return response


def register(app: Flask) -> None:
    app.before_request(begin)
    app.after_request(finish)
