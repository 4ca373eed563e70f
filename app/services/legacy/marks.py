"""The events that say which rows of the older database were taken."""

from typing import Any

from app.permissions import Actor
from app.queries import legacy as queries
from app.services.log import audit

IMPORTACION = Actor(id=None, tipo_usuario=None, tipo="sistema", origen="importacion")


def created(tabla: str, row: Any, id_tiquet: int | None = None) -> None:
    """Write that ``row``, which was flushed, came from the row of the same id in ``tabla``."""
    audit.append(
        f"{tabla}.creado",
        IMPORTACION,
        id_evento=queries.mark(tabla, row.id),
        id_entidad=row.id,
        id_tiquet=id_tiquet,
        version_resultante=row.version,
        cambios=audit.differences({}, audit.snapshot(row)),
    )
