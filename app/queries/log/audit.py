"""Reading the event log: what was done to a thing, and what was done by whom."""

from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, union_all

from app.extensions import db
from app.models import AUDITABLES, LogTransaccional, Usuario
from app.queries.desk.tickets import person
from app.queries.pagination import Corte, Pagina, after, capped_total, total_of

# They stand at the version that they found: no field of the ticket's own changed.
DE_COMENTARIOS = (
    *("tiquet.comentado", "tiquet.comentario_eliminado", "tiquet.fusion_recibida"),
    *("tiquet.adjuntado", "tiquet.adjunto_eliminado"),
)

EVENTO = (
    *("id_evento", "secuencia", "fecha", "tipo_actor", "id_usuario", "accion", "entidad", "id_entidad"),
    *("id_tiquet", "version_resultante", "cambios", "origen", "id_solicitud", "ip", "hash_anterior", "hash"),
)
FILTROS = (*AUDITABLES, "id_entidad", "id_tiquet", "desde", "hasta")
ORDEN = ("fecha", "id")
# By what a page is found if it is asked for, the best first; and the index that gives it.
GUIAS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("entidad", "id_entidad"), "ix_Log_transaccional_entidad_id_entidad_version_resultante"),
    (("id_tiquet",), "ix_Log_transaccional_id_tiquet_id"),
    *(((column,), f"ix_Log_transaccional_{column}_fecha_id") for column in AUDITABLES),
    ((), "ix_Log_transaccional_fecha_id"),
)


def events_of(operation: str) -> list[Any]:
    """What one operation has written so far, oldest first; in its own unit of work, or after it."""
    log = LogTransaccional
    mine = (log.id_evento > f"{operation}-", log.id_evento < f"{operation}.")  # «.» comes next after «-».
    columns = (log.entidad, log.id_entidad, log.version_resultante, log.cambios)
    return list(db.session.execute(select(*columns).where(*mine).order_by(log.id)))


def values_at(entidad: str, id: int, seen: int, present: int) -> dict[str, Any] | None:
    """What the fields that were changed since version ``seen`` were then.

    None when that was no version, or when the log does not tell of each one from there to the ``present``.
    """
    if seen >= present:
        return None
    log = LogTransaccional
    rows = db.session.execute(
        select(log.version_resultante, log.cambios)
        .where(log.entidad == entidad, log.id_entidad == id, log.version_resultante > seen)
        .order_by(log.version_resultante.desc(), log.id.desc())
    ).all()
    told = {row.version_resultante for row in rows if row.cambios}  # They may have been emptied.
    if told != set(range(seen + 1, present + 1)):
        return None
    return {cambio["campo"]: cambio["anterior"] for row in rows for cambio in row.cambios}


def changes_since(entidad: str, id: int, version: int) -> dict[str, Any] | None:
    """What others did to a thing after ``version``: which fields, and who was the last, when."""
    rows = db.session.execute(
        select(LogTransaccional.cambios, LogTransaccional.fecha, Usuario.id, Usuario.nombre, Usuario.apellido)
        .outerjoin(Usuario, Usuario.id == LogTransaccional.id_usuario)
        .where(
            LogTransaccional.entidad == entidad,
            LogTransaccional.id_entidad == id,
            LogTransaccional.version_resultante > version,
            LogTransaccional.accion.not_in(DE_COMENTARIOS),
        )
        .order_by(LogTransaccional.version_resultante)
    ).all()
    if not rows:
        return None
    last = rows[-1]
    return {
        "campos": sorted({cambio["campo"] for row in rows for cambio in row.cambios}),
        "modificado_por": person(last.id, last.nombre, last.apellido),
        "modificado_en": last.fecha,
    }


def page(filtros: dict[str, Any], orden: str, limite: int, corte: Corte | None) -> Pagina:
    """Events by date, the newest first unless ``orden`` is ``fecha``; with or without a number.

    A filter by one column, with or without dates, reads the events that it shows, one branch of an index for
    each value. What is done to one thing or one ticket is read whole, and of several filters the first
    in ``GUIAS`` whole as far as needed: the others are looked for among its events.
    """
    descending = orden.startswith("-")
    given = {name: filtros[name] for name in FILTROS if name in filtros}
    wanted = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    guide, index = next((g, i) for g, i in GUIAS if set(g) <= set(wanted))
    rest = [condition(name, values) for name, values in wanted.items() if name not in guide]
    if corte:
        keys = [getattr(LogTransaccional, key) for key in ORDEN]
        rest.append(after(keys, list(corte.valores), descending))
    branches = [
        branch(dict(zip(guide, values, strict=True)), rest, index, descending, limite + 1).subquery()
        for values in product(*(wanted[name] for name in guide))
    ]
    found = db.session.execute(with_names(branches, descending, limite + 1)).mappings().all()
    total = total_of(corte, len(found), limite, lambda: count(wanted, index))
    last = found[limite - 1] if len(found) > limite else None
    end = Corte(tuple(last[key] for key in ORDEN), total) if last else None
    return Pagina([shape(row) for row in found[:limite]], total, end)


def condition(name: str, values: list[Any]) -> ColumnElement[bool]:
    fecha, (first, *_) = LogTransaccional.fecha, values
    bounds: dict[str, ColumnElement[bool]] = {"desde": fecha >= first, "hasta": fecha < first}
    return bounds[name] if name in bounds else getattr(LogTransaccional, name).in_(values)


def branch(
    guide: dict[str, Any], rest: list[ColumnElement[bool]], index: str, descending: bool, limit: int
) -> Select[Any]:
    """The first events of one value of the guiding columns."""
    same = [getattr(LogTransaccional, name) == value for name, value in guide.items()]
    keys = [getattr(LogTransaccional, key) for key in ORDEN]
    ordered = select(*keys).where(*same, *rest).order_by(*in_direction(keys, descending))
    return hinted(ordered, index).limit(limit)


def with_names(branches: list[Any], descending: bool, limit: int) -> Select[Any]:
    """The events that come first of all ``branches``, with who did it."""
    ids = branches[0] if len(branches) == 1 else union_all(*(select(one) for one in branches)).subquery()
    keys = [ids.c[key] for key in ORDEN]
    return (
        events()
        .select_from(ids.join(LogTransaccional, LogTransaccional.id == ids.c.id))
        .outerjoin(Usuario, Usuario.id == LogTransaccional.id_usuario)
        .order_by(*in_direction(keys, descending))
        .limit(limit)
    )


def events() -> Select[Any]:
    """All that is shown of an event; whoever uses it joins who did it."""
    own = (getattr(LogTransaccional, key) for key in ("id", *EVENTO))
    emptied = and_(LogTransaccional.secuencia.is_not(None), LogTransaccional.sal.is_(None))
    return select(*own, emptied.label("vaciado"), Usuario.nombre, Usuario.apellido)


def count(wanted: dict[str, list[Any]], index: str) -> int:
    matching = select(LogTransaccional.id).where(*(condition(*one) for one in wanted.items()))
    return capped_total(hinted(matching, index))


def in_direction(keys: list[Any], descending: bool) -> list[Any]:
    return [key.desc() if descending else key for key in keys]


def hinted(query: Select[Any], index: str) -> Select[Any]:
    # Left alone, MariaDB may walk the log by another of its indexes, or by its ids.
    return query.with_hint(LogTransaccional, f"FORCE INDEX ({index})", "mysql")


def shape(row: Any) -> dict[str, Any]:
    """An event as an Administrador gets it."""
    quien = person(row["id_usuario"], row["nombre"], row["apellido"])
    return {**{key: row[key] for key in EVENTO}, "vaciado": bool(row["vaciado"]), "usuario": quien}
