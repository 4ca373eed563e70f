"""Answers kept for requests that may come again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Json, Texto200


class Idempotencia(Base):
    """One ``Idempotency-Key`` of one user, with the answer that it got.

    Written first in the unit of work, so that twins queue on its primary key.
    """

    __tablename__ = "Idempotencia"
    __table_args__ = (Index(None, "vence"), TABLE)

    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"), primary_key=True)
    clave: Mapped[str] = mapped_column(Exact(128, "ascii"), primary_key=True)
    # HMAC-SHA-256 of method, path with query, and body: the same key with another request is a mistake.
    huella: Mapped[str] = mapped_column(Exact(64, "ascii"))
    ruta: Mapped[Texto200]
    estado: Mapped[int | None]
    cabeceras: Mapped[Any | None] = mapped_column(Json)
    cuerpo: Mapped[bytes | None] = mapped_column(LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql"))
    creado: Mapped[datetime]
    vence: Mapped[datetime]
