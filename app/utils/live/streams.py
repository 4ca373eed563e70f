"""The change feed as server-sent events: the same events, told as they come."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from flask import Response, g, request, stream_with_context

from app.errors import AppError
from app.permissions import Permiso
from app.services.log import feed
from app.services.log.feed import Tramo
from app.utils.access.identity import current_actor
from app.utils.blueprint import enter_again
from app.utils.cursors import feed_cursor
from app.utils.json import dumps
from app.utils.live import waiting
from app.utils.live.feed import place

LIFE = 60.0  # seconds; then the client opens the next one, from the last id that it has
HEARTBEAT = 15.0
PAGE = 100
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def opened(args: dict[str, Any]) -> Response:
    """A stream from ``Last-Event-ID`` on, or else ``desde``. What can be refused is, before it begins."""
    start = place(request.headers.get("Last-Event-ID") or args.get("desde"))
    tramo = feed.page(current_actor(), start, PAGE, g.deadline)
    waiting.take_place()
    lines = stream_with_context(told(tramo))
    response = Response(lines, content_type="text/event-stream", headers=HEADERS)
    response.call_on_close(waiting.PLAZAS.release)
    return response


def told(tramo: Tramo) -> Iterator[bytes]:
    """The events of ``tramo`` and those that follow, as long as the caller may know of them."""
    end = monotonic() + LIFE
    yield b"retry: 1000\n\n"
    with suppress(AppError):  # The status has been sent: all that can be said now is that it is over.
        while True:
            yield from map(as_lines, tramo.eventos)
            if not tramo.eventos:
                yield heartbeat(tramo.siguiente)
            if monotonic() >= end:
                return
            beat = min(end, monotonic() + HEARTBEAT)
            waiting.until(partial(feed.has_more, tramo.siguiente), beat)
            if waiting.is_over():
                return
            enter_again(Permiso.VER_CAMBIOS)
            tramo = feed.page(current_actor(), tramo.siguiente, PAGE, g.deadline)


def as_lines(evento: dict[str, Any]) -> bytes:
    cursor, accion = feed_cursor(evento["secuencia"]), evento["accion"]
    return f"id: {cursor}\nevent: {accion}\ndata: ".encode() + dumps(evento) + b"\n\n"


def heartbeat(siguiente: int) -> bytes:
    """Shows either side that the other is there; the id, that what the caller does not see was passed by."""
    return f": latido\nid: {feed_cursor(siguiente)}\n\n".encode()
