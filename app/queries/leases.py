"""Which leases run."""

from sqlalchemy import func, select

from app.extensions import db
from app.models import Arriendo, utcnow


def is_free(nombre: str) -> bool:
    """Whether nobody has this lease."""
    hasta = db.session.scalar(select(Arriendo.hasta).where(Arriendo.nombre == nombre))
    return hasta is None or hasta <= utcnow()


def count_of(prefix: str) -> int:
    """How many leases run whose names begin like this."""
    named = Arriendo.nombre.startswith(prefix, autoescape=True)
    running = select(func.count()).where(named, Arriendo.hasta >= utcnow())
    return db.session.execute(running).scalar_one()
