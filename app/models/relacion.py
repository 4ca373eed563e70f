"""How tickets belong together."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Versioned, utcnow

PADRE, DUPLICADO_DE, RELACIONADO = "padre", "duplicado_de", "relacionado"
TIPOS_DE_RELACION = (PADRE, DUPLICADO_DE, RELACIONADO)


class Relaciones(Versioned, Base):
    """What ``id_relacionado`` is to ``id_tiquet``: its parent, what it is a duplicate of, or only related.

    Tickets that are only related stand in the order of their ids, so that each pair is one row. A parent is
    also in the child's ``id_tiquet_padre``, written in the same unit of work: the row is the record.
    """

    __tablename__ = "Relaciones"
    __table_args__ = (
        CheckConstraint(f"tipo IN {TIPOS_DE_RELACION}", name="tipo"),
        UniqueConstraint("id_tiquet", "id_relacionado", "tipo"),
        # By each end, in the order of the list.
        Index(None, "id_tiquet", "id"),
        Index(None, "id_relacionado", "id"),
        Index(None, "id_autor"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    id_tiquet: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"))
    id_relacionado: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"))
    tipo: Mapped[str] = mapped_column(String(20))
    id_autor: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
