"""How many tickets there are of each kind, as of one place in the log."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact


class Conteo(Base):
    """How many tickets outside the trash have one value in one column.

    An id stands for itself, 0 for NULL, and an instant for its day, as 20260331.
    """

    __tablename__ = "Conteo"
    __table_args__ = TABLE

    campo: Mapped[str] = mapped_column(Exact(40, "ascii"), primary_key=True)
    clave: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cantidad: Mapped[int] = mapped_column(BigInteger)
