"""The second factor of who signs in."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Json, utcnow


class SegundoFactor(Base):
    """What a user's one-time codes are checked with. No event tells of any of it.

    The secret has to be known to make the same codes, so no digest will do. It is kept as it is: whoever
    reads this table still needs the password.
    """

    __tablename__ = "Segundo_factor"
    __table_args__ = TABLE

    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"), primary_key=True, autoincrement=False)
    secreto: Mapped[str] = mapped_column(Exact(32, "ascii"))  # base32
    # SHA-256 of each recovery code that is left; they are random, so no slow hash is needed.
    codigos: Mapped[Any] = mapped_column(Json, nullable=False)
    activo: Mapped[bool] = mapped_column(default=False)  # Its holder has shown that its codes are right.
    ultimo_paso: Mapped[int | None] = mapped_column(BigInteger)  # the time step of the last code taken
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
