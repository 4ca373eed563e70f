"""The change feed over HTTP: its cursors and its pages."""

from functools import partial
from time import monotonic
from typing import Any

from flask import Response, g

from app.permissions import Permiso
from app.services.log import feed
from app.services.log.feed import Tramo
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import enter_again
from app.utils.etag import listed
from app.utils.live import waiting

AHORA = "ahora"


def place(desde: str | None) -> int | None:
    """The number that the caller has come to; None at the beginning."""
    if desde == AHORA:
        return feed.end(g.deadline)
    return None if desde is None else cursors.feed_place(desde)


def page(args: dict[str, Any]) -> Response:
    """The next events; without any, those that come within ``espera`` seconds."""
    limite, end = args["limite"], monotonic() + args["espera"]
    tramo = feed.page(current_actor(), place(args.get("desde")), limite, g.deadline)
    if tramo.eventos or not args["espera"]:
        return told(tramo)
    with waiting.place():
        while not tramo.eventos and waiting.until(partial(feed.has_more, tramo.siguiente), end):
            enter_again(Permiso.VER_CAMBIOS)
            tramo = feed.page(current_actor(), tramo.siguiente, limite, g.deadline)
    return told(tramo)


def told(tramo: Tramo) -> Response:
    return listed({"data": tramo.eventos, "siguiente": cursors.feed_cursor(tramo.siguiente)})
