"""The list of tickets, read by ranges of an index: about as many rows as it returns, at any depth.

A page is cut into branches, one for each combination of values that an index gives in the wanted order; each
branch stops at the page's length before they are merged. Names are joined to the few rows that are left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    join,
    null,
    or_,
    select,
    union,
    union_all,
)

from app.models import FILTRABLES, EtiquetaTiquet, Tiquet, list_index_name
from app.permissions import Actor
from app.queries import alone, along
from app.queries.along import Along
from app.queries.catalog import EPOCA, Catalogos, all_catalogs, last_known
from app.queries.desk.tickets import (
    FECHA_PUBLICA,
    NOT_IN_TRASH,
    Fechada,
    known_at,
    owned_by,
    sees_internal,
    shape,
    visible_to,
    with_names,
)
from app.queries.packed import Hoja, collected
from app.queries.pagination import TOTAL_EXACTO, Corte, Pagina, after, capped, capped_total, counted, total_of
from app.transaction import TryAgain

Filtros = dict[str, Any]

CONDICIONES: dict[str, ColumnElement[bool]] = {
    **{name: getattr(Tiquet, name).in_(bindparam(name, expanding=True)) for name in FILTRABLES},
    # SQLAlchemy writes an IN anew at each use; nearly all ask for one value.
    **{f"{name}_igual": getattr(Tiquet, name) == bindparam(f"{name}_igual") for name in FILTRABLES},
    "ninguno": Tiquet.id_usuario_asignado.is_(None),
    "ninguno_o": or_(
        Tiquet.id_usuario_asignado.is_(None),
        Tiquet.id_usuario_asignado.in_(bindparam("ninguno_o", expanding=True)),
    ),
    "etiqueta": Tiquet.id.in_(
        select(EtiquetaTiquet.id_tiquet).where(
            EtiquetaTiquet.etiqueta.in_(bindparam("etiqueta", expanding=True))
        )
    ),
    "creado_desde": Tiquet.fecha_creacion >= bindparam("creado_desde"),
    "creado_hasta": Tiquet.fecha_creacion < bindparam("creado_hasta"),
    "actualizado_desde": Tiquet.fecha_actualizacion >= bindparam("actualizado_desde"),
    "publicado_desde": bindparam("publicado_desde") <= FECHA_PUBLICA,
}
RANGOS = ("creado_desde", "creado_hasta", "actualizado_desde")
CON_VALORES = (*FILTRABLES, "etiqueta")
DATES = ("fecha_creacion", "fecha_actualizacion", "fecha_eliminacion")

# Where a branch finds its columns: among the tickets, or by way of a label, whose rows have the same order.
PLAIN: dict[str, Any] = {name: getattr(Tiquet, name) for name in (*FILTRABLES, *DATES, "id")}
# For who sees no internal comments.
PUBLIC: dict[str, Any] = PLAIN | {"fecha_actualizacion": FECHA_PUBLICA}
LABELLED = {
    "etiqueta": EtiquetaTiquet.etiqueta,
    "fecha_creacion": EtiquetaTiquet.fecha_creacion,
    "id": EtiquetaTiquet.id_tiquet,
}
LABEL_INDEX = "ix_Etiqueta_tiquet_etiqueta_fecha_creacion_id_tiquet"
FROM_LABELS = join(EtiquetaTiquet, Tiquet, Tiquet.id == EtiquetaTiquet.id_tiquet)


@dataclass(frozen=True)
class Rama:
    """A branch: which of its equal columns are NULL, and whether it starts behind the cursor.

    For one who is not staff, ``own`` is the column that makes its tickets its own.
    """

    nulls: tuple[bool, ...] = ()
    resumed: bool = False
    own: str | None = None


@dataclass(frozen=True)
class Forma:
    """A page's statement without its values: built once for each form."""

    orden: str
    descending: bool
    equal: tuple[str, ...]
    ramas: tuple[Rama, ...]
    rest: tuple[str, ...]  # names in CONDICIONES that the branches do not settle
    index: str | None
    internal: bool  # whether it is for who sees internal comments

    def merged(self, branches: list[Any]) -> Any:
        """The rows of several branches, each ticket once."""
        # A ticket is in the branches of all its labels, or of all that makes it one's own; of others, in one.
        several = "etiqueta" in self.equal or len({rama.own for rama in self.ramas}) > 1
        return (union if several else union_all)(*branches)


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


def along_for_staff(
    actor: Actor, filtros: Filtros, orden: str, limite: int, corte: Corte | None
) -> Along | None:
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


def conditions(values: dict[str, list[Any]]) -> dict[str, Any]:
    """Names in ``CONDICIONES`` and what to fill them with, for columns with a set of values."""
    named = {}
    for column, some in values.items():
        ids = [value for value in some if value is not None]
        if len(ids) == len(some) == 1 and column in FILTRABLES:
            named[f"{column}_igual"] = ids[0]
        elif len(ids) == len(some):
            named[column] = ids
        else:
            named["ninguno_o" if ids else "ninguno"] = ids
    return named


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


def natural_order(papelera: bool) -> str:
    """The order in which the indexes give the tickets; the trash stands by the date of throwing away."""
    return "fecha_eliminacion" if papelera else "fecha_creacion"


def index_for(orden: str, papelera: bool, equal: tuple[str, ...], rest: tuple[str, ...]) -> str | None:
    """The index whose ranges are the branches, or None where the server is to choose."""
    if papelera and orden != natural_order(papelera):
        return None
    by_change = orden == "fecha_actualizacion"
    if "etiqueta" in equal or (len(equal) > 1 and (by_change or equal != ("id_estado", "id_prioridad"))):
        return None
    if set(rest) - ({"actualizado_desde"} if by_change else {"creado_desde", "creado_hasta"}):
        return None
    return list_index_name(*equal, by="actualizacion" if by_change else "creacion")


def hinted(query: Any, index: str | None) -> Any:
    # Left alone, MariaDB walks the newest tickets when all of them are in another state.
    return query.with_hint(Tiquet, f"FORCE INDEX ({index})", "mysql") if index else query


def labels_first(query: Any) -> Any:
    # Without fresh statistics MariaDB may start at the tickets, or at another index: at all of them.
    by_date = query.with_hint(EtiquetaTiquet, f"FORCE INDEX ({LABEL_INDEX})", "mysql")
    return by_date.select_from(FROM_LABELS).prefix_with("STRAIGHT_JOIN", dialect="mysql")


def plan(
    values: dict[str, list[Any]],
    others: dict[str, Any],
    orden: str,
    papelera: bool,
    catalogos: Catalogos,
    corte: Corte | None,
    own: dict[str, int],
    internal: bool,
) -> tuple[Forma, dict[str, Any]]:
    """The form of the statement and what to fill it with.

    For one who is not staff, what is its ``own`` makes the branches, and what it asks for is their rest.
    """
    column, descending = orden.lstrip("-"), orden.startswith("-")
    if column == "prioridad":
        known = catalogos["prioridades"]
        values = {**values, "id_prioridad": [id for id in values.get("id_prioridad", known) if id in known]}
    equal = branch_columns(column, {} if own else values)
    rest = conditions({name: some for name, some in values.items() if name not in equal}) | others
    parameters = rest | {f"own_{name}": id for name, id in own.items()}
    if corte:
        parameters |= {
            f"corte_{key}": value for key, value in zip(sort_keys(column), corte.valores, strict=True)
        }
    ramas: list[Rama] = []
    for mine, *branch in product(own or (None,), *(values[name] for name in equal)):
        resumed = corte is not None
        if column == "prioridad":
            nivel = catalogos["prioridades"][branch[-1]]["nivel"]
            if corte and nivel != corte.valores[0]:
                if (nivel > corte.valores[0]) == descending:
                    continue  # All of it was on earlier pages.
                resumed = False
            parameters[f"nivel_{len(ramas)}"] = nivel
        parameters |= {f"{name}_{len(ramas)}": value for name, value in zip(equal, branch, strict=True)}
        ramas.append(Rama(tuple(value is None for value in branch), resumed, mine))
    index = index_for(column, papelera, equal, tuple(rest))
    return Forma(column, descending, equal, tuple(ramas), tuple(rest), index, internal), parameters


def branch_columns(orden: str, values: dict[str, list[Any]]) -> tuple[str, ...]:
    """The columns that are equal within a branch: such that one index gives it in the wanted order."""
    if orden == "prioridad":
        return (
            ("id_estado", "id_prioridad")
            if set(values) == {"id_estado", "id_prioridad"}
            else ("id_prioridad",)
        )
    if orden != "fecha_creacion" and "etiqueta" in values:
        return ()  # Labels know neither the trash nor the last change.
    return tuple(values) if len(values) == 1 else ()


def sort_keys(orden: str) -> tuple[str, ...]:
    return {
        "prioridad": ("nivel", "fecha_creacion", "id"),
        "fecha_eliminacion": ("fecha_eliminacion", "fecha_creacion", "id"),
    }.get(orden, (orden, "id"))


def sorted_by(orden: str, catalogos: Catalogos) -> Callable[[Any], tuple[Any, ...]]:
    """Tells the values that a ticket has its place in the list by."""
    keys, prioridades = sort_keys(orden), catalogos["prioridades"]
    if orden != "prioridad":
        return attrgetter(*keys)
    return lambda fila: (prioridades[fila.id_prioridad]["nivel"], *(getattr(fila, key) for key in keys[1:]))


@lru_cache(maxsize=512)
def statement(forma: Forma, visible: ColumnElement[bool], totals: Select[int] | None) -> Select[Any]:
    """The statement for a page of this form, as a ``Hoja`` with its total and the epoch of the catalogs.

    It takes ``limite``, and one row more tells of a next page.
    """
    rows = with_names(first(forma, visible), forma.internal)
    return collected(rows, Tiquet.id, *beside(totals))


@lru_cache(maxsize=64)
def row_statement(forma: Forma, visible: ColumnElement[bool], totals: Select[int] | None) -> Select[Any]:
    """The same, row by row."""
    return with_names(first(forma, visible), forma.internal, Fechada, beside(totals))


def beside(totals: Select[int] | None) -> tuple[Any, Any]:
    total = null() if totals is None else totals.correlate(None).scalar_subquery()
    return total, EPOCA.scalar_subquery()


def first(forma: Forma, visible: ColumnElement[bool]) -> Any:
    """The tickets of a page of this form, found by their sort keys."""
    branches = [branch_statement(forma, number, rama, visible) for number, rama in enumerate(forma.ramas)]
    if len(branches) == 1:
        ids = branches[0].subquery()
    else:
        # Each has an order and an end of its own.
        merged = forma.merged([select(branch.subquery()) for branch in branches]).subquery()
        keys = [merged.c[key] for key in sort_keys(forma.orden)]
        ordered = select(merged).order_by(*(key.desc() if forma.descending else key for key in keys))
        ids = ordered.limit(bindparam("limite")).subquery()
    return ids.join(Tiquet, Tiquet.id == ids.c.id)


def branch_statement(forma: Forma, number: int, rama: Rama, visible: ColumnElement[bool]) -> Select[Any]:
    """The sort keys of the first rows of one branch."""
    within = [key for key in sort_keys(forma.orden) if key != "nivel"]
    plain = PLAIN if forma.internal else PUBLIC
    source = LABELLED if "etiqueta" in forma.equal else plain
    columns = [source[key].label(key) for key in within]
    keys = [source[key] for key in within]
    nivel = [bindparam(f"nivel_{number}", type_=Integer).label("nivel")] if forma.orden == "prioridad" else []
    where = [visible, *(CONDICIONES[name] for name in forma.rest)]
    for name, is_null in zip(forma.equal, rama.nulls, strict=True):
        column = source[name]
        where.append(column.is_(None) if is_null else column == bindparam(f"{name}_{number}"))
    if rama.own:
        where.append(source[rama.own] == bindparam(f"own_{rama.own}"))
    if rama.resumed:
        where.append(after(keys, [bindparam(f"corte_{key}") for key in within], forma.descending))
    chosen = select(*nivel, *columns)
    query = labels_first(chosen) if source is LABELLED else chosen
    ordered = query.where(and_(*where)).order_by(*(key.desc() if forma.descending else key for key in keys))
    index = list_index_name(rama.own) if rama.own else forma.index
    limited: Select[Any] = hinted(ordered, index).limit(bindparam("limite"))
    return limited
