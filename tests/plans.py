"""Twenty thousand rows on MariaDB, and how many of them a query reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.extensions import db
from tests import factories
from tests.statements import noted

TIQUETS = 20_000
LIMITE = 50
DEPTHS = (0, 0.9)  # the first page, and one behind nine tenths of the list
EMPIEZA = datetime(2026, 1, 1)

# Catalogs and people take turns; the newer half of the tickets is in one state, as at a real desk.
PLANT = """
INSERT INTO Tiquet (
    id, titulo, descripcion, id_categoria, id_criticidad, id_prioridad, id_ubicacion, id_estado,
    id_cliente, id_empleado, id_usuario_creador, id_usuario_asignado, canal, etiquetas,
    fecha_creacion, fecha_actualizacion, fecha_eliminacion,
    veces_reabierto, numero_comentarios, numero_adjuntos, version)
SELECT
    seq, 'Uno de muchos', 'No funciona', 1 + seq % 8, 1 + seq % 4, 1 + seq % 4, 1 + seq % 9,
    IF(seq > :half, 1, 1 + seq % 7),
    IF(seq % 3 = 0, :cliente + seq % 5, NULL), IF(seq % 3 = 1, :empleado + seq % 5, NULL),
    :usuario + seq % 10, IF(seq % 4 = 0, NULL, :usuario + seq % 10), 'api', '[]',
    :starts + INTERVAL seq DIV 2 MINUTE, :starts + INTERVAL seq DIV 2 MINUTE + INTERVAL seq % 60 DAY,
    IF(seq % :trashed = 0, :starts + INTERVAL seq % 977 HOUR, NULL), 0, 0, 0, 1
FROM seq_1_to_20000 WHERE seq BETWEEN :after + 1 AND :after + :piece
"""
PIECE = 4_000  # rows of one statement: a slow machine has five seconds for it, as for any of a request


def plant_tickets(trashed: int) -> dict[str, int]:
    """Insert ``TIQUETS`` tickets, one in ``trashed`` of them thrown away; the first ids of who is in them."""
    users = [factories.UsuarioFactory().id for _ in range(10)]
    clients = [factories.ClienteFactory().id for _ in range(5)]
    employees = [factories.EmpleadoFactory().id for _ in range(5)]
    first = {"usuario": users[0], "cliente": clients[0], "empleado": employees[0]}
    values = {"half": TIQUETS // 2, "starts": EMPIEZA, "trashed": trashed}
    in_pieces(PLANT, **first, **values)
    return first


def in_pieces(statement: str, **values: Any) -> None:
    """Write rows ``:after`` some id, ``:piece`` of them at a time."""
    for after in range(0, TIQUETS, PIECE):
        db.session.execute(text(statement), values | {"after": after, "piece": PIECE})
        db.session.commit()


class Lectura:
    """What a query read: rows by the server's own count, and the indexes of the table it used."""

    rows: int
    indexes: set[str]


@contextmanager
def reading(table: str = "Tiquet") -> Iterator[Lectura]:
    """Notes in its ``Lectura``, once it is over, what the block reads, and by which indexes of ``table``."""
    lectura = Lectura()
    idle = -handler_reads() + handler_reads()
    before = handler_reads()
    with noted() as statements:
        yield lectura
    lectura.rows = handler_reads() - before - idle
    plans = [
        row._mapping
        for statement, parameters in statements
        if statement.startswith("SELECT")
        for row in db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
    ]
    lectura.indexes = {plan["key"] for plan in plans if plan["table"] == table and plan["key"] != "PRIMARY"}


def handler_reads() -> int:
    status = db.session.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(value) for _name, value in status)
