"""What may be done to a ticket now, and doing it."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load

from app.errors import Falla
from app.schemas.fields import Entero, Opcion, Out, Schema, Texto
from app.schemas.pages import pagina_de
from app.transitions import NOMBRABLES

# Fields that belong to one action.
DE_ACCION = {"resolucion": "resolver", "motivo": "cancelar", "motivo_cierre": "cancelar"}


class TransicionArgs(Schema):
    """Una acción y lo que necesita."""

    # What ``fit`` demands, for the document.
    constraints: ClassVar[dict[str, Any]] = {
        "dependentSchemas": {
            campo: {"properties": {"accion": {"const": a}}} for campo, a in DE_ACCION.items()
        },
        "if": {"properties": {"accion": {"const": "cancelar"}}},
        "then": {"required": ["motivo"]},
    }

    accion = Opcion(*NOMBRABLES, required=True, metadata={"description": "Qué se hace con el tiquet."})
    id_estado = Entero(metadata={"description": "Un estado del tipo al que lleva; si falta, el suyo."})
    resolucion = Texto(max=10_000, lines=True, metadata={"description": "Cómo se resolvió; para `resolver`."})
    motivo = Texto(max=10_000, lines=True, metadata={"description": "Por qué; `cancelar` lo exige."})
    motivo_cierre = Opcion(
        "cancelado", "duplicado", metadata={"description": "Solo con `cancelar`; por defecto `cancelado`."}
    )

    @post_load
    def fit(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Each action takes its own fields."""
        errores = {
            campo: [Falla("no_es_de_esta_accion", accion=accion)]
            for campo, accion in DE_ACCION.items()
            if campo in data and data["accion"] != accion
        }
        if data["accion"] == "cancelar" and "motivo" not in data:
            errores["motivo"] = [Falla("requerido")]
        if errores:
            raise ValidationError(errores)
        return data


class AsignarArgs(Schema):
    """A quién se da un tiquet."""

    id_usuario = Entero(required=True, metadata={"description": "Alguien del personal, activo."})


class TransicionSchema(Out):
    """Una acción que quien pregunta puede hacer ahora."""

    accion = fields.String(required=True)
    tipo_destino = fields.String(required=True, metadata={"description": "El tipo de estado en que quedará."})
    requiere = fields.List(
        fields.String(), required=True, metadata={"description": "Los campos que hay que enviar con ella."}
    )


TransicionesSchema = pagina_de(TransicionSchema)
