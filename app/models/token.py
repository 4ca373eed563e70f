"""Service tokens: how other programs come in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Json, Texto120, Versioned, utcnow


class TokenServicio(Versioned, Base):
    """What lets a program act as its owner, within ``alcances``. Revoking erases it."""

    __tablename__ = "Token_servicio"
    __table_args__ = (Index(None, "id_usuario", "fecha_creacion", "id"), TABLE)

    id: Mapped[int] = mapped_column(primary_key=True)
    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    nombre: Mapped[Texto120]
    # SHA-256 of the token, which is nowhere in the database; it is random, so no slow hash is needed.
    huella: Mapped[str] = mapped_column(Exact(64, "ascii"), unique=True)
    alcances: Mapped[Any] = mapped_column(Json, nullable=False)
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    vence: Mapped[datetime]
    ultimo_uso: Mapped[datetime | None]  # to the minute
