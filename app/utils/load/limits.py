"""How often somebody may ask: requests a minute, told in the headers of every answer that counts."""

from math import ceil
from time import time
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from limits.errors import StorageError

from app.errors import Unauthorized, Unavailable
from app.services.access.attempts import network_of
from app.services.access.tokens import PREFIJO
from app.utils.access import tokens
from app.utils.access.identity import service_holder
from app.utils.load.counts import Counts
from config.config import Config

PETICIONES = "600 per minute"  # of a user, or of whoever has no token from one network
RENOVACIONES = "60 per minute"  # from one network; sign-ins are counted by services/access/attempts.py
EXENTOS = ("service", "documentos")  # blueprints
PATIENCE = 0.25  # seconds that Redis has; it is asked at every request
HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def register(app: Flask, config: Config) -> None:
    """Count the requests that ``app`` gets; after its routes are there.

    The limiter is made here and not in ``extensions``: it keeps its counts and settings in itself, so that
    one would mix those of two applications.
    """
    if not config.ratelimit_enabled:
        return
    options: dict[str, Any] = impatient() if config.redis_url else {}
    limiter = Limiter(
        caller,
        application_limits=[PETICIONES],
        storage_uri=config.redis_url or f"{Counts.STORAGE_SCHEME[0]}://",
        storage_options=options,
        in_memory_fallback_enabled=bool(config.redis_url),
        key_prefix="soporteplus",
    )
    limiter.request_filter(is_exempt)
    renew: Any = app.view_functions["auth.refresh"]
    app.view_functions["auth.refresh"] = limiter.limit(RENOVACIONES, key_func=network)(renew)
    app.after_request(lambda response: tell(limiter, response))
    limiter.init_app(app)


def impatient() -> dict[str, Any]:
    """For a Redis that may hang: one short try, and each process counts by itself until it is back."""
    from redis.backoff import NoBackoff  # Only where there is one: it is slow to load.
    from redis.retry import Retry

    waiting = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    return {**waiting, "retry": Retry(NoBackoff(), 0), "wrap_exceptions": True}


def is_exempt() -> bool:
    """Whether nobody counts: for who watches over the service, and for what a browser asks by itself."""
    return request.blueprint in EXENTOS or request.method == "OPTIONS"


def caller() -> str:
    """The user whose token it is, or else the network it comes from."""
    try:
        token = tokens.bearer()
        id = service_holder(token).id if token.startswith(PREFIJO) else tokens.claims(token, "access")["sub"]
    except (Unauthorized, Unavailable):
        return network()
    return f"usuario {id}"


def network() -> str:
    return f"red {network_of(request.remote_addr)}"


def tell(limiter: Limiter, response: Response) -> Response:
    """Say how many requests are left, unless nobody counted; the refusal itself is a 429 by problems.py."""
    limit = limiter.current_limit
    if limit is None or (response.status_code == 429 and not limit.breached):
        return response  # Who is refused by another count is not told how much is left of this one.
    try:
        left, seconds = limit.remaining, max(1, ceil(limit.window.reset_time - time()))
    except StorageError:  # Redis went away since it counted this request; the next one is counted here.
        return response
    response.headers.update(zip(HEADERS, map(str, (limit.limit.amount, left, seconds)), strict=True))
    if limit.breached:
        response.headers["Retry-After"] = str(seconds)
    return response
