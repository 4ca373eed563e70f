"""How often something was tried."""

from app.extensions import db
from app.models import Intento


def locked(clave: str) -> Intento:
    """The count of a key, which is there."""
    return db.session.get_one(Intento, clave, with_for_update=True)
