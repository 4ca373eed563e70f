"""Reading the log as a feed: events in the order of their numbers, each with its thing as it stands."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, select, true

from app.extensions import db
from app.models import BASE_ID, CABEZA_ID, ENTIDADES, LogCabeza, LogTransaccional
from app.permissions import Actor, Permiso, allows
from app.queries.desk import comments, tickets
from app.queries.log.audit import DE_COMENTARIOS

EVENTO = ("secuencia", "id_evento", "accion", "entidad", "id_entidad", "id_tiquet", "fecha", "cambios")
# What whoever may not read the log hears of.
DEL_PERSONAL = ("tiquet", "comentario", "adjunto", "seguidor", "relacion", *ENTIDADES.values())
CONVERSACION = ("comentario", "adjunto")  # They may be internal.
VENTANA = 20_000  # numbers that one statement looks at, however few of them the actor sees

log = LogTransaccional
PURGADO = select(LogCabeza.secuencia).where(LogCabeza.id == BASE_ID).scalar_subquery()


def ends() -> Any:
    """How far the log is numbered (``ultima``), and how far it was purged."""
    head = select(LogCabeza.secuencia.label("ultima"), PURGADO.label("purgado"))
    return db.session.execute(head.where(LogCabeza.id == CABEZA_ID)).one()


def has_more(desde: int) -> bool:
    """Whether anything was committed behind ``desde``, with a number or without one."""
    unnumbered = select(log.id).where(log.secuencia.is_(None)).limit(1).scalar_subquery()
    head = select(LogCabeza.secuencia, unnumbered.label("sin_numero")).where(LogCabeza.id == CABEZA_ID)
    row = db.session.execute(head).one()
    return row.secuencia > desde or row.sin_numero is not None


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which events ``actor`` hears of at all."""
    return true() if allows(Permiso.VER_AUDITORIA, actor) else log.entidad.in_(DEL_PERSONAL)


def between(actor: Actor, desde: int, hasta: int, limite: int) -> Sequence[Any]:
    """The first events behind ``desde``, up to ``hasta``."""
    found = (
        select(*(getattr(log, name) for name in EVENTO))
        .where(log.secuencia > desde, log.secuencia <= hasta, visible_to(actor))
        .order_by(log.secuencia)
        .limit(limite)
        .with_hint(log, "FORCE INDEX (uq_Log_transaccional_secuencia)", "mysql")
    )
    return db.session.execute(found).mappings().all()


def with_things(actor: Actor, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Events as a client gets them: those of one page read each kind of thing at once."""
    actor = replace(actor, epoca=None)  # It came before what is read here.
    seen = tickets.several(actor, {row["id_tiquet"] for row in rows} - {None})
    wanted = {row["id_entidad"] for row in rows if row["entidad"] == "comentario"}
    things = {"tiquet": seen, "comentario": comments.several(actor, seen, wanted) if wanted else {}}
    all_told, internal = allows(Permiso.VER_AUDITORIA, actor), tickets.sees_internal(actor)

    def shape(row: Any) -> dict[str, Any]:
        objeto = things.get(row["entidad"], {}).get(row["id_entidad"])
        told = all_told or row["id_tiquet"] is None or row["id_tiquet"] in seen
        if not internal and (row["entidad"] in CONVERSACION or row["accion"] in DE_COMENTARIOS):
            told = objeto is not None and row["entidad"] == "comentario"
        return {**row, "cambios": row["cambios"] if told else [], "objeto": objeto}

    return [shape(row) for row in rows]
