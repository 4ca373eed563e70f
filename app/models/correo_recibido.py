"""Mail that came in, so that the same one comes in once."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Json, utcnow


class CorreoRecibido(Base):
    """One mail, and what became of it. Digests only: whose it is stands in the ticket, if it has one.

    Written first in the unit of work, so that twins queue on its unique digest.
    """

    __tablename__ = "Correo_recibido"
    __table_args__ = (
        Index(None, "remitente", "fecha"),
        Index(None, "id_tiquet"),
        Index(None, "fecha"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # SHA-256 of its Message-ID, or without one of all of it.
    huella: Mapped[str] = mapped_column(Exact(64, "ascii"), unique=True)
    # SHA-256 of the sender's address, by which mails of one sender are counted.
    remitente: Mapped[str] = mapped_column(Exact(64, "ascii"))
    id_tiquet: Mapped[int | None] = mapped_column(ForeignKey("Tiquet.id"))
    # What was answered: a comment that it names may have been erased since.
    respuesta: Mapped[Any | None] = mapped_column(Json)
    fecha: Mapped[datetime] = mapped_column(default=utcnow)
