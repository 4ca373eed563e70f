"""Pages for people: the documentation and the meaning of each error; no file comes from another host."""

from copy import deepcopy
from functools import cache
from html import escape
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Flask, Response, request, send_from_directory, url_for

from app.errors import NotFound
from app.utils.json import dumps
from app.utils.messages import PROBLEMAS
from app.utils.openapi import Api, complete

PAGE = """<!doctype html>
<html lang="es">
<head><meta charset="utf-8"><title>SoportePlus · API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{assets}/swagger-ui.css">
<link rel="icon" href="{assets}/favicon-32x32.png"></head>
<body><div id="swagger-ui" data-document="{document}"></div>
<script src="{assets}/swagger-ui-bundle.js"></script><script src="{start}"></script></body>
</html>
"""
START = """const element = document.getElementById("swagger-ui");
const options = {domNode: element, deepLinking: true, persistAuthorization: true};
SwaggerUIBundle({...options, url: element.dataset.document});
"""
# The page runs its own scripts only; Swagger UI writes styles into its elements.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ERROR_PAGE = """<!doctype html>
<html lang="es">
<head><meta charset="utf-8"><title>{codigo} · SoportePlus</title></head>
<body><h1><code>{codigo}</code></h1><p>{spanish}</p><p lang="en">{english}</p></body>
</html>
"""
ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"


def register(app: Flask, api: Api) -> None:
    """``/api/openapi.json``, ``/api/docs`` and ``/api/errores/<codigo>``, all public."""
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
        )
        return Response(
            page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY}
        )

    @pages.get("/docs/inicio.js")
    def start() -> Response:
        return Response(START, content_type="text/javascript; charset=utf-8")

    @pages.get("/errores/<codigo>")
    def error(codigo: str) -> Response:
        if codigo not in PROBLEMAS:
            raise NotFound
        spanish, english = PROBLEMAS[codigo]
        page = ERROR_PAGE.format(codigo=codigo, spanish=escape(spanish), english=escape(english))
        return Response(page, content_type="text/html; charset=utf-8")

    @pages.get("/docs/archivos/<path:name>")
    def asset(name: str) -> Response:
        return send_from_directory(ASSETS, name, max_age=86400)

    app.register_blueprint(pages)
