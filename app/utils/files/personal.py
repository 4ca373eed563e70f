"""All that is stored of somebody, as one JSON document that is made while it is sent."""

from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context, url_for

from app.models import utcnow
from app.utils.json import dumps


def exported(entidad: str, persona: dict[str, Any], secciones: Iterator[Any]) -> Response:
    """The document as a download. One that broke off is no JSON: its last sign is missing."""
    response = Response(
        stream_with_context(document(entidad, persona, secciones)), mimetype="application/json"
    )
    name = f"{entidad}-{persona['id']}-datos.json"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    response.headers["Cache-Control"] = "no-store"
    return response


def document(entidad: str, persona: dict[str, Any], secciones: Iterator[Any]) -> Iterator[bytes]:
    opening = {"generado": utcnow(), "entidad": entidad, "persona": persona}
    yield dumps(opening)[:-1]
    for name, pieces in secciones:
        yield b"," + dumps(name) + b":["
        between = b""
        for piece in pieces:
            rows = [with_address(row) if name == "adjuntos" else row for row in piece]
            yield between + b",".join(map(dumps, rows))
            between = b","
        yield b"]"
    yield b"}"


def with_address(adjunto: dict[str, Any]) -> dict[str, Any]:
    """A file with where its bytes are."""
    path = {"id": adjunto["id_tiquet"], "id_adjunto": adjunto["id"]}
    return adjunto | {"contenido": url_for("adjuntos.download_attachment", **path)}
