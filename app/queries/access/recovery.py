"""What lets somebody who forgot the password choose another."""

from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Recuperacion, Usuario, utcnow


def holder(huella: str) -> Any | None:
    """Whose what was sent is, while it is worth anything: an active user."""
    user = (Usuario.id, Usuario.email, Usuario.nombre, Usuario.apellido, Usuario.password_hash)
    found = (
        select(*user, Recuperacion.marca)
        .join(Recuperacion, Recuperacion.id_usuario == Usuario.id)
        .where(Recuperacion.huella == huella, Recuperacion.vence > utcnow(), Usuario.activo.is_(True))
    )
    return db.session.execute(found).one_or_none()
