"""Many rows at once, and what a list of them is to show."""

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from app.extensions import db
from app.models import EtiquetaTiquet, Tiquet
from app.services.seed import FILAS
from tests import factories

Fila = dict[str, Any]

LISTA = "/api/tickets/tickets"
INICIO = datetime(2026, 3, 1, 12)
TIPOS = {fila["id"]: fila["tipo"] for fila in FILAS["estados"]}
NIVELES = {fila["id"]: fila["nivel"] for fila in FILAS["prioridades"]}
PERSONAS = ("id_usuario_asignado", "id_usuario_creador", "id_cliente", "id_empleado")


def plant(filas: list[Fila]) -> list[Fila]:
    """Insert tickets, given by what matters of them, and their labels; answers them whole, with their ids."""
    creador = filas[0].get("id_usuario_creador") or factories.UsuarioFactory().id
    last = db.session.query(db.func.coalesce(db.func.max(Tiquet.id), 0)).scalar()
    whole = [
        {
            "id": last + position,
            "titulo": "Uno de muchos",
            "descripcion": "No funciona",
            "id_categoria": 1,
            "id_criticidad": 2,
            "id_prioridad": 2,
            "id_ubicacion": 1,
            "id_estado": 1,
            "id_cliente": None,
            "id_empleado": None,
            "id_usuario_creador": creador,
            "id_usuario_asignado": None,
            "etiquetas": [],
            "fecha_creacion": INICIO,
            "fecha_actualizacion": INICIO,
            "fecha_resolucion": None,
            "fecha_eliminacion": None,
            "version": 1,
        }
        | fila
        for position, fila in enumerate(filas, start=1)
    ]
    db.session.execute(insert(Tiquet), whole)
    labels = [
        {"id_tiquet": fila["id"], "etiqueta": etiqueta, "fecha_creacion": fila["fecha_creacion"]}
        for fila in whole
        for etiqueta in fila["etiquetas"]
    ]
    if labels:
        db.session.execute(insert(EtiquetaTiquet), labels)
    db.session.commit()
    return whole


def people() -> dict[str, list[int]]:
    """For each column that names a person, two who may stand there."""
    users = [factories.UsuarioFactory().id for _ in range(2)]
    return {
        "id_usuario_asignado": users,
        "id_usuario_creador": users,
        "id_cliente": [factories.ClienteFactory().id for _ in range(2)],
        "id_empleado": [factories.EmpleadoFactory().id for _ in range(2)],
    }


def mixed(count: int, gente: dict[str, list[int]], seed: int = 7) -> list[Fila]:
    """Tickets of all kinds; many share their instants, and some are in the trash."""
    chance = random.Random(seed)

    def one() -> Fila:
        asks = chance.choice(("id_cliente", "id_empleado", None))
        return {
            "id_estado": chance.randint(1, 7),
            "id_categoria": chance.randint(1, 3),
            "id_criticidad": chance.randint(1, 4),
            "id_prioridad": chance.randint(1, 4),
            "id_ubicacion": chance.randint(1, 3),
            "id_usuario_creador": chance.choice(gente["id_usuario_creador"]),
            "id_usuario_asignado": chance.choice([None, *gente["id_usuario_asignado"]]),
            **({asks: chance.choice(gente[asks])} if asks else {}),
            "etiquetas": chance.sample(["red", "vpn", "ñandú"], chance.randint(0, 2)),
            "fecha_creacion": INICIO + timedelta(hours=chance.randint(0, 9)),
            "fecha_actualizacion": INICIO + timedelta(hours=chance.randint(10, 19)),
            "fecha_eliminacion": INICIO if chance.random() < 0.1 else None,
        }

    return [one() for _ in range(count)]


def wanted(filas: list[Fila], query: dict[str, Any], yo: int = 0) -> list[int]:
    """The ids of what a list of tickets is to show, in its order."""
    papelera = query.get("papelera") == "true"
    orden = query.get("orden", "-fecha_eliminacion" if papelera else "-fecha_creacion")
    column = orden.lstrip("-")
    there = [fila for fila in filas if (fila["fecha_eliminacion"] is not None) == papelera]
    shown = [fila for fila in there if matches(fila, query, yo)]

    def key(fila: Fila) -> tuple[Any, ...]:
        if column == "prioridad":
            return NIVELES[fila["id_prioridad"]], fila["fecha_creacion"], fila["id"]
        if column == "fecha_eliminacion":
            return fila["fecha_eliminacion"], fila["fecha_creacion"], fila["id"]
        return fila[column], fila["id"]

    return [fila["id"] for fila in sorted(shown, key=key, reverse=orden.startswith("-"))]


def matches(fila: Fila, query: dict[str, Any], yo: int) -> bool:
    filters = {name: value for name, value in query.items() if name not in ("orden", "papelera")}
    return all(matches_one(fila, name, value, yo) for name, value in filters.items())


def matches_one(fila: Fila, name: str, value: Any, yo: int) -> bool:
    match name:
        case "creado_desde":
            return bool(fila["fecha_creacion"] >= instant(value))
        case "creado_hasta":
            return bool(fila["fecha_creacion"] < instant(value))
        case "actualizado_desde":
            return bool(fila["fecha_actualizacion"] >= instant(value))
        case "etiqueta":
            return bool(set(fila["etiquetas"]) & set(value))
        case "tipo_estado":
            return TIPOS[fila["id_estado"]] in value
        case _:
            return fila[name] in [{"yo": yo, "ninguno": None}.get(one, one) for one in value]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def walk(
    client: Any, headers: dict[str, str], query: dict[str, Any], limite: int, path: str = LISTA
) -> list[int]:
    """The ids on all pages of a list, one page after the other."""
    return [fila["id"] for page in pages(client, headers, query, limite, path) for fila in page["data"]]


def pages(client: Any, headers: dict[str, str], query: dict[str, Any], limite: int, path: str = LISTA) -> Any:
    """The pages of a list, each asked for when it is wanted."""
    asked = {**query, "limite": limite}
    while True:
        answer = client.get(path, query_string=asked, headers=headers)
        assert answer.status_code == 200, answer.json
        yield answer.json
        siguiente = answer.json["paginacion"]["siguiente"]
        if siguiente is None:
            return
        assert siguiente != asked.get("cursor"), "the list does not go on"
        asked["cursor"] = siguiente
