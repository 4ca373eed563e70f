"""Cursors: where a list goes on, signed and bound to the list it was made for."""

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask import request
from itsdangerous import BadData, URLSafeSerializer

from app.errors import BadRequest
from app.extensions import settings
from app.queries.pagination import TOTAL_EXACTO, Corte, Pagina


def serializer() -> URLSafeSerializer:
    return serializer_of(settings().secret_key, f"cursor:{fingerprint()}")


@lru_cache(maxsize=256)
def serializer_of(secret: str, salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=salt)


def fingerprint() -> str:
    """The list that the request asks for: its path and parameters, less the page's own."""
    parts = sorted((k, v) for k, v in request.args.items(multi=True) if k not in ("cursor", "limite"))
    return hashlib.sha256(repr((request.path, parts)).encode()).hexdigest()


def read(cursor: str | None) -> Corte | None:
    """The place that ``cursor`` names in this list."""
    if cursor is None:
        return None
    try:
        total, *values = serializer().loads(cursor)
        exacto = not isinstance(total, list)
        total = total if exacto else total[0]
    except (BadData, ValueError, TypeError) as error:
        raise BadRequest("cursor_invalido") from error
    return Corte(
        tuple(datetime.fromisoformat(v[0]) if isinstance(v, list) else v for v in values), total, exacto
    )


def feed() -> URLSafeSerializer:
    """The cursors of the change feed: of no filter, and the same for pages and streams."""
    return serializer_of(settings().secret_key, "cursor:cambios")


def feed_cursor(secuencia: int) -> str:
    return str(feed().dumps(secuencia))


def feed_place(cursor: str) -> int:
    """The number behind which a cursor of the change feed goes on."""
    try:
        return int(feed().loads(cursor))
    except (BadData, ValueError, TypeError) as error:
        raise BadRequest("cursor_invalido") from error


def envelope(pagina: Pagina, limite: int) -> dict[str, Any]:
    """A page as a client gets it."""
    siguiente = serializer().dumps(plain(pagina.siguiente)) if pagina.siguiente else None
    return {
        "data": pagina.filas,
        "paginacion": {
            "limite": limite,
            "siguiente": siguiente,
            "total": min(pagina.total, TOTAL_EXACTO),
            "total_exacto": pagina.exacto and pagina.total <= TOTAL_EXACTO,
        },
    }


def capped(total: int, name: str, exact: str) -> dict[str, Any]:
    """A number that was counted up to one more than ``TOTAL_EXACTO``, and whether it is all."""
    return {name: min(total, TOTAL_EXACTO), exact: total <= TOTAL_EXACTO}


def plain(corte: Corte) -> list[Any]:
    """What a cursor says, as JSON: an instant is a list, so that no text, a surname say, is taken for one.

    So is a total that others may be added to.
    """
    total = corte.total if corte.exacto else [corte.total]
    return [total, *([v.isoformat()] if isinstance(v, datetime) else v for v in corte.valores)]


def whole(filas: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that is short enough to be given at once, in the same envelope."""
    pagination = {
        "limite": max(TOTAL_EXACTO, len(filas)),
        "siguiente": None,
        "total": len(filas),
        "total_exacto": True,
    }
    return {"data": filas, "paginacion": pagination}
