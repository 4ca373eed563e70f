"""One action on many tickets."""

import re
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load

from app.errors import Falla
from app.schemas.desk.tickets import TiquetUpdateArgs
from app.schemas.desk.transitions import TransicionArgs
from app.schemas.fields import MAX_ID, SHARED, Booleano, Entero, Lista, Objeto, Opcion, Out, Schema, VacioArgs
from app.schemas.problems import ProblemaSchema

MAX_IDS = 100
AN_ID = re.compile(r"[1-9][0-9]{0,9}")
EJEMPLO = {"ids": [1, 2], "accion": "actualizar", "cambios": {"id_prioridad": 3}, "atomico": False}


class AsignarEnLoteArgs(Schema):
    """A quién se dan los tiquets; a nadie con `null`."""

    id_usuario = Entero(required=True, allow_none=True)


# What each action takes.
CAMBIOS_DE: dict[str, type[Schema]] = {
    "actualizar": TiquetUpdateArgs,
    "transicion": TransicionArgs,
    "asignar": AsignarEnLoteArgs,
    "eliminar": VacioArgs,
}


def cambios_when(accion: str, form: dict[str, Any], *required: str) -> dict[str, Any]:
    then = {"properties": {"cambios": form}, "required": list(required)}
    return {"if": {"properties": {"accion": {"const": accion}}}, "then": then}


class Ids(Lista):
    """The ids of 1 to ``MAX_IDS`` things, none of them twice."""

    constraints: ClassVar[dict[str, Any]] = {"uniqueItems": True}

    def __init__(self, **options: Any) -> None:
        super().__init__(Entero(), min=1, max=MAX_IDS, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        found = super()._deserialize(value, attr, data, **kwargs)
        if len(set(found)) < len(found):
            raise ValidationError([Falla("repetido")])
        return found


class Versiones(fields.Field[Any]):
    """The version that somebody has seen of each thing, by its id."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="un objeto")}  # noqa: RUF012
    constraints: ClassVar[dict[str, Any]] = {
        "type": "object",
        "propertyNames": {"pattern": f"^{AN_ID.pattern}$"},
        "additionalProperties": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    }

    def __init__(self, **options: Any) -> None:
        self.version = Entero()
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, int]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        found: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for id, version in value.items():
            if not AN_ID.fullmatch(id):
                faults[id] = [Falla("fuera_del_lote")]
                continue
            try:
                found[id] = self.version.deserialize(version)
            except ValidationError as error:
                faults[id] = error.messages
        if faults:
            raise ValidationError(faults)
        return found


class LoteArgs(Schema):
    """Una acción sobre varios tiquets."""

    # What ``fit`` demands, for the document.
    constraints: ClassVar[dict[str, Any]] = {
        "allOf": [
            cambios_when("actualizar", {"$ref": "#/components/schemas/TiquetUpdateArgs"}),
            cambios_when("transicion", {"$ref": "#/components/schemas/TransicionArgs"}, "cambios"),
            cambios_when(
                "asignar",
                {
                    "properties": {
                        "id_usuario": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_ID}
                    },
                    "required": ["id_usuario"],
                    "additionalProperties": False,
                },
                "cambios",
            ),
            cambios_when("eliminar", {"maxProperties": 0}),
        ]
    }

    ids = Ids(required=True, metadata={"description": "De 1 a 100 tiquets, en el orden de la respuesta."})
    accion = Opcion(*CAMBIOS_DE, required=True, metadata={"description": "Qué se hace con cada uno."})
    cambios = Objeto(
        max=256 * 1024,
        load_default=dict,
        metadata={
            "description": "Lo que la acción necesita: lo del PUT de un tiquet, lo de sus transiciones,"
            " `id_usuario` (con `null` se sueltan), o nada."
        },
    )
    versiones = Versiones(
        load_default=dict,
        metadata={
            "description": "La versión que se vio de cada tiquet, por su id. El que ya tenga otra no cambia:"
            " su problema es 412. Los que falten cambian como estén, salvo que `EXIGIR_IF_MATCH` las haga"
            " obligatorias al actualizar y eliminar.",
        },
    )
    atomico = Booleano(
        load_default=False,
        metadata={
            "description": "`true`: si uno se rechaza no cambia ninguno. `false`: cada uno por su lado."
        },
    )

    @post_load
    def fit(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Each action takes its own ``cambios``, and the versions are those of its ``ids``."""
        named = {str(id): id for id in data["ids"]}
        strange = [id for id in data["versiones"] if id not in named]
        faults: dict[str, Any] = {"versiones": {id: [Falla("fuera_del_lote")] for id in strange}}
        try:
            cambios = CAMBIOS_DE[data["accion"]]().load(data["cambios"])
        except ValidationError as error:
            faults["cambios"] = error.messages
        if any(faults.values()):
            raise ValidationError(faults)
        versiones = {named[id]: version for id, version in data["versiones"].items()}
        return {**data, "cambios": cambios, "versiones": versiones}


class ResultadoSchema(Out):
    """Qué fue de un tiquet del lote."""

    id = fields.Integer(required=True)
    estado = fields.String(
        required=True,
        metadata={"enum": ["ok", "error"], "description": "`error` trae `problema`; `ok`, `version`."},
    )
    version = fields.Integer(metadata={"description": "La que tiene después."})
    problema = fields.Nested(
        ProblemaSchema, metadata={"description": "El que respondería la ruta del tiquet por sí sola."}
    )


class LoteSchema(Out):
    """Qué fue de cada tiquet, en el orden de `ids`."""

    data = fields.List(fields.Nested(ResultadoSchema), required=True)
    simulacion = fields.Boolean(metadata={"description": "`true` si solo se probó; si no, no está."})
