"""What points at what: references that must hold, and rows that cannot go while others need them."""

from typing import Any

from app.errors import Conflict, Falla, Invalid
from app.queries import people, references
from app.queries.catalog import Catalogos

Errores = dict[str, list[Falla]]

# Field that names who asks -> entity.
SOLICITANTE_DE = {"id_cliente": "cliente", "id_empleado": "empleado"}


def wrong_references(datos: dict[str, Any], catalog_of: dict[str, str], catalogos: Catalogos) -> Errores:
    """Which fields of ``datos`` name a row that is not in its catalog, or no longer in use.

    ``catalog_of`` says for each such field which catalog it names a row of.
    """
    errores: Errores = {}
    for campo, name in catalog_of.items():
        if datos.get(campo) is not None:
            fila = catalogos[name].get(datos[campo])
            if fila is None or not fila["activo"]:
                errores[campo] = [Falla("no_existe" if fila is None else "inactivo")]
    return errores


def wrong_requester(datos: dict[str, Any], becoming: dict[str, Any]) -> Errores:
    """Whether ``datos`` name one who asks and is not there, or is inactive; or in the end two are named."""
    errores: Errores = {}
    for campo, entidad in SOLICITANTE_DE.items():
        if datos.get(campo) is not None and not (found := people.active(entidad, datos[campo])):
            errores[campo] = [Falla("no_existe" if found is None else "inactivo")]
    if all(becoming[campo] for campo in SOLICITANTE_DE):
        errores.setdefault("id_empleado", [Falla("un_solo_solicitante")])
    return errores


def refuse(errores: Errores) -> None:
    """Say all that is wrong at once, if anything is."""
    if errores:
        raise Invalid(errores)


def refuse_in_use(row: Any) -> None:
    """Refuse to erase a row while others point at it, telling how many."""
    usos = references.uses_of(row)
    if usos:
        raise Conflict("en_uso", usos=usos, miembros={"usos": usos})
