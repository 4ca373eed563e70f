"""``Prefer: merge``: a change of a version that is gone, made to the present one if it overrules nobody."""

from typing import Any

from app.models import Tiquet, as_json
from app.queries.log import audit
from app.services.changes import SIN_CAMBIO
from app.services.versions import Precondicion, stale

# Fields that mean something together only: who changes one of them has looked at the others.
GRUPOS = (
    {"id_estado", "id_usuario_asignado", "resolucion", "motivo_cierre"},
    {"id_categoria", "id_problema"},
    {"id_cliente", "id_empleado"},
    {"origen_externo", "id_externo"},
)
# Read-only fields that are the same in all versions; what became of the others, the sender cannot know.
FIJOS = ("id", "numero", "id_usuario_creador", "canal", "fecha_creacion")


def is_due(tiquet: Tiquet, precondicion: Precondicion) -> bool:
    """Whether the caller has seen another version than the present one, and wants its change merged."""
    return precondicion.mezclar and not precondicion.accepts(tiquet.version)


def own_changes(tiquet: Tiquet, cambios: dict[str, Any], precondicion: Precondicion) -> dict[str, Any]:
    """What the caller changed of what it saw: the rest of a whole object is as old as the version it is of.

    412 where others changed the same since, or where the log does not tell what they changed.
    """
    versions = precondicion.versiones or frozenset()
    seen = max(versions, default=0)
    # Of several, nobody knows which one the change is of.
    then = audit.values_at("tiquet", tiquet.id, seen, tiquet.version) if len(versions) == 1 else None
    if then is None:
        raise stale("tiquet", tiquet, precondicion)
    own = {
        name: value
        for name, value in cambios.items()
        if name != SIN_CAMBIO and as_json(value) != as_json(then.get(name, getattr(tiquet, name)))
    }
    disputed = {name for name, value in own.items() if as_json(value) != as_json(getattr(tiquet, name))}
    if touched(disputed) & touched(set(then)):
        raise stale("tiquet", tiquet, precondicion)
    return own | read_only(cambios, seen)


def touched(campos: set[str]) -> set[str]:
    """Fields, and those that mean something with them only."""
    return campos.union(*(grupo for grupo in GRUPOS if grupo & campos))


def read_only(cambios: dict[str, Any], seen: int) -> dict[str, Any]:
    """The read-only fields that are to be as they are now."""
    sent = cambios.get(SIN_CAMBIO, {})
    if sent.get("version") == seen:
        sent = {name: value for name, value in sent.items() if name in FIJOS}
    return {SIN_CAMBIO: sent} if sent else {}
