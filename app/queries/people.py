"""Reading customers and employees."""

from typing import Any

from sqlalchemy import Select, or_, select

from app.extensions import db
from app.models import Clientes, Empleados
from app.queries.desk.search import searched
from app.queries.pagination import Corte, Pagina, page_of

# Entity of the event log -> its table.
PERSONAS: dict[str, type[Any]] = {"cliente": Clientes, "empleado": Empleados}
NOMBRE = ("id", "nombre", "apellido")
COMUNES = (
    *("email", "telefono", "id_ubicacion", "notas", "id_externo"),
    *("activo", "fecha_creacion", "anonimizacion_pedida", "fecha_anonimizado", "version"),
)
EXACTOS = ("activo", "id_ubicacion", "email", "id_externo", "codigo_empleado")


def everything(entidad: str) -> Select[Any]:
    """All that is shown of a person."""
    model = PERSONAS[entidad]
    return select(*(getattr(model, key) for key in (*NOMBRE, *model.PROPIAS, *COMUNES)))


def get(entidad: str, id: int) -> dict[str, Any] | None:
    found = everything(entidad).where(PERSONAS[entidad].id == id)
    row = db.session.execute(found).mappings().one_or_none()
    return None if row is None else dict(row)


def page(entidad: str, filtros: dict[str, Any], limite: int, corte: Corte | None) -> Pagina:
    """People by name and surname."""
    model, query = PERSONAS[entidad], everything(entidad)
    for name in EXACTOS:
        if name in filtros:
            query = query.where(getattr(model, name) == filtros[name])
    if "q" in filtros:
        query = searched(query, model, filtros["q"])
    return page_of(query, (model.nombre, model.apellido, model.id), limite, corte)


def locked(entidad: str, id: int) -> Clientes | Empleados | None:
    """A person to be changed."""
    model = PERSONAS[entidad]
    found: Clientes | Empleados | None = db.session.get(model, id, with_for_update=True)
    return found


def active(entidad: str, id: int) -> bool | None:
    """Whether a new ticket can name this person as the one who asks; None when there is no such person."""
    model = PERSONAS[entidad]
    found: bool | None = db.session.scalar(select(model.activo).where(model.id == id))
    return found


def is_erased(entidad: str, id: int) -> bool:
    """Whether a person's data were erased, or are being."""
    model = PERSONAS[entidad]
    begun = or_(model.anonimizacion_pedida.is_not(None), model.fecha_anonimizado.is_not(None))
    return db.session.scalar(select(model.id).where(model.id == id, begun)) is not None
