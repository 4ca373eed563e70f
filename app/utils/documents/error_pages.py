"""A page for each error code, at the address that its problem document gives as ``type``."""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template
from markupsafe import Markup, escape

from app.errors import NotFound
from app.utils.documents.openapi import METHODS
from app.utils.field_messages import FALLAS
from app.utils.messages import ESTADO_DE, PROBLEMAS, PROBLEMAS_POR_ESTADO, TITULOS

# Pages without scripts, which write their own style.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
HOLE = re.compile(r"\{(\w+)\}")

Operation = tuple[str, str, str]  # method, path, summary


def huecos(text: str) -> Markup:
    """A message with its holes marked: what stands there differs from case to case."""
    return Markup(HOLE.sub(r"<var>\1</var>", str(escape(text))))  # noqa: S704 (escaped before)


def register(pages: Blueprint, document: Callable[[], dict[str, Any]]) -> None:
    """Add ``/errores`` and ``/errores/<codigo>`` to the public ``pages``."""
    pages.add_app_template_filter(huecos)

    @pages.get("/errores")
    def errors() -> Response:
        return page("errores.html", problemas=PROBLEMAS_POR_ESTADO)

    @pages.get("/errores/<codigo>")
    def error(codigo: str) -> Response:
        if codigo not in PROBLEMAS:
            raise NotFound
        spanish, english = PROBLEMAS[codigo]
        return page(
            "error.html",
            codigo=codigo,
            status=ESTADO_DE[codigo],
            spanish=spanish,
            english=english,
            fallas=FALLAS if codigo == "datos_invalidos" else {},
            operations=answering(document(), codigo),
        )


def page(template: str, **about: Any) -> Response:
    html = render_template(template, titulos=TITULOS, **about)
    return Response(
        html, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY}
    )


def answering(document: dict[str, Any], codigo: str) -> list[Operation]:
    """The operations that the document says may answer ``codigo``."""
    named = {
        name
        for name, response in document["components"]["responses"].items()
        if f"`{codigo}`" in response["description"]
    }
    return [
        (method.upper(), path, operation["summary"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
        and named & {about.get("$ref", "").rpartition("/")[2] for about in operation["responses"].values()}
    ]
