"""Rows of the six catalogs: where they are, what they need, and how one is added."""

from typing import Any

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import CATALOGOS, CatalogoEpoca

CATALOGS = "/api/tickets"
ENTIDADES = {
    "categorias": "categoria",
    "estados": "estado",
    "criticidades": "criticidad",
    "prioridades": "prioridad",
    "ubicaciones": "ubicacion",
    "problemas": "problema",
}
# What a new row needs besides its name, and what it may have.
NECESARIAS: dict[str, dict[str, Any]] = {
    "estados": {"tipo": "en_espera"},
    "criticidades": {"nivel": 5},
    "prioridades": {"nivel": 5},
}
PROPIAS: dict[str, dict[str, Any]] = NECESARIAS | {
    "categorias": {"unidad_corresponde": "Infraestructura", "asignacion": "rotativa"},
    "ubicaciones": {"id_padre": 1},
    "problemas": {"id_categoria": 2},
}
# A row of each that nothing points at, and that may go.
SOBRANTES = dict(zip(CATALOGOS, (8, 4, 4, 4, 9, 1), strict=True))

all_six = pytest.mark.parametrize("name", CATALOGOS)


def rows(name: str, id: int | None = None) -> str:
    """Where a catalog is, or one row of it."""
    return f"{CATALOGS}/{name}" + (f"/{id}" if id else "")


def epoch() -> int | None:
    """The number that is another after every change of a catalog."""
    db.session.commit()
    return db.session.scalar(select(CatalogoEpoca.epoca))


def add_row(call: Any, admin: Any, name: str, nombre: str = "Otra más", **fields: Any) -> dict[str, Any]:
    """A new row, as it was answered."""
    made = call(admin, "POST", rows(name), {"nombre": nombre, **NECESARIAS.get(name, {}), **fields})
    assert made.status_code == 201, made.json
    return dict(made.json)
