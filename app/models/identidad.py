"""Who somebody is to an issuer of OpenID Connect."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, utcnow


class IdentidadExterna(Base):
    """The account that a subject of an issuer signs in to. E-mails change hands; a subject does not."""

    __tablename__ = "Identidad_externa"
    __table_args__ = (
        UniqueConstraint("emisor", "sujeto"),
        UniqueConstraint("id_usuario", "emisor"),  # Who gets an e-mail of somebody's gets no account with it.
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    emisor: Mapped[str] = mapped_column(Exact(255, "ascii"))
    sujeto: Mapped[str] = mapped_column(Exact(255, "ascii"))
    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
