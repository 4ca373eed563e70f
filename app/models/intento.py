"""How often something was tried that may be tried so often only."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact


class Intento(Base):
    """The passwords tried for one e-mail or by one user, or the sign-ins from one network."""

    __tablename__ = "Intentos"
    __table_args__ = (Index(None, "vence"), TABLE)

    # An HMAC: neither e-mails that somebody mistyped nor addresses stand here.
    clave: Mapped[str] = mapped_column(Exact(64, "ascii"), primary_key=True)
    cuenta: Mapped[int]
    # When the count is forgotten; what is over its limit is refused until then.
    vence: Mapped[datetime]
