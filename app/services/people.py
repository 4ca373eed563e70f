"""Customers and employees: who asks for help without signing in."""

from typing import Any

from app.errors import Conflict, NotFound
from app.extensions import db
from app.models import Clientes, Empleados
from app.permissions import Actor, Permiso, require
from app.queries import people as queries
from app.queries.catalog import all_catalogs
from app.services import changes
from app.services.log import audit
from app.services.references import refuse, refuse_in_use, wrong_references
from app.services.versions import Precondicion, check_version


def create(actor: Actor, entidad: str, datos: dict[str, Any]) -> int:
    """Add a person; answers its id."""
    require(Permiso.EDITAR_PERSONA, actor)
    check_references(actor, datos)
    persona: Clientes | Empleados = queries.PERSONAS[entidad](**datos)
    db.session.add(persona)
    audit.record(f"{entidad}.creado", actor, persona, {})
    return persona.id


def update(actor: Actor, entidad: str, id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
    """Change the given fields of a person; answers its id."""
    persona = find(entidad, id)
    require(Permiso.EDITAR_PERSONA, actor, persona)
    check_version(entidad, persona, precondicion)
    if persona.anonimizacion_pedida or persona.fecha_anonimizado:  # Or what was erased would come back.
        raise Conflict("persona_anonimizada")
    cambios = changes.wanted(persona, cambios, lambda: queries.get(entidad, id) or {})
    check_references(actor, cambios)
    before = audit.snapshot(persona)
    for campo, value in cambios.items():
        setattr(persona, campo, value)
    audit.record(f"{entidad}.actualizado", actor, persona, before)
    return id


def erase(actor: Actor, entidad: str, id: int, precondicion: Precondicion) -> None:
    """Erase a person whom no ticket names."""
    persona = find(entidad, id)
    require(Permiso.ELIMINAR_PERSONA, actor, persona)
    check_version(entidad, persona, precondicion)
    if persona.anonimizacion_pedida:
        raise Conflict("persona_anonimizada")
    refuse_in_use(persona)
    audit.record_erasure(f"{entidad}.eliminado", actor, persona)


def missing(entidad: str) -> NotFound:
    if entidad == "cliente":
        return NotFound("cliente_no_encontrado")
    return NotFound("empleado_no_encontrado")


def find(entidad: str, id: int) -> Clientes | Empleados:
    persona = queries.locked(entidad, id)
    if persona is None:
        raise missing(entidad)
    return persona


def shown(entidad: str, id: int) -> dict[str, Any]:
    """A person as a client gets it, or 404."""
    found = queries.get(entidad, id)
    if found is None:
        raise missing(entidad)
    return found


def check_references(actor: Actor, datos: dict[str, Any]) -> None:
    refuse(wrong_references(datos, {"id_ubicacion": "ubicaciones"}, all_catalogs(actor)))
