"""What an import looks for: which of its tickets are here already, and whom they name."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from app.extensions import db
from app.models import Clientes, Empleados, LogTransaccional, Tiquet, Usuario

# Field of a row that names somebody -> where they are.
PERSONA_DE: dict[str, type[Any]] = {
    "id_cliente": Clientes,
    "id_empleado": Empleados,
    "id_usuario_creador": Usuario,
    "id_usuario_asignado": Usuario,
}


@dataclass(frozen=True)
class Externa:
    """A ticket by the name that another system gave it."""

    origen_externo: str
    id_externo: str


@dataclass(frozen=True)
class Exportada:
    """A ticket by what never changes of it where it was exported, and by the event of its import."""

    id: int
    fecha_creacion: datetime
    id_evento: str


Clave = Externa | Exportada


def present(claves: Collection[Clave]) -> dict[Clave, int]:
    """Which of these tickets are here, in the trash too: their ids."""
    externas = [clave for clave in claves if isinstance(clave, Externa)]
    exportadas = [clave for clave in claves if isinstance(clave, Exportada)]
    return {**by_external_id(externas), **by_event(exportadas), **by_own_id(exportadas)}


def by_external_id(claves: list[Externa]) -> dict[Clave, int]:
    by_origin = defaultdict(list)
    for clave in claves:
        by_origin[clave.origen_externo].append(clave.id_externo)
    if not by_origin:
        return {}
    # Each source is a range of the unique index.
    named = (
        and_(Tiquet.origen_externo == origen, Tiquet.id_externo.in_(ids)) for origen, ids in by_origin.items()
    )
    found = select(Tiquet.id, Tiquet.origen_externo, Tiquet.id_externo).where(or_(*named))
    return {
        Externa(row.origen_externo or "", row.id_externo or ""): row.id for row in db.session.execute(found)
    }


def by_event(claves: list[Exportada]) -> dict[Clave, int]:
    """Those that came by an import before."""
    marks = {clave.id_evento: clave for clave in claves}
    if not marks:
        return {}
    log = LogTransaccional
    found = select(log.id_evento, log.id_entidad).where(log.id_evento.in_(marks))
    return {marks[row.id_evento]: row.id_entidad for row in db.session.execute(found) if row.id_entidad}


def by_own_id(claves: list[Exportada]) -> dict[Clave, int]:
    """Those that were exported from this very desk."""
    own = {(clave.id, clave.fecha_creacion): clave for clave in claves}
    if not own:
        return {}
    found = select(Tiquet.id, Tiquet.fecha_creacion).where(Tiquet.id.in_({id for id, _ in own}))
    rows = db.session.execute(found)
    return {own[row.id, row.fecha_creacion]: row.id for row in rows if (row.id, row.fecha_creacion) in own}


def people(model: type[Any], ids: set[int], emails: set[str]) -> Iterable[Any]:
    """Those who have one of these ids or e-mails, active or not."""
    if not ids and not emails:
        return []
    role = (model.tipo_usuario,) if model is Usuario else ()
    named = or_(model.id.in_(ids), model.email.in_(emails))
    return db.session.execute(
        select(model.id, model.email, model.nombre, model.apellido, *role).where(named)
    ).all()
