"""The six catalogs, from memory while nobody has changed them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select

from app.errors import Unavailable
from app.extensions import db
from app.models import CATALOGOS, Catalogo, CatalogoEpoca, EstadoTiquet, Ubicaciones
from app.permissions import Actor, Permiso, allows
from app.transaction import TryAgain, ask, ending, in_unit

COMUNES = ("id", "codigo", "nombre", "descripcion", "orden", "color", "activo", "predeterminado")

PRESUMED = "presumed epochs"  # of a unit of work: what it went by without having looked

Fila = dict[str, Any]

# Field of a ticket -> the catalog that it names a row of.
DE_TIQUET = {
    "id_categoria": "categorias",
    "id_problema": "problemas",
    "id_criticidad": "criticidades",
    "id_prioridad": "prioridades",
    "id_ubicacion": "ubicaciones",
    "id_estado": "estados",
}


def outdated() -> TryAgain:
    """For who reads what goes with other catalogs than those that are known: another try reads both anew."""
    _memory.pop(db.engine.engine, None)
    return TryAgain()


class Filas(dict[int, Fila]):
    """The rows of a catalog by id, in the order shown; outdated if what a ticket names is not among them."""

    def __missing__(self, id: int) -> Fila:
        raise outdated()


class Breves(dict[int | None, Any]):
    """What stands beside an id in other objects, and None beside none; outdated as the rows are."""

    def __missing__(self, id: int | None) -> Any:
        raise outdated()


def chosen(active: list[Fila]) -> Fila:
    """The default among rows of which there is one at least, unless nobody has filled the catalogs yet."""
    if not active:
        raise unfilled()
    return next((fila for fila in active if fila["predeterminado"]), active[0])


def unfilled() -> Unavailable:
    """For who needs catalogs, where nobody has filled them yet."""
    return Unavailable("catalogos_vacios", retry_after=30)


@dataclass(frozen=True)
class Catalogos:
    """All rows of all catalogs as of one ``epoca``: name of the catalog -> id -> row, in the order shown."""

    epoca: int
    filas: dict[str, Filas]

    def __getitem__(self, name: str) -> Filas:
        return self.filas[name]

    def active(self) -> "Catalogos":
        """The same without the rows that are no longer in use."""
        return Catalogos(
            self.epoca,
            {
                name: Filas({id: fila for id, fila in filas.items() if fila["activo"]})
                for name, filas in self.filas.items()
            },
        )

    def default(self, name: str) -> Fila:
        """The row that is taken when none is named; the first active one when none is marked."""
        return chosen([fila for fila in self.filas[name].values() if fila["activo"]])

    def state_of_type(self, tipo: str) -> Fila:
        """The state that a transition to ``tipo`` goes to unless it names another."""
        return chosen([e for e in self.filas["estados"].values() if e["tipo"] == tipo and e["activo"]])

    def brief(self, name: str, id: int | None) -> Fila | None:
        """What stands beside an id in other objects."""
        breve: Fila | None = self.breves[name][id]
        return breve

    @cached_property
    def breves(self) -> dict[str, Breves]:
        """Name of the catalog -> id -> what stands beside it; nobody may change what it gets of these."""
        keys = {"estados": ("id", "nombre", "tipo", "color")}
        found = {name: Breves({None: None}) for name in self.filas}
        for name, filas in self.filas.items():
            for id, fila in filas.items():
                found[name][id] = {key: fila[key] for key in keys.get(name, ("id", "nombre"))}
        return found


# By engine: one process may serve several databases, as the tests do.
_memory: WeakKeyDictionary[Engine, Catalogos] = WeakKeyDictionary()


def all_catalogs(actor: Actor) -> Catalogos:
    """The catalogs as the statement that authenticated ``actor`` saw them, or else as they are."""
    known = presumed(actor)
    if known is None:
        known = last_known()
        if known is None or known.epoca != epoch():
            known = _memory[db.engine.engine] = load()
    return known


def last_known() -> Catalogos | None:
    """The catalogs as they were last, for who finds out later whether they still are."""
    return _memory.get(db.engine.engine)  # In a test it may be one connection of the engine.


def presumed(actor: Actor) -> Catalogos | None:
    """The catalogs as the statement that authenticated ``actor`` saw them, if they are in memory.

    That they still are is confirmed before a unit of work that goes by them ends.
    """
    known = last_known()
    if known is None or known.epoca != actor.epoca:
        return None
    if in_unit():
        db.session().info.setdefault(PRESUMED, set()).add(known.epoca)
    return known


@ending.connect
def confirm(_sender: Any = None) -> None:
    """Let the unit of work run again if the catalogs are not as it presumed."""
    epocas = db.session().info.pop(PRESUMED, None)
    if epocas and epocas != {epoch()}:
        raise outdated()


def known_at(epoca: int, catalogos: Catalogos) -> Catalogos:
    """These catalogs, unless what goes with them was read at another epoch."""
    if epoca != catalogos.epoca:
        raise outdated()
    if in_unit():
        db.session().info.get(PRESUMED, set()).discard(epoca)
    return catalogos


def visible_to(actor: Actor) -> Catalogos:
    """The rows that ``actor`` may know of: staff of all, others of those in use."""
    return seen_by(actor, all_catalogs(actor))


def seen_by(actor: Actor, catalogos: Catalogos) -> Catalogos:
    return catalogos if allows(Permiso.VER_INACTIVO, actor) else catalogos.active()


def listing(actor: Actor, name: str, filtros: dict[str, Any]) -> list[Fila]:
    """The rows of one catalog; a problem of any category is also one of the category asked for."""
    filas = list(visible_to(actor)[name].values())
    if "activo" in filtros:
        filas = [fila for fila in filas if fila["activo"] == filtros["activo"]]
    if "id_categoria" in filtros:
        filas = [fila for fila in filas if fila["id_categoria"] in (None, filtros["id_categoria"])]
    return filas


EPOCA = select(CatalogoEpoca.epoca)


def epoch() -> int:
    """As this transaction sees it: asked once in each, and once more when it has changed a catalog itself."""
    session = db.session()
    known: tuple[Any, int] | None = session.info.get("epoca")
    if known is None or known[0] is not session.get_transaction():
        found = ask(EPOCA, {})
        if not found:
            raise unfilled()
        known = session.info["epoca"] = session.get_transaction(), found[0][0]
    return known[1]


def forget_epoch() -> None:
    """For who changes a catalog."""
    db.session().info.pop("epoca", None)


def load() -> Catalogos:
    return Catalogos(epoch(), {name: rows(model) for name, model in CATALOGOS.items()})


def row(name: str, id: int) -> Fila | None:
    """One row as it is now, inside a unit of work that changes it."""
    return rows(CATALOGOS[name]).get(id)


def ancestors(id: int) -> set[int]:
    """A location and all that it lies in."""
    rows = db.session.execute(select(Ubicaciones.id, Ubicaciones.id_padre))
    parents = {row.id: row.id_padre for row in rows}
    found: set[int] = set()
    above: int | None = id
    while above is not None and above not in found:
        found.add(above)
        above = parents.get(above)
    return found


def active_states(tipo: str) -> int:
    """How many states of this type a ticket can be moved to."""
    active = select(func.count()).where(EstadoTiquet.tipo == tipo, EstadoTiquet.activo.is_(True))
    return db.session.scalar(active) or 0


def rows(model: type[Catalogo]) -> Filas:
    keys = (*COMUNES, *model.PROPIAS, "version")
    columns = [getattr(model, key) for key in keys]
    found = db.session.execute(select(*columns).order_by(model.orden, model.nombre, model.id))
    return Filas({row[0]: dict(zip(keys, row, strict=True)) for row in found})
