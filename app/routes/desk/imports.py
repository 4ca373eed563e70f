"""Tickets that come in as a file."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.schemas.desk.imports import EJEMPLO, ImportarArgs
from app.schemas.simulation import SimularArgs
from app.utils.blueprint import Blueprint
from app.utils.files import imports
from app.utils.writes import simulation

blp = Blueprint("importar", __name__, description="Tiquets de un archivo.")

LINEAS = {"type": "string", "description": "Una línea JSON por fila, y una última que las cuenta."}


@blp.post("/importar", permiso=Permiso.IMPORTAR_TIQUET)
@blp.arguments(SimularArgs, location="query")
@blp.arguments(ImportarArgs, location="multipart", example=EJEMPLO)
@blp.response(200, LINEAS, content_type="application/x-ndjson", unit=False)
def import_tickets(args: dict[str, Any], datos: dict[str, Any]) -> Response:
    """Importar tiquets

    NDJSON o CSV con las columnas de `exportar`, o con parte de ellas; se distinguen por su primer carácter.
    Un tiquet entra como fue: con su estado, sus fechas, quién lo abrió y quién lo tiene, si todo ello puede
    ser a la vez. No se asigna solo. Los números, las relaciones y las cuentas no se importan.

    Lo que se nombra va por `id_categoria`, por `categoria` (su nombre o su código) o por ambos, y entonces
    tienen que coincidir; una persona, por `id_usuario_creador`, por su correo en `usuario_creador`, …

    Cada fila se conoce por `origen_externo` e `id_externo`, o si no los tiene por el `numero` y la
    `fecha_creacion` con que se exportó: la que ya está es `ya_existia` y no cambia, así que lo que se cortó
    se termina al repetirlo. La respuesta es una línea por fila: `linea`, `resultado` (`creado`, `ya_existia`
    o `error`) con `id` y `numero`, o con los `errores` de un 422; la última, `total`, `creados`,
    `ya_existian` y `errores`, y con `problema` si quedó algo sin hacer. Una fila mala no estorba a las demás.
    Con `simular` no se guarda ninguna.
    """
    simulation.heed(args)
    return imports.answered(datos)
