"""What schemathesis is told of this service: who calls, and which refusals no document can foresee.

It loads this in its own process, where ``create_app()`` has the database of the server under test.
"""

import json
import os
from functools import cache
from typing import Any
from urllib.request import Request, urlopen

import schemathesis
from flask import Flask

from app import create_app
from app.services.access.passwords import hash_password
from app.services.access.users import CLAVE_DE_DEMO
from app.utils.etag import TAGS
from tests import factories

ROLE = os.environ["SCHEMATHESIS_ROLE"]  # Empty: nobody.
SERVER = os.environ["SCHEMATHESIS_SERVER"]
# They end the session, or use up its refresh token.
ENDING = ("auth_logout", "auth_logout_everywhere", "auth_end_session", "auth_refresh")

# Codes of refusals that depend on what is stored, on other fields, or on a size in bytes.
BY_STATE = {
    *("no_existe", "inactivo", "de_otra_categoria", "un_solo_solicitante", "usuario_no_asignable"),
    *("no_es_personal_activo", "es_el_mismo"),
    *("resolucion_requerida", "solo_al_cerrar", "solo_lectura", "solo_en_la_papelera", "ciclo"),
    *("el_mismo_tiquet", "demasiados_niveles", "con_entidad", "solo_de_solicitante", "solo_del_personal"),
    *("predeterminada_inactiva", "predeterminado_requerido", "clave_comun", "clave_parecida", "zona_horaria"),
    *("demasiado_grande", "version_obsoleta", "clave_reutilizada", "cursor_invalido", "lote_rechazado"),
    *("archivo_vacio", "columna_desconocida", "columna_repetida", "codificacion", "csv_invalido"),
    *("en_el_futuro", "correo_ilegible"),
    *("json_numero_demasiado_largo", "fuera_de_plazo", "codigo_incorrecto", "no_es_esa_persona"),
    *("url_invalida", "solo_https", "destino_no_permitido", "fuera_del_lote"),
    "requerido",  # Of several fields that may be left out, one has to be there.
}

schemathesis.serializer.alias("message/rfc822", "application/octet-stream")


@cache
def app() -> Flask:
    return create_app()


@cache
def demo_hash() -> str:
    return hash_password(CLAVE_DE_DEMO)


def ask(path: str, body: dict[str, str] | None = None, token: str = "") -> Any:
    """What the server answers; raises ``HTTPError`` unless it is 2xx."""
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urlopen(Request(SERVER + path, data, headers), timeout=60) as answer:
        return json.load(answer)


class Somebody:
    """Whoever has the role. One who was signed out, deactivated, demoted … by a case has a successor."""

    def __init__(self) -> None:
        self.pair: dict[str, str] = {}

    def get(self, case: schemathesis.Case, _context: object) -> str:
        operation = case.operation.definition.raw["operationId"]
        if operation in ENDING or not self.is_still():
            self.sign_in()
        return self.pair["refresh_token" if operation == "auth_refresh" else "access_token"]

    def set(self, case: schemathesis.Case, token: str, _context: object) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}

    def is_still(self) -> bool:
        if not self.pair:
            return False
        try:
            me = ask("/api/auth/me", token=self.pair["access_token"])
        except OSError:  # 401 or 403 is one, too.
            return False
        return me["tipo_usuario"] == ROLE and not me["debe_cambiar_clave"]

    def sign_in(self) -> None:
        """As a new user, whose password is that of the examples."""
        with app().app_context():
            email = factories.UsuarioFactory(tipo_usuario=ROLE, password_hash=demo_hash()).email
        self.pair = ask("/api/auth/login", {"email": email, "password": CLAVE_DE_DEMO})


if ROLE:
    schemathesis.auth(refresh_interval=None)(Somebody)


@schemathesis.check
def refused_by_state(_context: object, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """What the document allows is refused for what is stored only, never for the form of a value."""
    if not (case.meta and case.meta.generation.mode.is_positive and response.status_code in (400, 412, 422)):
        return
    tags = [value for name, value in (case.headers or {}).items() if name in ("If-Match", "If-None-Match")]
    if any(not TAGS.fullmatch(value) for value in tags):
        return  # A number counts as any text to schemathesis, whatever the pattern.
    problem = response.json()
    errores = problem.get("errores", {"": [problem]})
    codes = {falla["codigo"] for fallas in errores.values() for falla in fallas}
    assert codes <= BY_STATE, f"{case.operation.label} refused what its document allows: {errores}"


@schemathesis.hook
def before_call(_context: object, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    """Headers are text; schemathesis takes X-Request-Id for the id of a row, and puts a number there."""
    for name, value in (case.headers or {}).items():
        if isinstance(value, int):
            case.headers[name] = str(value)
    if (case.query or {}).get("espera"):
        case.query["espera"] = "0"
    if case.operation.definition.raw["operationId"] == "cambios_stream_changes":
        # A stream that begins lasts for a minute, so here it is refused; tests/test_streams.py reads some.
        case.headers = {**(case.headers or {}), "Last-Event-ID": "de-otra-lista"}
