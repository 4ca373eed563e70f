"""What a worker should have done by now, counted up to a bound: for who watches over the service."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from app.extensions import db
from app.models import MUERTA, PENDIENTE, Correos, Entregas, LogTransaccional, Webhooks, utcnow
from app.queries import leases
from app.queries.pagination import capped_total

TARDE = timedelta(minutes=1)  # By then even a busy worker has come to it.


@dataclass(frozen=True)
class Atraso:
    """How many workers there are, and what waits for one though it is due."""

    trabajadores: int
    atrasados: dict[str, int]  # queue -> how many, up to one more than ``TOTAL_EXACTO``
    webhooks_pausados: int  # that the desk itself paused
    entregas_muertas: int  # that nobody sends any more, up to the same bound


def found(trabajador: str) -> Atraso:
    """How it stands; ``trabajador`` is how the leases of workers begin."""
    late = utcnow() - TARDE
    log = LogTransaccional
    # By their webhooks, of which there are few: each has its deliveries in order.
    told = select(Entregas.id).join(Webhooks, Webhooks.id == Entregas.id_webhook)
    due = (Webhooks.activo.is_(True), Entregas.estado == PENDIENTE, Entregas.proximo_intento < late)
    return Atraso(
        trabajadores=leases.count_of(trabajador),
        atrasados={
            "numeracion": capped_total(select(log.id).where(log.secuencia.is_(None), log.fecha < late)),
            "webhooks": capped_total(told.where(*due)),
            "correo": capped_total(
                select(Correos.id).where(Correos.estado == PENDIENTE, Correos.proximo < late)
            ),
        },
        webhooks_pausados=db.session.execute(
            select(func.count()).where(Webhooks.motivo_pausa.is_not(None))
        ).scalar_one(),
        entregas_muertas=capped_total(told.where(Entregas.estado == MUERTA)),
    )
