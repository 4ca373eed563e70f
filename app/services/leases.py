"""Taking turns among machines: a lease says whose turn it is, and ends by itself."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update

from app import transaction
from app.database import insert_missing
from app.extensions import db
from app.models import Arriendo, utcnow
from app.queries import leases


def take(nombre: str, duration: timedelta) -> bool:
    """Take a lease that nobody has; answers whether it is ours now."""

    def unit() -> bool:
        now = utcnow()
        db.session.execute(insert_missing(db.session.get_bind(), Arriendo, nombre=nombre, hasta=now))
        ours: Any = db.session.execute(
            update(Arriendo)
            .where(Arriendo.nombre == nombre, Arriendo.hasta <= now)
            .values(hasta=now + duration)
        )
        return bool(ours.rowcount)

    # Most who ask come in vain: they write nothing.
    return transaction.read(lambda: leases.is_free(nombre)) and transaction.run(unit)


def renew(nombre: str, duration: timedelta) -> None:
    """Have a lease that is nobody else's from now on, whether we had it or not."""
    transaction.run(lambda: db.session.merge(Arriendo(nombre=nombre, hasta=utcnow() + duration)))


def end(nombre: str) -> None:
    """Give a lease back."""
    transaction.run(lambda: db.session.execute(delete(Arriendo).where(Arriendo.nombre == nombre)))
