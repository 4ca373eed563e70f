"""What time brings: resolved tickets close, and what is past its retention goes.

In batches, each a short unit of work; several machines may do it at once, each finds what is left.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, inspect, select, true, tuple_

from app import transaction
from app.extensions import db, settings
from app.models import (
    PENDIENTE,
    Adjuntos,
    Base,
    BusquedaTiquet,
    Comentarios,
    CorreoRecibido,
    Correos,
    Entregas,
    EtiquetaTiquet,
    Idempotencia,
    Intento,
    Recuperacion,
    Seguidores,
    Sesion,
    Tiquet,
    utcnow,
)
from app.permissions import SISTEMA
from app.queries import catalog
from app.queries.desk.tickets import IN_TRASH, NOT_IN_TRASH
from app.queries.log import deliveries
from app.services import locks
from app.services.desk import attachments, lifecycle, relations, search
from app.services.log import audit
from app.services.privacy import anonymising
from app.transitions import CERRADO, RESUELTO

BATCH = 500  # rows; a ticket takes a unit of its own
SESIONES = timedelta(days=7)  # that an ended session is kept
CORREOS = timedelta(days=30)  # in which a mail that became no ticket may come once more


def maintain() -> dict[str, int]:
    """Do all of it, once; answers how many of each."""
    now = utcnow()
    closed_before = now - timedelta(days=settings().dias_cierre)
    gone_before = now - timedelta(days=settings().dias_papelera)
    stale = Sesion.fin < now - SESIONES
    return {
        "cerrados": each_ticket(resolved(closed_before), close),
        "purgados": each_ticket(
            IN_TRASH & (Tiquet.fecha_eliminacion < gone_before), purge, relations.CERROJO
        ),
        "anonimizados": anonymising.finish_all(),
        "claves": purge_rows(Idempotencia, Idempotencia.vence < now),
        "sesiones": purge_rows(Sesion, (Sesion.vence < now - SESIONES) | stale),
        "contenidos": attachments.sweep(),
        "intentos": purge_rows(Intento, Intento.vence < now),
        "entregas": purge_deliveries(now - timedelta(days=settings().dias_entregas)),
        "correos": purge_rows(
            Correos, Correos.fecha_creacion < now - timedelta(days=settings().dias_entregas)
        ),
        "recuperaciones": purge_rows(Recuperacion, Recuperacion.vence < now),
        "recibidos": purge_rows(
            CorreoRecibido, CorreoRecibido.id_tiquet.is_(None) & (CorreoRecibido.fecha < now - CORREOS)
        ),
    }


def reindex() -> int:
    """Write the search row of every ticket anew, in the trash too; answers how many."""
    return each_ticket(true(), search.index)


def resolved(before: Any) -> ColumnElement[bool]:
    """Tickets that were resolved before this instant and are neither closed nor reopened."""
    estados = [id for id, e in transaction.read(catalog.load)["estados"].items() if e["tipo"] == RESUELTO]
    return and_(NOT_IN_TRASH, Tiquet.fecha_resolucion < before, Tiquet.id_estado.in_(estados))


def each_ticket(due: ColumnElement[bool], work: Callable[[Tiquet], None], cerrojo: str | None = None) -> int:
    """Do ``work``, holding ``cerrojo``, to each ticket that is ``due`` and still is when its turn comes."""

    def one(id: int) -> bool:
        if cerrojo:
            locks.hold(cerrojo)
        tiquet = db.session.scalars(
            select(Tiquet).where(Tiquet.id == id, due).with_for_update()
        ).one_or_none()
        if tiquet is None:
            return False  # Another machine was here, or somebody changed it.
        work(tiquet)
        return True

    done, last = 0, 0
    while True:
        query = select(Tiquet.id).where(due, Tiquet.id > last).order_by(Tiquet.id).limit(BATCH)
        ids = transaction.read(lambda query=query: list(db.session.scalars(query)))  # type: ignore[misc]
        for id in ids:
            done += transaction.run(lambda id=id: one(id))  # type: ignore[misc]
        if len(ids) < BATCH:
            return done
        last = ids[-1]


def close(tiquet: Tiquet) -> None:
    before = audit.snapshot(tiquet)
    estado = catalog.load().state_of_type(CERRADO)
    lifecycle.close(SISTEMA, tiquet, estado)
    tiquet.id_estado = estado["id"]
    tiquet.fecha_actualizacion = utcnow()
    audit.record("tiquet.actualizado", SISTEMA, tiquet, before)


def purge(tiquet: Tiquet) -> None:
    """Erase a ticket of the trash with what belongs to it; its events stay."""
    for model in (BusquedaTiquet, EtiquetaTiquet, Adjuntos, Comentarios, Seguidores, Correos, CorreoRecibido):
        db.session.execute(delete(model).where(model.id_tiquet == tiquet.id))
    relations.forget(tiquet.id)
    audit.record_erasure("tiquet.purgado", SISTEMA, tiquet, id_tiquet=tiquet.id)


def purge_deliveries(before: Any) -> int:
    """Delete deliveries that are older, unless they still wait to be sent, and those of no webhook."""
    gone = Entregas.id_webhook.in_(transaction.read(deliveries.orphaned))
    over = (Entregas.fecha_creacion < before) & (Entregas.estado != PENDIENTE)
    return purge_rows(Entregas, over) + purge_rows(Entregas, gone)


def purge_rows(model: type[Base], due: ColumnElement[bool]) -> int:
    """Delete what is ``due``, batch by batch."""
    key = inspect(model).primary_key
    done = 0

    def batch() -> int:
        keys = db.session.execute(select(*key).where(due).limit(BATCH)).all()
        db.session.execute(delete(model).where(tuple_(*key).in_([tuple(row) for row in keys])))
        return len(keys)

    while found := transaction.run(batch):
        done += found
    return done
