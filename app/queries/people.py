"""Reading customers and employees."""

from sqlalchemy import select

from app.extensions import db
from app.models import Clientes, Empleados


def can_ask(model: type[Clientes] | type[Empleados], id: int) -> bool:
    """Whether a new ticket can name this person as the one who asks."""
    return db.session.scalar(select(model.id).where(model.id == id, model.activo.is_(True))) is not None
