"""Personal data of customers and employees: all of it, and none of it."""

from typing import Any

from flask import Response, g

from app.permissions import Permiso
from app.schemas.personal import AnonimizarArgs, DatosSchema
from app.services import people
from app.services.privacy import anonymising, personal
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import shown
from app.utils.files.personal import exported
from app.utils.writes.idempotency import in_units

EJEMPLO = {"confirmar": "lucia@example.org"}


def register(blp: Blueprint, entidad: str, schema: type[Any]) -> None:
    """Add both views to the blueprint of a kind of people."""

    @blp.get("/<id:id>/datos", permiso=Permiso.EXPORTAR_PERSONA)
    @blp.response(200, DatosSchema)
    @blp.doc(**{"x-archivo": True})
    @blp.problems(f"{entidad}_no_encontrado")
    def export_data(id: int) -> Response:
        """Exportar los datos personales

        Todo lo guardado de la persona, en un documento que se va haciendo mientras se envía. Queda en el
        registro quién lo pidió. Trae también lo que el personal escribió: léalo antes de entregarlo.
        """
        return exported(entidad, *personal.export(current_actor(), entidad, id))

    @blp.post("/<id:id>/anonimizar", permiso=Permiso.ANONIMIZAR_PERSONA)
    @blp.arguments(AnonimizarArgs, example=EJEMPLO)
    @blp.response(200, schema, unit=False)
    @blp.tagged
    @blp.problems(f"{entidad}_no_encontrado")
    def anonymise(datos: dict[str, Any], id: int) -> Response:
        """Borrar los datos personales, sin vuelta atrás

        De la persona y de sus usuarios, de sus tiquets con comentarios y adjuntos, y de lo que el registro
        dice de ellos. Si no cabe en una petición, `fecha_anonimizado` es `null` en la respuesta: repítala, o
        espere al mantenimiento. De quien ya está anonimizado no cambia nada.
        """
        return in_units(lambda: anonymised(id, datos["confirmar"]))

    def anonymised(id: int, confirmar: str) -> tuple[Response, bool]:
        whole = anonymising.erase(current_actor(), entidad, id, confirmar, g.deadline)
        return shown(people.shown(entidad, id)), whole
