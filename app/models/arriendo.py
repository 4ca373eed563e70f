"""Leases: who does something that one does at a time, and until when it is theirs."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact


class Arriendo(Base):
    """A lease. Past ``hasta`` it is anybody's: whoever had it has ended, or was killed."""

    __tablename__ = "Arriendo"
    __table_args__ = TABLE

    nombre: Mapped[str] = mapped_column(Exact(100, "ascii"), primary_key=True)
    hasta: Mapped[datetime]
