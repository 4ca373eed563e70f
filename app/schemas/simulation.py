"""Asking what a write would do."""

from marshmallow import fields

from app.schemas.desk.tickets import TiquetSchema
from app.schemas.fields import Booleano, Out, Schema
from app.schemas.log.audit import CambioSchema


class SimularArgs(Schema):
    """Si se hace, o solo se prueba."""

    simular = Booleano(
        query=True,
        metadata={"description": "`true`: se comprueba todo y se responde qué cambiaría; no se guarda nada."},
    )


class SimulacionSchema(Out):
    """Lo que cambiaría con `simular=true`, y el tiquet como quedaría; nada de ello se guardó."""

    simulacion = fields.Boolean(required=True, metadata={"description": "Siempre `true`."})
    cambios = fields.List(fields.Nested(CambioSchema), required=True)
    tiquet = fields.Nested(
        TiquetSchema,
        required=True,
        metadata={"description": "Si es nuevo, su `id` y su `numero` son provisionales."},
    )
