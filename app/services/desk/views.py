"""Keeping filters of the list of tickets."""

from typing import Any

from app.errors import NotFound
from app.extensions import db
from app.models import Vistas
from app.permissions import Actor, Permiso, require
from app.queries.desk import views as queries
from app.services import changes
from app.services.log import audit
from app.services.versions import Precondicion, check_version


def create(actor: Actor, datos: dict[str, Any]) -> int:
    """Keep a view of the actor's; answers its id."""
    require(Permiso.CREAR_VISTA, actor)
    vista = Vistas(**datos, id_usuario=actor.id)
    db.session.add(vista)
    audit.record("vista.creado", actor, vista, {})
    return vista.id


def update_view(actor: Actor, id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
    """Change the given fields of a view; answers its id."""
    vista = find(actor, id)
    check_version("vista", vista, precondicion)
    cambios = changes.wanted(vista, cambios, lambda: shown(actor, id))
    before = audit.snapshot(vista)
    for campo, value in cambios.items():
        setattr(vista, campo, value)
    audit.record("vista.actualizado", actor, vista, before)
    return id


def erase(actor: Actor, id: int, precondicion: Precondicion) -> None:
    """Forget a view."""
    vista = find(actor, id)
    check_version("vista", vista, precondicion)
    audit.record_erasure("vista.eliminado", actor, vista)


def find(actor: Actor, id: int) -> Vistas:
    """A view that the actor may change, locked."""
    vista = queries.locked(actor, id)
    if vista is None:
        raise NotFound("vista_no_encontrada")
    require(Permiso.EDITAR_VISTA, actor, vista)
    return vista


def shown(actor: Actor, id: int) -> dict[str, Any]:
    """A view as a client gets it, or 404."""
    found = queries.get(actor, id)
    if found is None:
        raise NotFound("vista_no_encontrada")
    return found
