"""A ticket as it was: from what it is now back along its log, change by change.

From the present and not from the beginning, so that no more is read than happened since, and a log whose
beginning was purged still tells of all that it holds. Each step has to lead to what was found so far:
whatever was changed without a trace, emptied or lost is an honest "nobody knows", not a guess.
"""

from datetime import datetime
from typing import Any

from app.errors import Falla, Gone, Invalid, NotFound
from app.models import Clientes, Empleados, Usuario, as_json, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.catalog import DE_TIQUET, Catalogos, all_catalogs
from app.queries.desk import history
from app.queries.desk import past as queries
from app.queries.desk.history import PERSONA_DE
from app.services.log import audit

Tiquet = dict[str, Any]


def check(actor: Actor, al: datetime) -> None:
    """Only whoever may read a ticket's history sees its past, and nobody its future."""
    require(Permiso.VER_HISTORIAL, actor)
    if al > utcnow():
        raise Invalid({"al": [Falla("en_el_futuro")]})


def rebuilt(actor: Actor, tiquet: Tiquet, al: datetime) -> Tiquet:
    """``tiquet``, as a client gets it now, as this desk had it at ``al``.

    404 if it was not here yet, or in the trash; 410 if the log does not tell.
    """
    if al < tiquet["fecha_creacion"]:
        raise NotFound("tiquet_no_encontrado")
    was = rolled_back(tiquet, al)
    if was["fecha_eliminacion"]:
        raise NotFound("tiquet_no_encontrado")
    # What can be done to a ticket is done to the present one.
    return was | named(actor, was) | {"transiciones_permitidas": [], "permisos": []}


def rolled_back(tiquet: Tiquet, al: datetime) -> Tiquet:
    """The ticket's own fields, as the last event up to ``al`` left them."""
    was = {name: audit.plain(value) for name, value in tiquet.items()}
    told: set[int] = set()
    for event in queries.backwards(tiquet["id"]):
        if event.fecha <= al:
            versions = set(range(event.version_resultante + 1, tiquet["version"] + 1))
            if versions - told:
                break
            own = {"version": event.version_resultante, "fecha_actualizacion": audit.plain(event.fecha)}
            return was | own if told else was
        if event.accion in queries.ABIERTO:
            raise NotFound("tiquet_no_encontrado")
        undo(was, event)
        told.add(event.version_resultante)
    raise Gone("estado_desconocido")


def undo(was: Tiquet, event: Any) -> None:
    """Take back what an event did, which has to be as it left it."""
    for cambio in event.cambios:
        campo = cambio["campo"]
        if campo not in was:
            continue  # Nobody is shown it.
        if as_json(was[campo]) != as_json(cambio["nuevo"]):
            raise Gone("estado_desconocido")
        was[campo] = cambio["anterior"]
    if not event.cambios:  # Its text was erased.
        raise Gone("estado_desconocido")


def named(actor: Actor, was: Tiquet) -> Tiquet:
    """The names of what a ticket pointed at, as they are now; what was erased is named as it was at last."""
    catalogos = all_catalogs(actor)
    names = {campo.removeprefix("id_"): of_catalog(catalogos, campo, was[campo]) for campo in DE_TIQUET}
    for model in (Usuario, Clientes, Empleados):
        campos = [campo for campo, one in PERSONA_DE.items() if one is model and campo in was]
        ids = {was[campo] for campo in campos} - {None}
        people = history.names(model, ids) if ids else {}
        for campo in campos:
            id = was[campo]
            names[campo.removeprefix("id_")] = {"id": id, "nombre": people[id]} if id in people else None
    return names


def of_catalog(catalogos: Catalogos, campo: str, id: int | None) -> Tiquet | None:
    """What stands beside the id of a catalog's row."""
    catalogo = DE_TIQUET[campo]
    if id is None or id in catalogos[catalogo]:
        return catalogos.brief(catalogo, id)
    row = queries.erased_row(catalogo, id)
    if row is None:
        raise Gone("estado_desconocido")
    more = {name: row.get(name) for name in ("tipo", "color")} if catalogo == "estados" else {}
    return {"id": id, "nombre": row["nombre"], **more}
