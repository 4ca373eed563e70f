"""The list of tickets as a search narrows it, at a cost that neither rare nor common words raise.

First a bounded walk: as many of the list's next tickets as a window holds are looked at, whatever they say. A
common word fills a page there. What does not fill one is rare enough for the index of the database, which
reads all that match before it gives the first.
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
    literal_column,
    select,
    union_all,
)

from app.extensions import db
from app.models import BusquedaTiquet, Prioridades, Tiquet
from app.permissions import Actor
from app.queries import ticket_list
from app.queries.catalog import all_catalogs
from app.queries.pagination import Corte, Pagina, after
from app.queries.search import holds, indexed, named_terms, rare_of, terms
from app.queries.ticket_list import CONDICIONES, PLAIN, PUBLIC, Filtros, Forma, sort_keys
from app.queries.tickets import NOT_IN_TRASH, owned_by, sees_internal, shape, visible_to, with_names

VENTANA = 2000  # tickets that a page looks at before it asks the index

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
        found = found or from_index(actor, visible, filtros, orden, limite, corte, rare or wanted)
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
    forma, parameters = ticket_list.plan(
        values, ranges, orden, papelera, catalogos, corte, own, sees_internal(actor)
    )
    if not forma.ramas:
        return Hallazgo([], 0, True)
    window = max(limite + 1, VENTANA // len(forma.ramas))
    rows = db.session.execute(
        walk(forma if filtered else in_window(forma, papelera), forma.rest, len(wanted), visible),
        {**parameters, **named_terms(wanted), "limite": window},
    ).all()
    return told(rows, window, limite, forma.descending)


def in_window(forma: Forma, papelera: bool) -> Forma:
    """The form of the window: what its index does not settle is asked of what is in it."""
    bounds = {"fecha_actualizacion": {"actualizado_desde"}}.get(forma.orden, {"creado_desde", "creado_hasta"})
    rest = tuple(name for name in forma.rest if name in bounds)
    index = ticket_list.index_for(forma.orden, papelera, forma.equal, rest)
    return replace(forma, rest=rest, index=index)


@lru_cache(maxsize=256)
def walk(
    forma: Forma, rest: tuple[str, ...], count: int, visible: ColumnElement[bool]
) -> CompoundSelect[Any]:
    """For each branch the sort keys of its next tickets, and whether they match."""
    matches = and_(
        *holds(forma.internal, count), *(CONDICIONES[name] for name in rest if name not in forma.rest)
    )
    branches = []
    for number, rama in enumerate(forma.ramas):
        window = ticket_list.branch_statement(forma, number, rama, visible).subquery()
        branches.append(
            select(literal_column(str(number)).label("rama"), *window.c, matches.label("cumple")).select_from(
                window.outerjoin(Tiquet, Tiquet.id == window.c.id).outerjoin(
                    BusquedaTiquet, BusquedaTiquet.id_tiquet == window.c.id
                )
            )
        )
    return union_all(*branches)


def told(rows: Any, window: int, limite: int, descending: bool) -> Hallazgo | None:
    """What the rows of a walk tell; None when tickets beyond the window belong on the page."""
    seen: dict[int, list[Clave]] = {}
    matching = set()
    for rama, *clave, cumple in rows:
        seen.setdefault(rama, []).append(tuple(clave))
        if cumple:
            matching.add(tuple(clave))
    first, last = (max, min) if descending else (min, max)
    # Of a branch that goes on beyond its window nothing is known from there on, hence of none.
    ends = [last(claves) for claves in seen.values() if len(claves) == window]
    claves = sorted(matching, reverse=descending)
    if ends:
        horizon = first(ends)
        claves = [clave for clave in claves if clave == horizon or (clave > horizon) == descending]
        if len(claves) <= limite:
            return None
    return Hallazgo(claves[: limite + 1], len(matching), not ends)


def from_index(
    actor: Actor,
    visible: ColumnElement[bool],
    filtros: Filtros,
    orden: str,
    limite: int,
    corte: Corte | None,
    rare: Sequence[str],
) -> Hallazgo:
    """What the index of the database tells, all matches being read."""
    catalogos, internal = all_catalogs(actor), sees_internal(actor)
    named = ticket_list.named_conditions(actor, filtros, catalogos) or {}
    column, descending = orden.lstrip("-"), orden.startswith("-")
    source = (PLAIN if internal else PUBLIC) | {"nivel": Prioridades.nivel}
    keys = [source[key] for key in sort_keys(column)]
    wanted = terms(filtros["q"])
    matching = all_matching(internal, wanted, rare).where(visible, *(CONDICIONES[name] for name in named))
    query = matching.with_only_columns(*keys, func.count().over(), maintain_column_froms=True)
    parameters = named | named_terms(wanted)
    if corte:
        names = [f"corte_{key}" for key in sort_keys(column)]
        query = query.where(after(keys, [bindparam(name) for name in names], descending))
        parameters |= dict(zip(names, corte.valores, strict=True))
    ordered = query.order_by(*(key.desc() if descending else key for key in keys)).limit(limite + 1)
    rows = db.session.execute(ordered, parameters).all()
    return Hallazgo([tuple(row[:-1]) for row in rows], rows[0][-1] if rows else 0, True)


def all_matching(internal: bool, wanted: Sequence[str], rare: Sequence[str]) -> Select[Any]:
    """The ids of the tickets whose search rows match, from those rows to the tickets."""
    hits = indexed(internal, wanted, rare).subquery()
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
    rows = {row.id: row for row in db.session.execute(query)}
    return [shape(rows[id], actor, catalogos) for id in ids if id in rows]
