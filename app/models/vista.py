"""Views: filters of the list of tickets that somebody keeps under a name."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Json, Versioned, utcnow


class Vistas(Versioned, Base):
    """What its owner asks the list of tickets for, again and again; a shared one is for all staff."""

    __tablename__ = "Vistas"
    __table_args__ = (
        UniqueConstraint("id_usuario", "nombre"),
        Index(None, "compartida", "nombre", "id"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    nombre: Mapped[str] = mapped_column(Exact(120))
    compartida: Mapped[bool] = mapped_column(default=False)
    filtros: Mapped[Any] = mapped_column(Json, nullable=False)
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
