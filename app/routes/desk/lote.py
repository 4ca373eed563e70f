"""One action on many tickets."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.schemas.desk.lote import EJEMPLO, LoteArgs, LoteSchema
from app.schemas.simulation import SimularArgs
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.writes import lote, simulation

blp = Blueprint("lote", __name__, description="La misma acción sobre varios tiquets.")


@blp.post("/lote", permiso=Permiso.GESTIONAR_TIQUET)
@blp.arguments(SimularArgs, location="query")
@blp.arguments(LoteArgs, example=EJEMPLO)
@blp.response(200, LoteSchema, unit=False)
@blp.problems("lote_rechazado", "faltan_versiones")
def change_many(args: dict[str, Any], datos: dict[str, Any]) -> Response:
    """Hacer lo mismo con varios tiquets

    Hasta 100, cada uno con las mismas reglas y los mismos eventos que por sí solo. Con `atomico`, si uno se
    rechaza no cambia ninguno: es 422 y `resultados` dice por qué. Sin él, un tiquet al que no le llegó el
    tiempo lleva un problema 503, y al repetir la petición con la misma `Idempotency-Key` se termina lo que
    falte; si se cortó antes de responder, desde 15 segundos después. Con `versiones`, a un tiquet que otros
    cambiaron entretanto no se le hace nada.
    """
    simulation.heed(args)
    return lote.answered(current_actor(), datos)
