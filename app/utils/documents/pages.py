"""Pages for people: the documentation and the meaning of each error; no file comes from another host."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Flask, Response, request, send_from_directory, url_for

from app.utils.documents import error_pages
from app.utils.documents.openapi import Api, complete
from app.utils.json import dumps

PAGE = """<!doctype html>
<html lang="es">
<head><meta charset="utf-8"><title>SoportePlus · API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{assets}/swagger-ui.css">
<link rel="icon" href="{assets}/favicon-32x32.png">
<style>{style}</style></head>
<body><div id="swagger-ui" data-document="{document}"></div>
<script src="{assets}/swagger-ui-bundle.js"></script><script src="{start}"></script></body>
</html>
"""
# An operation may fail in ten ways that all look alike: one line each, not one example each.
STYLE = """
.response:is([data-code^="4"], [data-code^="5"]) :is(.response-controls, .model-example, .headers-wrapper),
.response-col_links, .servers, .servers-title { display: none }
"""
START = """const element = document.getElementById("swagger-ui");
const options = {deepLinking: true, persistAuthorization: true, defaultModelsExpandDepth: 0};
SwaggerUIBundle({...options, domNode: element, url: element.dataset.document});
"""
# The page runs its own scripts only; Swagger UI writes styles into its elements.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"


def register(app: Flask, api: Api) -> None:
    """``/api/openapi.json``, ``/api/docs``, ``/api/errores`` and a page for each error, all public."""
    pages = Blueprint("documentos", __name__, url_prefix="/api")
    document = cache(lambda: complete(deepcopy(api.spec.to_dict())))

    @pages.get("/openapi.json")
    def openapi() -> Response:
        here = {"servers": [{"url": request.script_root or "/"}]}
        return Response(dumps(document() | here), content_type="application/json")

    @pages.get("/docs")
    def docs() -> Response:
        page = PAGE.format(
            assets=url_for("documentos.asset", name="").rstrip("/"),
            document=url_for("documentos.openapi"),
            start=url_for("documentos.start"),
            style=STYLE,
        )
        return Response(
            page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY}
        )

    @pages.get("/docs/inicio.js")
    def start() -> Response:
        return Response(START, content_type="text/javascript; charset=utf-8")

    @pages.get("/docs/archivos/<path:name>")
    def asset(name: str) -> Response:
        return send_from_directory(ASSETS, name, max_age=86400)

    error_pages.register(pages, document)
    app.register_blueprint(pages)
