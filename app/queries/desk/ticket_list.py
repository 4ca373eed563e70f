"""The list of tickets: what is asked, as an actor may ask it, and the page and the total that it gets."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select, union

from app.models import FILTRABLES, EtiquetaTiquet, Tiquet, list_index_name
from app.permissions import Actor
from app.queries import alone, along
from app.queries.along import Along
from app.queries.catalog import Catalogos, all_catalogs, known_at, last_known
from app.queries.desk.ticket_branches import (
    CONDICIONES,
    PLAIN,
    Forma,
    conditions,
    hinted,
    index_for,
    labels_first,
    natural_order,
    plan,
    row_statement,
    sorted_by,
    statement,
)
from app.queries.desk.tickets import NOT_IN_TRASH, owned_by, sees_internal, shape, visible_to
from app.queries.packed import Hoja
from app.queries.pagination import TOTAL_EXACTO, Corte, Pagina, capped, capped_total, counted, total_of
from app.transaction import TryAgain

Filtros = dict[str, Any]
RANGOS = ("creado_desde", "creado_hasta", "actualizado_desde")
CON_VALORES = (*FILTRABLES, "etiqueta")


@dataclass(frozen=True)
class Pedido:
    """What a page is read by."""

    forma: Forma
    visible: ColumnElement[bool]
    totals: Select[int] | None  # counts the list, where the page brings its total along
    parameters: dict[str, Any]

    @property
    def statement(self) -> Select[Any]:
        return statement(self.forma, self.visible, self.totals)


def page(actor: Actor, filtros: Filtros, orden: str, limite: int, corte: Corte | None) -> Pagina:
    """A page of the tickets that ``actor`` sees and that match ``filtros``, and their total.

    With ``papelera`` among the filters it is a page of the trash. Read in no transaction.
    """
    catalogos = all_catalogs(actor)
    pedido = wanted(actor, filtros, orden, limite, corte, catalogos)
    if pedido is None:
        return Pagina([], corte.total if corte else 0, None)
    filas, (total, epoca) = sheet(actor, pedido)
    known_at(epoca, catalogos)
    if total is None:
        total = total_of(corte, len(filas), limite, lambda: count_for(actor, filtros, catalogos))

    place = sorted_by(pedido.forma.orden, catalogos)
    filas.sort(key=place, reverse=pedido.forma.descending)
    end = Corte(place(filas[limite - 1]), total) if len(filas) > limite else None
    return Pagina([shape(fila, actor, catalogos) for fila in filas[:limite]], total, end)


def along_for(actor: Actor, filtros: Filtros, orden: str, limite: int, corte: Corte | None) -> Along | None:
    """What ``page`` asks for ``actor``, to be read along with whether that is who asks."""
    catalogos = last_known()
    if catalogos is None or filtros.get("papelera"):
        return None
    pedido = wanted(actor, filtros, orden, limite, corte, catalogos)
    return Along(pedido.statement, pedido.parameters) if pedido else None


def wanted(
    actor: Actor, filtros: Filtros, orden: str, limite: int, corte: Corte | None, catalogos: Catalogos
) -> Pedido | None:
    """By what a page is read, or None when no ticket can match, or none that was not on earlier pages."""
    papelera = filtros.get("papelera", False)
    visible = visible_to(actor, papelera)
    values = wanted_values(actor, filtros, catalogos)
    if not all(values.values()):
        return None
    ranges, own = wanted_ranges(actor, filtros), owned_by(actor)
    if own:
        visible = NOT_IN_TRASH  # The branches say the rest, each by its index.
    forma, parameters = plan(values, ranges, orden, papelera, catalogos, corte, own, sees_internal(actor))
    if not forma.ramas:
        return None
    parameters["limite"] = limite + 1
    # Where an index ends the count, too, the page brings its total along.
    if not forma.index or corte or own or forma.rest:
        return Pedido(forma, visible, None, parameters)
    named = conditions(values)
    tope = {"tope": TOTAL_EXACTO + 1, "antes": TOTAL_EXACTO}
    return Pedido(forma, visible, quick_count(visible, tuple(named), forma.index), parameters | named | tope)


def sheet(actor: Actor, pedido: Pedido) -> Hoja:
    """The rows of a page and one more, in any order, with their total and the epoch of the catalogs."""
    hoja: Hoja | None = along.scalar(actor, pedido.statement, pedido.parameters, alone.scalar)
    if hoja is not None:
        return hoja
    # It is longer than what the server gives as one value.
    by_rows = row_statement(pedido.forma, pedido.visible, pedido.totals)
    filas = [row[0] for row in alone.rows(by_rows, pedido.parameters)]
    if not filas:
        raise TryAgain  # They went meanwhile, and with them the epoch.
    return Hoja(filas, [filas[0].total, filas[0].epoca])


def total(actor: Actor, filtros: Filtros) -> int:
    """How many tickets the list has, up to one more than ``TOTAL_EXACTO``."""
    return count_for(actor, filtros, all_catalogs(actor))


def count_for(actor: Actor, filtros: Filtros, catalogos: Catalogos) -> int:
    values, own = wanted_values(actor, filtros, catalogos), owned_by(actor)
    if not all(values.values()):
        return 0
    papelera = filtros.get("papelera", False)
    visible = NOT_IN_TRASH if own else visible_to(actor, papelera)
    return count(visible, papelera, values, wanted_ranges(actor, filtros), own)


def named_conditions(actor: Actor, filtros: Filtros, catalogos: Catalogos) -> dict[str, Any] | None:
    """Names in ``CONDICIONES`` and what to fill them with; None when no ticket can match."""
    values = wanted_values(actor, filtros, catalogos)
    if not all(values.values()):
        return None
    return conditions(values) | wanted_ranges(actor, filtros)


def wanted_ranges(actor: Actor, filtros: Filtros) -> dict[str, Any]:
    """Names in ``CONDICIONES`` and the instants to fill them with."""
    public = {} if sees_internal(actor) else {"actualizado_desde": "publicado_desde"}
    return {public.get(name, name): filtros[name] for name in RANGOS if name in filtros}


def wanted_values(actor: Actor, filtros: Filtros, catalogos: Catalogos) -> dict[str, list[Any]]:
    """For each filtered column, and for labels, the values wanted; ``None`` stands for NULL."""
    words = {"yo": actor.id, "ninguno": None}
    values = {name: [words.get(v, v) for v in filtros[name]] for name in CON_VALORES if name in filtros}
    if "tipo_estado" in filtros:
        of_type = [id for id, e in catalogos["estados"].items() if e["tipo"] in filtros["tipo_estado"]]
        values["id_estado"] = [id for id in of_type if id in values.get("id_estado", of_type)]
    return {name: list(dict.fromkeys(values[name])) for name in CON_VALORES if name in values}


def count(
    visible: ColumnElement[bool],
    papelera: bool,
    values: dict[str, list[Any]],
    others: dict[str, Any],
    own: dict[str, int] | None = None,
) -> int:
    named = conditions(values) | others
    if own:
        return capped_total(own_ids(own, named), named)
    index = index_for(natural_order(papelera), papelera, tuple(values), tuple(others))
    by_label = set(values) == {"etiqueta"}
    return counted(count_statement(visible, tuple(named), index, by_label), named)


@lru_cache(maxsize=512)
def count_statement(
    visible: ColumnElement[bool], names: tuple[str, ...], index: str | None, by_label: bool
) -> Select[int]:
    """The count of the tickets that hold the conditions of these ``names``."""
    if by_label:
        labels = EtiquetaTiquet.etiqueta.in_(bindparam("etiqueta", expanding=True))
        others_hold = (CONDICIONES[name] for name in names if name != "etiqueta")
        labelled = labels_first(select(EtiquetaTiquet.id_tiquet))
        return capped(hinted(labelled.distinct().where(labels, visible, *others_hold), index))
    return capped(hinted(select(Tiquet.id).where(visible, *(CONDICIONES[name] for name in names)), index))


@lru_cache(maxsize=512)
def quick_count(visible: ColumnElement[bool], names: tuple[str, ...], index: str) -> Select[int]:
    """The count where the index settles the conditions: up to a ``tope`` that has so many ``antes``.

    Whether there are as many is found without keeping their ids, as ``capped`` has to.
    """
    matching = hinted(select(Tiquet.id).where(visible, *(CONDICIONES[name] for name in names)), index)
    last = matching.with_only_columns(bindparam("tope", type_=Integer)).limit(1).offset(bindparam("antes"))
    return select(
        func.coalesce(
            last.correlate(None).scalar_subquery(),
            matching.with_only_columns(func.count()).correlate(None).scalar_subquery(),
        )
    )


def own_ids(own: dict[str, int], named: dict[str, Any]) -> Any:
    """The ids of the tickets in which any of ``own`` stands; of each column as many as are counted."""
    branches = [
        hinted(
            select(Tiquet.id).where(NOT_IN_TRASH, PLAIN[name] == id, *(CONDICIONES[name] for name in named)),
            list_index_name(name),
        ).limit(TOTAL_EXACTO + 1)
        for name, id in own.items()
    ]
    return union(*(select(branch.subquery()) for branch in branches))
