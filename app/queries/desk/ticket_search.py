"""The list of tickets as a search narrows it, at a cost that neither rare nor common words raise.

First a bounded walk: as many of the list's next tickets as a window holds are looked at, whatever they say. A
common word fills a page there. What does not fill one is rare enough for the index of the database, which
reads all that match before it gives the first: so it is asked for some months at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    func,
    null,
    select,
    union_all,
)

from app.extensions import db
from app.models import BusquedaTiquet, Prioridades, Tiquet, month_mark
from app.permissions import Actor
from app.queries.catalog import all_catalogs
from app.queries.desk import ticket_list
from app.queries.desk.search import holds, indexed, months, named_terms, pieces, rare_of, terms
from app.queries.desk.ticket_branches import (
    CONDICIONES,
    PLAIN,
    PUBLIC,
    Forma,
    branch_statement,
    index_for,
    plan,
    sort_keys,
)
from app.queries.desk.ticket_list import Filtros
from app.queries.desk.tickets import NOT_IN_TRASH, owned_by, sees_internal, shape, visible_to, with_names
from app.queries.pagination import Corte, Pagina, after

VENTANA = 2000  # tickets that a page looks at before it asks the index
GROWTH = 4  # times as many months are asked for in each run as in the one before

Clave = tuple[Any, ...]  # what a ticket is sorted by; its id comes last


@dataclass(frozen=True)
class Hallazgo:
    """The sort keys of the first tickets that match, one more than a page has, and how many are known."""

    claves: list[Clave]
    total: int
    exacto: bool


def page(actor: Actor, filtros: Filtros, orden: str, limite: int, corte: Corte | None) -> Pagina:
    """A page of the tickets that ``actor`` sees and that match ``filtros``, with ``q`` among them or not."""
    if "q" not in filtros:
        return ticket_list.page(actor, filtros, orden, limite, corte)
    visible = visible_to(actor, filtros.get("papelera", False))
    values = ticket_list.wanted_values(actor, filtros, all_catalogs(actor))
    wanted = terms(filtros["q"])
    if not wanted or not all(values.values()):
        return Pagina([], 0, None)
    found = walked(actor, filtros, orden, limite, corte)
    if found is None:
        rare = rare_of(sees_internal(actor), wanted)
        # Of common words it is the filters that leave little: the window is then one of what they leave.
        found = None if rare else walked(actor, filtros, orden, limite, corte, filtered=True)
        found = found or from_index(actor, visible, filtros, orden, limite, corte, rare or pieces(wanted))
    total, exacto = (corte.total, corte.exacto) if corte else (found.total, found.exacto)
    claves = found.claves[:limite]
    siguiente = Corte(claves[-1], total, exacto) if len(found.claves) > limite else None
    return Pagina(shown(actor, [clave[-1] for clave in claves]), total, siguiente, exacto)


def walked(
    actor: Actor, filtros: Filtros, orden: str, limite: int, corte: Corte | None, filtered: bool = False
) -> Hallazgo | None:
    """What the window tells, if that is a page or all there is."""
    catalogos, papelera = all_catalogs(actor), filtros.get("papelera", False)
    values, ranges = (
        ticket_list.wanted_values(actor, filtros, catalogos),
        ticket_list.wanted_ranges(actor, filtros),
    )
    own, wanted = owned_by(actor), terms(filtros["q"])
    visible = NOT_IN_TRASH if own else visible_to(actor, papelera)
    forma, parameters = plan(values, ranges, orden, papelera, catalogos, corte, own, sees_internal(actor))
    if not forma.ramas:
        return Hallazgo([], 0, True)
    window = max(limite + 1, VENTANA // len(forma.ramas))
    sizes = {"limite": window, "ultima": window - 1, "cuantas": limite + 1}
    rows = db.session.execute(
        walk(forma if filtered else in_window(forma, papelera), forma.rest, len(wanted), visible),
        {**parameters, **named_terms(wanted), **sizes},
    ).all()
    return told(rows, limite, forma.descending)


def in_window(forma: Forma, papelera: bool) -> Forma:
    """The form of the window: what its index does not settle is asked of what is in it."""
    bounds = {"fecha_actualizacion": {"actualizado_desde"}}.get(forma.orden, {"creado_desde", "creado_hasta"})
    rest = tuple(name for name in forma.rest if name in bounds)
    index = index_for(forma.orden, papelera, forma.equal, rest)
    return replace(forma, rest=rest, index=index)


@lru_cache(maxsize=256)
def walk(
    forma: Forma, rest: tuple[str, ...], count: int, visible: ColumnElement[bool]
) -> CompoundSelect[Any]:
    """The sort keys of the first matches in the windows of all branches, with how many there are.

    And, without a number, the last of each window that is full.
    """
    matches = and_(
        *holds(forma.internal, count), *(CONDICIONES[name] for name in rest if name not in forma.rest)
    )
    hits, ends = [], []
    for number, rama in enumerate(forma.ramas):
        branch = branch_statement(forma, number, rama, visible)
        window = branch.subquery()
        there = window.join(Tiquet, Tiquet.id == window.c.id).join(
            BusquedaTiquet, BusquedaTiquet.id_tiquet == window.c.id
        )
        hit = select(*window.c).select_from(there).where(matches)
        hits.append(hit.prefix_with("STRAIGHT_JOIN", dialect="mysql"))
        ends.append(branch.limit(1).offset(bindparam("ultima")).subquery())
    found = forma.merged(hits).subquery()
    keys = [found.c[key] for key in sort_keys(forma.orden)]
    first = (
        select(*keys, func.count().over().label("cuantos"))
        .order_by(*(key.desc() if forma.descending else key for key in keys))
        .limit(bindparam("cuantas"))
        .subquery()
    )
    last = (select(*(end.c[key.name] for key in keys), null()) for end in ends)
    return union_all(select(first), *last)


def told(rows: Any, limite: int, descending: bool) -> Hallazgo | None:
    """What the rows of a walk tell; None when tickets beyond the windows belong on the page."""
    first = max if descending else min
    total = next((row.cuantos for row in rows if row.cuantos is not None), 0)
    claves = [tuple(row[:-1]) for row in rows if row.cuantos is not None]
    ends = [tuple(row[:-1]) for row in rows if row.cuantos is None]
    if ends:
        # Of a branch that goes on beyond its window nothing is known from there on, hence of none.
        horizon = first(ends)
        claves = [clave for clave in claves if clave == horizon or (clave > horizon) == descending]
        if len(claves) <= limite:
            return None
    return Hallazgo(sorted(claves, reverse=descending), total, not ends)


def from_index(
    actor: Actor,
    visible: ColumnElement[bool],
    filtros: Filtros,
    orden: str,
    limite: int,
    corte: Corte | None,
    rare: Sequence[str],
) -> Hallazgo:
    """What the index of the database tells, some months at a time: all matches of those are read."""
    catalogos, internal = all_catalogs(actor), sees_internal(actor)
    named = ticket_list.named_conditions(actor, filtros, catalogos) or {}
    column, descending = orden.lstrip("-"), orden.startswith("-")
    source = (PLAIN if internal else PUBLIC) | {"nivel": Prioridades.nivel}
    keys = [source[key] for key in sort_keys(column)]
    wanted = terms(filtros["q"])
    parameters = named | named_terms(wanted)
    conditions = [visible, *(CONDICIONES[name] for name in named)]
    if corte:
        names = [f"corte_{key}" for key in sort_keys(column)]
        conditions.append(after(keys, [bindparam(name) for name in names], descending))
        parameters |= dict(zip(names, corte.valores, strict=True))
    claves: list[Clave] = []
    total = 0
    runs = in_runs(months(), column, descending, corte)
    for number, meses in enumerate(runs, start=1):
        matching = all_matching(internal, wanted, rare, meses).where(*conditions)
        query = matching.with_only_columns(*keys, func.count().over(), maintain_column_froms=True)
        ordered = query.order_by(*(key.desc() if descending else key for key in keys))
        rows = db.session.execute(ordered.limit(limite + 1 - len(claves)), parameters).all()
        claves += [tuple(row[:-1]) for row in rows]
        total += rows[0][-1] if rows else 0
        if len(claves) > limite:
            return Hallazgo(claves, total, number == len(runs))
    return Hallazgo(claves, total, True)


def in_runs(meses: list[str], column: str, descending: bool, corte: Corte | None) -> list[list[str]]:
    """The months in the order of the list, from its cursor on; of few matches ever more months are asked."""
    if column != "fecha_creacion":
        return [meses] if meses else []
    ordered = sorted(meses, reverse=descending)
    if corte:
        start = month_mark(corte.valores[0])
        ordered = [mes for mes in ordered if mes == start or (mes < start) == descending]
    runs, size = [], 1
    while ordered:
        runs.append(ordered[:size])
        ordered, size = ordered[size:], size * GROWTH
    return runs


def all_matching(
    internal: bool, wanted: Sequence[str], rare: Sequence[str], meses: Sequence[str]
) -> Select[Any]:
    """The ids of the tickets of these months whose search rows match, from those rows to the tickets."""
    hits = indexed(internal, wanted, rare, meses).subquery()
    return (
        select(Tiquet.id)
        .select_from(
            hits.join(Tiquet, Tiquet.id == hits.c.id_tiquet).outerjoin(
                Prioridades, Prioridades.id == Tiquet.id_prioridad
            )
        )
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
    )


def shown(actor: Actor, ids: list[int]) -> list[dict[str, Any]]:
    """These tickets as a client gets them, in this order."""
    if not ids:
        return []
    catalogos = all_catalogs(actor)
    query = with_names(Tiquet.__table__, sees_internal(actor)).where(Tiquet.id.in_(ids))
    filas = {fila.id: fila for fila in db.session.scalars(query)}
    return [shape(filas[id], actor, catalogos) for id in ids if id in filas]
