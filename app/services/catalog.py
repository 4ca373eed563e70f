"""Keeping the six catalogs: rows are added, edited, ordered and retired; what is in use is never erased."""

import re
import secrets
from typing import Any

from sqlalchemy import func, select, update

from app.errors import Conflict, Falla, Invalid, NotFound
from app.extensions import db
from app.models import CATALOGOS, ENTIDADES, Catalogo, CatalogoEpoca, EstadoTiquet, fold
from app.permissions import Actor, Permiso, require
from app.queries import catalog as queries
from app.services import changes, locks
from app.services.log import audit
from app.services.references import refuse, refuse_in_use, wrong_references
from app.services.versions import Precondicion, check_version

EPOCA_ID = 1
EPOCA_BITS = 62
MAX_ORDEN = 1_000_000
PASO = 10  # between the ``orden`` of neighbours, so that a row fits between them
MAX_CODIGO = 40
SIEMPRE_CON_PREDETERMINADA = ("estados", "prioridades")  # A new ticket takes the default of these.
CATALOGO_DE = {"id_padre": "ubicaciones", "id_categoria": "categorias"}


def create(actor: Actor, name: str, datos: dict[str, Any]) -> int:
    """Add a row to the catalog ``name``; answers its id."""
    require(Permiso.ADMINISTRAR_CATALOGO, actor)
    locks.hold("catalogos")
    model = CATALOGOS[name]
    check_references(datos)
    last = db.session.scalar(select(func.max(model.orden))) or 0
    orden = min(last + PASO, MAX_ORDEN)
    fila = model(**{"codigo": codigo_from(datos["nombre"]), "orden": orden, "activo": True} | datos)
    db.session.add(fila)
    save(actor, name, fila, "creado", {})
    return fila.id


def update_row(actor: Actor, name: str, id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
    """Change the given fields of a row; answers its id."""
    fila = find(actor, name, id)
    check_version(ENTIDADES[name], fila, precondicion)
    cambios = changes.wanted(fila, cambios, lambda: changed(name, id))
    check_references(cambios)
    if cambios.get("id_padre") and id in queries.ancestors(cambios["id_padre"]):
        raise Invalid({"id_padre": [Falla("ciclo")]})
    if cambios.get("predeterminado") is False and name in SIEMPRE_CON_PREDETERMINADA:
        raise Invalid({"predeterminado": [Falla("predeterminado_requerido")]})
    if cambios.get("activo") is False:
        check_can_go(fila, cambios)
    before = audit.snapshot(fila)
    for campo, value in cambios.items():
        setattr(fila, campo, value)
    save(actor, name, fila, "actualizado", before)
    return id


def erase(actor: Actor, name: str, id: int, precondicion: Precondicion) -> None:
    """Erase a row that nothing points at."""
    fila = find(actor, name, id)
    check_version(ENTIDADES[name], fila, precondicion)
    refuse_in_use(fila)
    check_can_go(fila, {})
    audit.record_erasure(f"{ENTIDADES[name]}.eliminado", actor, fila)
    touch_catalogs()


def shown(actor: Actor, name: str, id: int) -> dict[str, Any]:
    """A row from memory, or 404."""
    fila = queries.visible_to(actor)[name].get(id)
    if fila is None:
        raise NotFound("fila_no_encontrada")
    return fila


def changed(name: str, id: int) -> dict[str, Any]:
    """A row as the unit of work that changed it leaves it."""
    fila = queries.row(name, id)
    if fila is None:
        raise NotFound("fila_no_encontrada")
    return fila


def find(actor: Actor, name: str, id: int) -> Catalogo:
    require(Permiso.ADMINISTRAR_CATALOGO, actor)
    locks.hold("catalogos")
    fila = db.session.get(CATALOGOS[name], id)
    if fila is None:
        raise NotFound("fila_no_encontrada")
    return fila


def save(actor: Actor, name: str, fila: Catalogo, verbo: str, before: audit.Foto) -> None:
    """Write the row, its event, and the end of the former default if the row becomes it."""
    if fila.predeterminado and not fila.activo:
        raise Invalid({"predeterminado": [Falla("predeterminada_inactiva")]})
    db.session.flush()
    if fila.predeterminado and not before.get("predeterminado"):
        unmark_others(actor, name, fila)
    if audit.record(f"{ENTIDADES[name]}.{verbo}", actor, fila, before):
        touch_catalogs()


def unmark_others(actor: Actor, name: str, fila: Catalogo) -> None:
    """Only one row is the default, of states one of each type."""
    model = CATALOGOS[name]
    others = select(model).where(model.predeterminado.is_(True), model.id != fila.id)
    if isinstance(fila, EstadoTiquet):
        others = others.where(EstadoTiquet.tipo == fila.tipo)
    for other in db.session.scalars(others):
        before = audit.snapshot(other)
        other.predeterminado = False
        audit.record(f"{ENTIDADES[name]}.actualizado", actor, other, before)


def check_can_go(fila: Catalogo, cambios: dict[str, Any]) -> None:
    """Refuse to retire what new tickets need: the default row, and the last state of a type."""
    if isinstance(fila, EstadoTiquet) and fila.activo and queries.active_states(fila.tipo) == 1:
        raise Conflict("ultimo_de_su_tipo", tipo=fila.tipo)
    if cambios.get("predeterminado", fila.predeterminado):
        raise Conflict("fila_predeterminada")


def check_references(datos: dict[str, Any]) -> None:
    names = {campo: name for campo, name in CATALOGO_DE.items() if campo in datos}
    refuse(wrong_references(datos, names, queries.load()) if names else {})


def codigo_from(nombre: str) -> str:
    """A code for integrators made of the name: ``Correo electrónico`` -> ``correo_electronico``."""
    codigo = re.sub(r"[^a-z0-9]+", "_", fold(nombre).replace("ñ", "n")).strip("_")
    return (codigo if codigo[:1].isalpha() else f"fila_{codigo}")[:MAX_CODIGO].rstrip("_")


def touch_catalogs() -> None:
    """Make every memory of the catalogs outdated.

    The new value is random, not the next one: a value that was rolled back is never met again.
    """
    queries.confirm()
    epoca = secrets.randbits(EPOCA_BITS)
    known = update(CatalogoEpoca).where(CatalogoEpoca.id == EPOCA_ID).values(epoca=epoca)
    if not db.session.execute(known).rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
        db.session.add(CatalogoEpoca(id=EPOCA_ID, epoca=epoca))
    db.session.flush()
    queries.forget_epoch()
