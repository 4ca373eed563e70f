"""The dashboard's figures: what they count is what the list returns."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, func, select

from app.extensions import db
from app.models import TECNICO, Tiquet, Usuario, list_index_name, utcnow
from app.permissions import Actor, Permiso, allows
from app.queries.catalog import Catalogos, all_catalogs
from app.queries.tickets import NOT_IN_TRASH, open_of, person, visible_to
from app.transitions import ABIERTOS

DIAS = 30


def dashboard(actor: Actor) -> dict[str, Any]:
    """Figures of all tickets that ``actor`` sees; ``por_dia`` covers the last ``DIAS`` days, in UTC."""
    visible = visible_to(actor)
    catalogos = all_catalogs(actor)
    por_estado = counts(Tiquet.id_estado, visible)
    por_tecnico = counts(Tiquet.id_usuario_asignado, visible)
    open_ones = sum(por_estado.get(id, 0) for id, e in catalogos["estados"].items() if e["tipo"] in ABIERTOS)
    closed_ones = sum(
        por_estado.get(id, 0) for id, e in catalogos["estados"].items() if e["tipo"] == "cerrado"
    )
    return {
        "total": sum(por_estado.values()),
        "abiertos": open_ones,
        "cerrados": closed_ones,
        "sin_asignar": por_tecnico.pop(None, 0),
        "por_estado": in_order(catalogos, "estados", por_estado),
        "por_criticidad": in_order(catalogos, "criticidades", counts(Tiquet.id_criticidad, visible)),
        "por_prioridad": in_order(catalogos, "prioridades", counts(Tiquet.id_prioridad, visible)),
        "por_categoria": in_order(catalogos, "categorias", counts(Tiquet.id_categoria, visible)),
        "por_ubicacion": in_order(catalogos, "ubicaciones", counts(Tiquet.id_ubicacion, visible)),
        "por_tecnico": by_technician(actor, por_tecnico),
        "por_dia": by_day(visible),
    }


def counts(column: Any, visible: ColumnElement[bool]) -> dict[int | None, int]:
    """How many tickets have each value: of all, read from that column's list index alone."""
    query = select(column, func.count()).where(visible).group_by(column)
    if visible is NOT_IN_TRASH:
        query = query.with_hint(Tiquet, f"FORCE INDEX ({list_index_name(column.key)})", "mysql")
    return dict(db.session.execute(query).all())


def in_order(catalogos: Catalogos, name: str, found: dict[int | None, int]) -> list[dict[str, Any]]:
    """One entry for each row of the catalog, zeros included, in its order."""
    return [
        {"id": id, "nombre": fila["nombre"], "color": fila["color"], "cantidad": found.get(id, 0)}
        for id, fila in catalogos[name].items()
    ]


def by_technician(actor: Actor, found: dict[int | None, int]) -> list[dict[str, Any]]:
    """Every active technician that ``actor`` may know of, and whoever else has tickets, by surname."""
    active = (Usuario.tipo_usuario == TECNICO) & Usuario.activo.is_(True)
    shown = active if allows(Permiso.VER_USUARIO, actor) else false()
    users = db.session.execute(
        select(Usuario.id, Usuario.nombre, Usuario.apellido)
        .where(shown | Usuario.id.in_(found))
        .order_by(Usuario.apellido, Usuario.nombre, Usuario.id)
    )
    return [{**(person(*user) or {}), "cantidad": found.get(user.id, 0)} for user in users]


def by_day(visible: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Tickets opened and resolved on each of the last days, oldest first."""
    today = utcnow().date()
    days = [today - timedelta(days=back) for back in reversed(range(DIAS))]
    created, resolved = (
        per_day(column, visible, days[0]) for column in (Tiquet.fecha_creacion, Tiquet.fecha_resolucion)
    )
    return [
        {
            "fecha": day.isoformat(),
            "creados": created.get(day.isoformat(), 0),
            "resueltos": resolved.get(day.isoformat(), 0),
        }
        for day in days
    ]


def per_day(column: Any, visible: ColumnElement[bool], since: date) -> dict[str, int]:
    day = func.date(column)
    query = select(day, func.count()).where(visible, column >= datetime.combine(since, time())).group_by(day)
    return {str(value): number for value, number in db.session.execute(query)}


def open_tickets(actor: Actor, id_usuario: int) -> int:
    """How many tickets a user has that are not resolved yet."""
    return db.session.scalar(select(func.count()).where(open_of(actor, id_usuario))) or 0
