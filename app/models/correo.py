"""Mail: what is to be sent and was, how far the log was read for it, and what lets a password be set anew."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BIG_ID, TABLE, Base, Exact, Texto200, utcnow
from app.models.webhook import PENDIENTE

# The kinds of mail about tickets, in the order in which one goes before another to the same person.
AVISOS = ("mencion", "asignacion", "comentario", "resolucion", "nuevo")
RECUPERACION = "recuperacion"
TIPOS_DE_CORREO = (*AVISOS, RECUPERACION)
ENVIADO, FALLIDO, OMITIDO = "enviado", "fallido", "omitido"
ESTADOS_DE_CORREO = (PENDIENTE, ENVIADO, FALLIDO, OMITIDO)


class Correos(Base):
    """One mail to one person about one event; what it says is made when it is sent.

    Its ids point at rows without foreign keys, as those of the log do: none of them has to wait for mail.
    """

    __tablename__ = "Correos"
    __table_args__ = (
        CheckConstraint(f"tipo IN {TIPOS_DE_CORREO}", name="tipo"),
        CheckConstraint(f"estado IN {ESTADOS_DE_CORREO}", name="estado"),
        UniqueConstraint("id_evento", "direccion"),
        Index(None, "estado", "proximo", "id"),
        Index(None, "id_tiquet", "estado", "id"),
        Index(None, "fecha_creacion"),
        *(Index(None, column) for column in ("direccion", "id_usuario", "id_cliente", "id_empleado")),
        TABLE,
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    id_evento: Mapped[str] = mapped_column(Exact(40, "ascii"))
    tipo: Mapped[str] = mapped_column(String(20))
    direccion: Mapped[str] = mapped_column(Exact(254))
    # Whose address it is: at most one of them.
    id_usuario: Mapped[int | None]
    id_cliente: Mapped[int | None]
    id_empleado: Mapped[int | None]
    id_tiquet: Mapped[int | None]
    id_comentario: Mapped[int | None]
    estado: Mapped[str] = mapped_column(String(20), default=PENDIENTE)
    intentos: Mapped[int] = mapped_column(default=0)
    # When it may be sent; of one that is being sent, until when it is its sender's, who left ``marca``.
    proximo: Mapped[datetime]
    marca: Mapped[str | None] = mapped_column(Exact(32, "ascii"))
    vence: Mapped[datetime]  # From then on it is no news any more.
    error: Mapped[Texto200 | None]
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    fecha_envio: Mapped[datetime | None]


class Lectura(Base):
    """How far somebody who reads the numbered log has come."""

    __tablename__ = "Lectura"
    __table_args__ = TABLE

    nombre: Mapped[str] = mapped_column(Exact(40, "ascii"), primary_key=True)
    secuencia: Mapped[int] = mapped_column(BigInteger)


class Recuperacion(Base):
    """What lets a user who forgot the password set another: the last one that was sent, once."""

    __tablename__ = "Recuperacion"
    __table_args__ = (Index(None, "vence"), TABLE)

    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"), primary_key=True, autoincrement=False)
    # SHA-256 of what was sent, which is nowhere in the database; it is random, so no slow hash is needed.
    huella: Mapped[str] = mapped_column(Exact(64, "ascii"), unique=True)
    # Of the e-mail and the password as they were: once either is changed, it is worth nothing.
    marca: Mapped[str] = mapped_column(Exact(64, "ascii"))
    vence: Mapped[datetime]
