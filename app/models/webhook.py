"""Webhooks: who is told of events over HTTP, and each telling."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BIG_ID, TABLE, Base, Exact, Json, Largo, Texto40, Texto200, Versioned, utcnow

PENDIENTE, ENTREGADA, MUERTA = "pendiente", "entregada", "muerta"
ESTADOS_DE_ENTREGA = (PENDIENTE, ENTREGADA, MUERTA)
PRUEBA = "webhook.prueba"  # the action of what no event caused

# When a delivery that waits behind another of its ticket is due; and a test, which goes before all others.
EN_FILA = datetime(9999, 12, 31)
YA = datetime(2000, 1, 1)


class Webhooks(Versioned, Base):
    """An address that is told of the events that match.

    The secret has to be known to sign with it, so no digest will do: it is kept as it is. The columns from
    ``hasta_secuencia`` on are bookkeeping, which moves without a new version.
    """

    __tablename__ = "Webhooks"
    __table_args__ = TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Exact(1000, "ascii"))
    descripcion: Mapped[Texto200 | None]
    eventos: Mapped[Any] = mapped_column(Json, nullable=False)  # ["tiquet.*", "comentario.creado"]
    filtros: Mapped[Any] = mapped_column(Json, nullable=False)  # {"id_categoria": [1, 2]}
    activo: Mapped[bool] = mapped_column(default=True)
    motivo_pausa: Mapped[Texto40 | None]  # why it was made inactive, unless somebody did it
    fecha_pausa: Mapped[datetime | None]
    secreto: Mapped[str] = mapped_column(Exact(64, "ascii"))
    secreto_anterior: Mapped[str | None] = mapped_column(Exact(64, "ascii"))
    secreto_anterior_vence: Mapped[datetime | None]
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    hasta_secuencia: Mapped[int] = mapped_column(BigInteger)  # up to which events have their deliveries
    fallos_seguidos: Mapped[int] = mapped_column(default=0)
    fallos_desde: Mapped[datetime | None]
    fecha_ultima_entrega: Mapped[datetime | None]


class Entregas(Base):
    """One event for one webhook, with its last request and answer.

    It has no foreign keys: events have none either, and what is left of an erased webhook is purged later.
    """

    __tablename__ = "Entregas"
    __table_args__ = (
        CheckConstraint(f"estado IN {ESTADOS_DE_ENTREGA}", name="estado"),
        UniqueConstraint("id_webhook", "secuencia"),
        Index(None, "id_webhook", "id"),
        Index(None, "id_webhook", "estado", "id"),
        Index(None, "id_webhook", "estado", "proximo_intento", "id"),
        Index(None, "id_webhook", "id_tiquet", "estado", "secuencia"),
        Index(None, "fecha_creacion", "id"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    id_webhook: Mapped[int]
    secuencia: Mapped[int | None] = mapped_column(BigInteger)  # of the event; a test has none
    id_evento: Mapped[str] = mapped_column(Exact(40, "ascii"))
    accion: Mapped[str] = mapped_column(String(60))
    id_tiquet: Mapped[int | None]
    estado: Mapped[str] = mapped_column(String(10), default=PENDIENTE)
    intentos: Mapped[int] = mapped_column(default=0)
    # Of who sends it, it is when others may: the claim ends by itself.
    proximo_intento: Mapped[datetime | None]
    tomado_por: Mapped[str | None] = mapped_column(Exact(32, "ascii"))
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    cuerpo: Mapped[Largo | None]
    # The last try.
    fecha_intento: Mapped[datetime | None]
    milisegundos: Mapped[int | None]
    url: Mapped[str | None] = mapped_column(Exact(1000, "ascii"))
    cabeceras: Mapped[Any] = mapped_column(Json, nullable=True)
    error: Mapped[Texto40 | None]
    respuesta_estado: Mapped[int | None]
    respuesta_cabeceras: Mapped[Any] = mapped_column(Json, nullable=True)
    respuesta_cuerpo: Mapped[Largo | None]
