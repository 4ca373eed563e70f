"""``ETag``, ``If-Match`` and ``If-None-Match``: ``"<version>.<digest of the body>"``."""

import hashlib
import re
from typing import Any

from flask import Response, g, request

from app.errors import BadRequest, PreconditionRequired
from app.extensions import settings
from app.services.versions import Precondicion
from app.utils.json import dumps

ONE = r'(W/)?"[^"\x00-\x20\x7f]*"'
TAGS = re.compile(rf"^(\*|{ONE}([ \t]*,[ \t]*{ONE})*)$")  # The document shows it too.
TAG = re.compile(r'"([^"]*)"')
PREFERENCE = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')  # Up to the next comma outside quotes.
VERSION = re.compile(r"(\d{1,18})(?:\.|$)", re.ASCII)


def shown(
    thing: dict[str, Any],
    version: int | None = None,
    status: int = 200,
    location: str | None = None,
    merged: bool = False,
) -> Response:
    """One object as a response with its ETag; 304 when the caller has it already."""
    body = dumps(thing)
    digest = hashlib.sha256(body).hexdigest()[:16]
    etag = f'"{thing["version"] if version is None else version}.{digest}"'
    known = header_tags("If-None-Match") if request.method in ("GET", "HEAD") else []
    if etag.strip('"') in known or "*" in known:
        return Response(status=304, headers={"ETag": etag})
    response = Response(body, status, content_type="application/json", headers={"ETag": etag})
    if location:
        response.headers["Location"] = location
    if merged:
        response.headers["Preference-Applied"] = "merge"
    return response


def with_secret(response: Response, **secret: str) -> Response:
    """An answer that shows a secret beside its object; none that repeats it does (``idempotency.kept``)."""
    g.unrepeated = response.get_data()
    response.set_data(g.unrepeated[:-1] + b"," + dumps(secret)[1:])
    return response


def listed(thing: Any, status: int = 200) -> Response:
    """A list, or whatever has no version, as a response."""
    return Response(dumps(thing), status, content_type="application/json")


def header_tags(name: str) -> list[str]:
    """The entity tags of a header, without quotes and weakness; ``*`` stands for any."""
    value = request.headers.get(name)
    if value is None:
        return []
    if not TAGS.fullmatch(value.strip()):
        raise BadRequest("cabecera_invalida", cabecera=name)
    return TAG.findall(value) or ["*"]


def if_match() -> Precondicion:
    """The versions that the caller accepts. A tag that is none of ours matches nothing."""
    tags = header_tags("If-Match")
    if not tags and settings().exigir_if_match:
        raise PreconditionRequired
    if not tags or "*" in tags:
        return Precondicion()
    versions = frozenset(int(found[1]) for tag in tags if (found := VERSION.match(tag)))
    return Precondicion(versions, mezclar=prefers_merge())


def prefers_merge() -> bool:
    """Whether ``Prefer`` (RFC 7240) asks for it; all other preferences are ignored, as is a malformed one."""
    for preference in PREFERENCE.findall(request.headers.get("Prefer", "")):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "merge" and value.strip() in ("", '""'):
            return True
    return False
