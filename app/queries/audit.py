"""Reading the event log."""

from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import LogTransaccional, Usuario
from app.queries.tickets import person

# They stand at the version that they found: no field of the ticket's own changed.
DE_COMENTARIOS = ("tiquet.comentado", "tiquet.comentario_eliminado", "tiquet.fusion_recibida")


def changes_since(entidad: str, id: int, version: int) -> dict[str, Any] | None:
    """What others did to a thing after ``version``: which fields, and who was the last, when."""
    rows = db.session.execute(
        select(LogTransaccional.cambios, LogTransaccional.fecha, Usuario.id, Usuario.nombre, Usuario.apellido)
        .outerjoin(Usuario, Usuario.id == LogTransaccional.id_usuario)
        .where(
            LogTransaccional.entidad == entidad,
            LogTransaccional.id_entidad == id,
            LogTransaccional.version_resultante > version,
            LogTransaccional.accion.not_in(DE_COMENTARIOS),
        )
        .order_by(LogTransaccional.version_resultante)
    ).all()
    if not rows:
        return None
    last = rows[-1]
    return {
        "campos": sorted({cambio["campo"] for row in rows for cambio in row.cambios}),
        "modificado_por": person(last.id, last.nombre, last.apellido),
        "modificado_en": last.fecha,
    }
