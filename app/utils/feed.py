"""The change feed over HTTP: its cursors and its pages."""

from typing import Any

from flask import Response, g

from app.services import feed
from app.services.feed import Tramo
from app.utils import cursors
from app.utils.etag import listed
from app.utils.identity import current_actor

AHORA = "ahora"


def place(desde: str | None) -> int | None:
    """The number that the caller has come to; None at the beginning."""
    if desde == AHORA:
        return feed.end(g.deadline)
    return None if desde is None else cursors.feed_place(desde)


def page(args: dict[str, Any]) -> Response:
    return told(feed.page(current_actor(), place(args.get("desde")), args["limite"], g.deadline))


def told(tramo: Tramo) -> Response:
    return listed({"data": tramo.eventos, "siguiente": cursors.feed_cursor(tramo.siguiente)})
