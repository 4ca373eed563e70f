"""One at a time, for rules that look at several rows."""

from sqlalchemy import update

from app.extensions import db
from app.models import Cerrojo


def hold(nombre: str) -> None:
    """Wait for whoever changes what ``nombre`` guards; first in a unit of work, held until its end."""
    db.session.execute(update(Cerrojo).where(Cerrojo.nombre == nombre).values(vueltas=Cerrojo.vueltas + 1))
