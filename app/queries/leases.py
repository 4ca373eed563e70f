"""Which leases run."""

from sqlalchemy import select

from app.extensions import db
from app.models import Arriendo, utcnow


def is_free(nombre: str) -> bool:
    """Whether nobody has this lease."""
    hasta = db.session.scalar(select(Arriendo.hasta).where(Arriendo.nombre == nombre))
    return hasta is None or hasta <= utcnow()


def any_of(prefix: str) -> bool:
    """Whether a lease whose name begins like this runs."""
    found = select(Arriendo.nombre).where(
        Arriendo.nombre.startswith(prefix, autoescape=True), Arriendo.hasta >= utcnow()
    )
    return db.session.scalar(found.limit(1)) is not None
