"""Optimistic locking as a client sees it: "change this only if it is as I saw it"."""

from dataclasses import dataclass
from typing import Any

from app.errors import PreconditionFailed
from app.queries.log import audit


@dataclass(frozen=True)
class Precondicion:
    """The versions that the caller's ``If-Match`` accepts; None accepts any.

    With ``mezclar`` a change of an older one may be merged with what others changed since.
    """

    versiones: frozenset[int] | None = None
    mezclar: bool = False

    def accepts(self, version: int) -> bool:
        return self.versiones is None or version in self.versiones


def check_version(entidad: str, thing: Any, precondicion: Precondicion) -> None:
    """Refuse when ``thing`` is not as the caller saw it, telling who changed what meanwhile."""
    if not precondicion.accepts(thing.version):
        raise stale(entidad, thing, precondicion)


def stale(entidad: str, thing: Any, precondicion: Precondicion) -> PreconditionFailed:
    seen = precondicion.versiones
    since = audit.changes_since(entidad, thing.id, max(seen)) if seen else None
    return PreconditionFailed(
        version=thing.version, miembros={"version_actual": thing.version, **(since or {})}
    )
