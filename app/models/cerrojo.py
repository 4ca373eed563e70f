"""Locks for rules that no single row can guard."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact

CERROJOS = ("administradores", "catalogos", "relaciones", "remitentes")


class Cerrojo(Base):
    """One rule over several rows: whoever changes any of them changes this first.

    A row that is written, not only locked: the nodes of a cluster see each other's writes, not their locks.
    """

    __tablename__ = "Cerrojo"
    __table_args__ = TABLE

    nombre: Mapped[str] = mapped_column(Exact(40, "ascii"), primary_key=True)
    vueltas: Mapped[int] = mapped_column(BigInteger)
