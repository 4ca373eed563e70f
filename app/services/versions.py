"""Optimistic locking as a client sees it: "change this only if it is as I saw it"."""

from dataclasses import dataclass
from typing import Any

from app.errors import PreconditionFailed
from app.queries import audit


@dataclass(frozen=True)
class Precondicion:
    """The versions that the caller's ``If-Match`` accepts; None accepts any."""

    versiones: frozenset[int] | None = None


def check_version(entidad: str, thing: Any, precondicion: Precondicion) -> None:
    """Refuse when ``thing`` is not as the caller saw it, telling who changed what meanwhile."""
    seen = precondicion.versiones
    if seen is None or thing.version in seen:
        return
    since = audit.changes_since(entidad, thing.id, max(seen)) if seen else None
    raise PreconditionFailed(
        version=thing.version, miembros={"version_actual": thing.version, **(since or {})}
    )
