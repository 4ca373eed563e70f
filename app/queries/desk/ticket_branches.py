"""The statements of the list of tickets: about as many rows of an index as a page shows, at any depth.

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
    join,
    null,
    or_,
    select,
    union,
    union_all,
)

from app.models import FILTRABLES, EtiquetaTiquet, Tiquet, list_index_name
from app.queries.catalog import EPOCA, Catalogos
from app.queries.desk.tickets import FECHA_PUBLICA, Fechada, with_names
from app.queries.packed import collected
from app.queries.pagination import Corte, after

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
