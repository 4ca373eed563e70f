"""The dashboard's figures: what they count is what the list returns."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, false, func, select

from app.extensions import db
from app.models import TECNICO, Tiquet, Usuario, list_index_name, utcnow
from app.permissions import Actor, Permiso, allows
from app.queries.catalog import Catalogos, all_catalogs
from app.queries.desk.tickets import NOT_IN_TRASH, open_of, person, visible_to
from app.queries.log import counts
from app.queries.log.counts import Conteos
from app.transitions import ABIERTOS

DIAS = 30


def dashboard(actor: Actor) -> dict[str, Any]:
    """Figures of all tickets that ``actor`` sees; ``por_dia`` covers the last ``DIAS`` days, in UTC."""
    visible = visible_to(actor)
    catalogos = all_catalogs(actor)
    today = utcnow().date()
    days = [today - timedelta(days=back) for back in reversed(range(DIAS))]
    found = (counts.kept(days[0]) if visible is NOT_IN_TRASH else None) or counted(visible, days[0])
    por_estado, por_tecnico = found["id_estado"], dict(found["id_usuario_asignado"])
    open_ones = sum(por_estado.get(id, 0) for id, e in catalogos["estados"].items() if e["tipo"] in ABIERTOS)
    closed_ones = sum(
        por_estado.get(id, 0) for id, e in catalogos["estados"].items() if e["tipo"] == "cerrado"
    )
    return {
        "total": sum(por_estado.values()),
        "abiertos": open_ones,
        "cerrados": closed_ones,
        "sin_asignar": por_tecnico.pop(counts.NADIE, 0),
        "por_estado": in_order(catalogos, "estados", por_estado),
        "por_criticidad": in_order(catalogos, "criticidades", found["id_criticidad"]),
        "por_prioridad": in_order(catalogos, "prioridades", found["id_prioridad"]),
        "por_categoria": in_order(catalogos, "categorias", found["id_categoria"]),
        "por_ubicacion": in_order(catalogos, "ubicaciones", found["id_ubicacion"]),
        "por_tecnico": by_technician(actor, por_tecnico),
        "por_dia": [by_day(found, day) for day in days],
    }


def counted(visible: ColumnElement[bool], since: date) -> Conteos:
    """All tickets counted one by one; of days, those from ``since`` on."""
    by_id = {name: groups(getattr(Tiquet, name), visible) for name in counts.IDS}
    return by_id | {name: per_day(getattr(Tiquet, name), visible, since) for name in counts.DIAS}


def groups(column: Any, visible: ColumnElement[bool]) -> dict[int, int]:
    """How many tickets have each value: of all, read from that column's list index alone."""
    query = select(column, func.count()).where(visible).group_by(column)
    if visible is NOT_IN_TRASH:
        query = query.with_hint(Tiquet, f"FORCE INDEX ({list_index_name(column.key)})", "mysql")
    return {counts.key_of(column.key, value): count for value, count in db.session.execute(query)}


def per_day(column: Any, visible: ColumnElement[bool], since: date) -> dict[int, int]:
    day = func.date(column)
    query = select(day, func.count()).where(visible, column >= datetime.combine(since, time())).group_by(day)
    return {counts.key_of(column.key, value): count for value, count in db.session.execute(query)}


def in_order(catalogos: Catalogos, name: str, found: dict[int, int]) -> list[dict[str, Any]]:
    """One entry for each row of the catalog, zeros included, in its order."""
    return [
        {"id": id, "nombre": fila["nombre"], "color": fila["color"], "cantidad": found.get(id, 0)}
        for id, fila in catalogos[name].items()
    ]


def by_technician(actor: Actor, found: dict[int, int]) -> list[dict[str, Any]]:
    """Every active technician that ``actor`` may know of, and whoever else has tickets, by surname."""
    active = (Usuario.tipo_usuario == TECNICO) & Usuario.activo.is_(True)
    shown = active if allows(Permiso.VER_USUARIO, actor) else false()
    users = db.session.execute(
        select(Usuario.id, Usuario.nombre, Usuario.apellido)
        .where(shown | Usuario.id.in_(found))
        .order_by(Usuario.apellido, Usuario.nombre, Usuario.id)
    )
    return [{**(person(*user) or {}), "cantidad": found.get(user.id, 0)} for user in users]


def by_day(found: Conteos, day: date) -> dict[str, Any]:
    """Tickets opened and resolved on one day."""
    created, resolved = (found[name].get(counts.key_of(name, day), 0) for name in counts.DIAS)
    return {"fecha": day.isoformat(), "creados": created, "resueltos": resolved}


def open_tickets(actor: Actor, id_usuario: int) -> int:
    """How many tickets a user has that are not resolved yet."""
    return db.session.scalar(select(func.count()).where(open_of(actor, id_usuario))) or 0
