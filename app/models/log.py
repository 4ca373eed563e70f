"""The event log: what happened, written in the transaction in which it happened."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BIG_ID, TABLE, Base, Exact, Json, Texto40, utcnow

TIPOS_DE_ACTOR = ("usuario", "token", "sistema", "anonimo")
# The columns that the audit can be filtered by; each has an index that gives its rows by date.
AUDITABLES = ("id_usuario", "accion", "entidad", "tipo_actor")
CABEZA_ID, BASE_ID = 1, 2
GENESIS = "0" * 64  # what the first event is chained to


class LogTransaccional(Base):
    """One change of one thing. Append-only.

    Its ids point at rows without foreign keys: what happened stays true whatever becomes of them, and a
    key check would make every write wait for whoever is changing its author.
    """

    __tablename__ = "Log_transaccional"
    __table_args__ = (
        CheckConstraint(f"tipo_actor IN {TIPOS_DE_ACTOR}", name="tipo_actor"),
        Index(None, "entidad", "id_entidad", "version_resultante"),
        Index(None, "id_tiquet", "id"),
        Index(None, "fecha", "id"),
        *(Index(None, column, "fecha", "id") for column in AUDITABLES),
        TABLE,
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    # The operation's id and a counter: a second try of a committed operation collides here.
    id_evento: Mapped[str] = mapped_column(Exact(40, "ascii"), unique=True)
    # The order of commits, without gaps; given after the commit, so null at first.
    secuencia: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    fecha: Mapped[datetime] = mapped_column(default=utcnow)
    tipo_actor: Mapped[str] = mapped_column(String(20))
    id_usuario: Mapped[int | None]
    accion: Mapped[str] = mapped_column(String(60))
    entidad: Mapped[str] = mapped_column(String(40))
    id_entidad: Mapped[int | None]
    id_tiquet: Mapped[int | None]
    version_resultante: Mapped[int | None]
    # [{"campo", "anterior", "nuevo"}]
    cambios: Mapped[Any] = mapped_column(Json, nullable=False)
    origen: Mapped[str] = mapped_column(String(20))
    id_solicitud: Mapped[str | None] = mapped_column(String(64))
    ip: Mapped[Texto40 | None]
    hash_anterior: Mapped[str | None] = mapped_column(Exact(64, "ascii"))
    hash: Mapped[str | None] = mapped_column(Exact(64, "ascii"))
    # The chain covers the digest of salt and ``cambios``: both can be emptied and it still holds.
    sal: Mapped[str | None] = mapped_column(Exact(32, "ascii"))
    digesto: Mapped[str | None] = mapped_column(Exact(64, "ascii"))


class LogCabeza(Base):
    """Two rows: how far the log is numbered, with the hash of its last event, and how far it was purged."""

    __tablename__ = "Log_cabeza"
    __table_args__ = TABLE

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secuencia: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(Exact(64, "ascii"))
