"""How often somebody may ask: requests a minute, told in the headers of every answer that counts."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import time
from typing import Any

from flask import Flask, Response, g, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.errors import TooMany, Unauthorized, Unavailable
from app.services.access.attempts import network_of
from app.services.access.tokens import PREFIJO
from app.utils.access import tokens
from app.utils.access.identity import service_holder
from app.utils.load.counts import Counts
from config.config import Config

logger = logging.getLogger("soporteplus.limites")

PETICIONES = RateLimitItemPerMinute(600)  # of a user, or of whoever has no token from one network
# From one network; sign-ins are counted by services/access/attempts.py.
RENOVACIONES = RateLimitItemPerMinute(60)
RENOVAR = "auth.refresh"
EXENTOS = ("service", "documentos")  # blueprints
PATIENCE = 0.25  # seconds that Redis has; it is asked at every request
AWAY = 5.0  # seconds until it is asked again when it did not answer
HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
NAME = "soporteplus"  # before the keys in Redis, which may have others


@dataclass(frozen=True)
class Cuenta:
    """How much of a limit is left to whoever asks, and until when; ``excedida`` when it was too much."""

    limite: int
    quedan: int
    segundos: int
    excedida: bool


class Cuentas:
    """The counts of one application: in Redis where there is one; without it, or while it is away, here."""

    def __init__(self, redis_url: str) -> None:
        self.here = FixedWindowRateLimiter(Counts())
        self.shared = (
            FixedWindowRateLimiter(storage_from_string(redis_url, **impatient())) if redis_url else None
        )
        self.ask_again = 0.0

    def take(self, limit: RateLimitItem, key: str) -> Cuenta:
        """Count one more request of ``key``."""
        if self.shared and time() >= self.ask_again:
            try:
                counted = taken(self.shared, limit, key)
            except StorageError as error:
                self.ask_again = time() + AWAY
                why = type(error.storage_error).__name__
                logger.warning("Redis is away (%s): this process counts requests by itself", why)
            else:
                if self.ask_again:
                    self.ask_again = 0.0
                    logger.info("Redis is back")
                return counted
        return taken(self.here, limit, key)


def taken(limiter: FixedWindowRateLimiter, limit: RateLimitItem, key: str) -> Cuenta:
    within = limiter.hit(limit, NAME, key)
    until, left = limiter.get_window_stats(limit, NAME, key)
    return Cuenta(limit.amount, left, max(1, ceil(until - time())), not within)


def impatient() -> dict[str, Any]:
    """For a Redis that may hang: one short try."""
    from redis.backoff import NoBackoff  # Only where there is one: it is slow to load.
    from redis.retry import Retry

    waiting = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    return {**waiting, "retry": Retry(NoBackoff(), 0), "wrap_exceptions": True}


def register(app: Flask, config: Config) -> None:
    """Count the requests that ``app`` gets, by counts of its own."""
    if config.ratelimit_enabled:
        app.before_request(counting(Cuentas(config.redis_url)))
        app.after_request(tell)


def counting(cuentas: Cuentas) -> Callable[[], None]:
    def count() -> None:
        """Refuse who asks too often; a renewal is counted twice, and the narrower count is told."""
        if is_exempt():
            return
        wanted = [(PETICIONES, caller())]
        if request.endpoint == RENOVAR:
            wanted.append((RENOVACIONES, f"renovar {network()}"))
        for limit, key in wanted:
            g.cuenta = cuentas.take(limit, key)
            if g.cuenta.excedida:
                raise TooMany(retry_after=g.cuenta.segundos)

    return count


def is_exempt() -> bool:
    """Whether nobody counts: for who watches over the service, and for what a browser asks by itself."""
    return request.endpoint is None or request.blueprint in EXENTOS or request.method == "OPTIONS"


def caller() -> str:
    """The user whose token it is, or else the network it comes from."""
    try:
        token = tokens.bearer()
        id = service_holder(token).id if token.startswith(PREFIJO) else tokens.access()["sub"]
    except (Unauthorized, Unavailable):
        return network()
    return f"usuario {id}"


def network() -> str:
    return f"red {network_of(request.remote_addr)}"


def tell(response: Response) -> Response:
    """Say how many requests are left, unless nobody counted."""
    cuenta: Cuenta | None = g.get("cuenta")
    # Who is refused by another count is not told how much is left of this one.
    if cuenta and (response.status_code != 429 or cuenta.excedida):
        told = (cuenta.limite, cuenta.quedan, cuenta.segundos)
        response.headers.update(zip(HEADERS, map(str, told), strict=True))
    return response
