"""Databases of the older SoportePlus, in the variants of its deployments."""

import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

CLAVE = "la clave de siempre"
SHA256 = hashlib.sha256(CLAVE.encode()).hexdigest()


def schema(newer: bool, optional: bool = True, lower: bool = False) -> sa.MetaData:
    """The tables, without foreign keys; those in brackets only if ``optional``, names in ``lower`` case."""
    metadata = sa.MetaData()

    def table(name: str, *columns: sa.Column[Any]) -> sa.Table:
        return sa.Table(name.lower() if lower else name, metadata, *columns, mysql_charset="utf8mb4")

    def key(name: str) -> sa.Column[Any]:
        return sa.Column(name, sa.Integer, primary_key=True, autoincrement=False)

    def number(name: str) -> sa.Column[Any]:
        return sa.Column(name, sa.Integer)

    def text(name: str, size: int = 255) -> sa.Column[Any]:
        return sa.Column(name, sa.String(size))

    def maybe(*columns: sa.Column[Any]) -> tuple[sa.Column[Any], ...]:
        return columns if optional else ()

    day = sa.String(10).with_variant(mysql.DATE(), "mysql")  # SQLite lets a date be anything, too
    moment = sa.String(19).with_variant(mysql.DATETIME(), "mysql")
    table("Rol", key("ID_Rol"), text("Nombre"))
    table(
        "Usuario",
        *(key("ID_usuario"), text("Nombre"), *maybe(text("Apellido"))),
        *(text("email"), number("ID_Rol"), text("password")),
    )
    table("Cat_tiquet", key("Categoria"), text("Unidad_corresponde"), text("Nombre"))
    table("Catalogo_criticidad", key("ID_criti"), text("Nombre"))
    table("Estado_tiquet", key("ID_estado"), text("Nombre"), text("Descripcion"))
    table("Ubicaciones", key("Id_ubicacion"), text("Nombre"), *maybe(text("Zona")))
    table("Nivel_de_Satisfaccion", key("ID_nivel"), text("Nombre"))
    table(
        "Tiquet",
        *(key("Id_Tiquet"), number("Categoria"), text("Tel_ext", 8), number("Ubicacion")),
        *(number("Criticidad"), text("Descripcion", 500), number("User_asig"), number("Estado")),
        *maybe(sa.Column("Fecha_apertura", day), sa.Column("Fecha_cierre", day)),
    )
    if newer:
        table(
            "Comentarios",
            *(key("ID_comentario"), text("mensaje"), text("Tipo", 10), number("Satisfaccion")),
            *(number("usuario"), number("Id_Tiquet"), sa.Column("Fecha", day)),
        )
    else:
        table(
            "Comentarios",
            *(key("Id_comentario"), number("Usuario"), number("Tiquet")),
            *(sa.Column("Comentario", sa.Text), sa.Column("Fecha", moment)),
        )
    table(
        "Log_transaccional",
        *(key("Id_log"), number("Usuario"), number("Tiquet"), text("Accion")),
        *maybe(sa.Column("Fecha", moment)),
    )
    if optional:
        table(
            "Documentos",
            *(key("id"), text("nombre_original"), text("nombre_almacenado"), text("ruta_relativa")),
            *(text("mimetype"), number("tamano"), number("Id_Tiquet"), number("usuario_id")),
        )
    return metadata


ROWS: dict[str, list[tuple[Any, ...]]] = {
    "Rol": [(1, "Administrador"), (2, "Técnico"), (3, "Usuario"), (4, "TECNICO")],
    "Cat_tiquet": [(11, "Redes", "Internet"), (12, None, "Internet"), (13, None, None)],
    "Catalogo_criticidad": [(1, "Baja"), (2, "Media"), (5, "Crítica")],
    "Estado_tiquet": [
        (1, "Abierto", None),
        (2, "En Proceso", "Lo atiende alguien"),
        (3, "FINALIZADO", None),
        (4, "closed", None),
        (5, "Cancelado", None),
        (6, "Otra cosa", None),
        (7, "ANULADO", None),
        (8, "abierto", None),
    ],
    "Ubicaciones": [(3, "Sede", "Norte"), (4, "Bodega", None)],
    "Nivel_de_Satisfaccion": [(1, "Malo"), (5, "Excelente")],
    "Log_transaccional": [
        (1, 1, 100, "Creó el tiquet", "2024-03-01 09:30:00"),
        (2, 99, 100, "Cambió el estado", None),
        (3, 1, 777, "De un tiquet borrado", "2024-03-01 09:30:00"),
        (4, 1, None, None, None),
    ],
    "Documentos": [(1, "foto.png", "a1.png", "archivos/a1.png", "image/png", 10, 100, 1)],
}
# id, names, e-mail, role, password
USUARIOS: list[tuple[Any, ...]] = [
    (1, "Ana", "Paz", "Ana@Example.org ", 1, SHA256),
    (2, "Luis", "Gil", "ana@example.org", 2, SHA256),
    (3, "Eva", None, "no es un correo", 2, SHA256.upper()),
    (4, None, None, None, 3, None),
    (5, "Rosa", "Mora", "rosa@example.org", 3, "en claro"),
    (6, "Iván", "Ruiz", "ivan@example.org", 4, SHA256),
    (7, "Sin", "Rol", "sinrol@example.org", 77, SHA256),
    (12, "Juan Pablo", "Ñáñez", "juan@example.org", 2, "WERKZEUG"),
]
# id, category, Tel_ext, place, criticality, description, assignee, state, opened, closed
TIQUETS: list[tuple[Any, ...]] = [
    (100, 11, "1", 3, 2, "La impresora no responde", 2, 1, "2024-03-01", None),
    (101, None, "5512", None, None, "Sin red " * 40, 99, 3, "2024-03-02", "2024-03-05"),
    (102, 99, "5", 9, 9, None, 5, 4, "2024-03-05", "2024-03-01"),
    (103, 12, None, 4, 5, "a\x07b\r\nsegunda línea", 12, 5, None, None),
    (104, 13, "12", 4, 1, "😀 ñandú", 12, 6, "9999-12-31", "2024-01-01"),
    (105, 11, "1", 3, 1, "Sin estado", None, None, "0000-00-00", None),
]
# id, text, author, ticket, date; of the newer variant also type and satisfaction
COMENTARIOS: list[tuple[Any, ...]] = [
    (1, "Ya voy", 2, 100, "2024-03-02"),
    (2, "Gracias", 5, 100, "2024-03-03"),
    (3, "De nadie", 99, 103, None),
    (4, "Huérfano", 1, 777, "2024-03-03"),
    (5, "", 1, 100, "2024-03-03"),
    (6, "Sin tiquet", 1, None, "2024-03-03"),
]


def build(url: str, metadata: sa.MetaData, *, newer: bool, werkzeug: str) -> None:
    """Make the tables and fill them."""
    engine = sa.create_engine(url)
    tables = {name.lower(): table for name, table in metadata.tables.items()}
    rows = dict(ROWS)
    rows["Usuario"] = [tuple(werkzeug if v == "WERKZEUG" else v for v in row) for row in USUARIOS]
    rows["Tiquet"] = TIQUETS
    rows["Comentarios"] = [
        (id, text, "tecnico", 5 if id == 2 else None, author, ticket, when)
        if newer
        else (id, author, ticket, text, f"{when} 10:00:00" if when else None)
        for id, text, author, ticket, when in COMENTARIOS
    ]
    with engine.begin() as connection:
        if engine.dialect.name == "mysql":
            connection.exec_driver_sql("SET sql_mode = ''")  # as in its day: impossible dates were let in
        metadata.create_all(connection)
        for name, values in rows.items():
            if (table := tables.get(name.lower())) is not None:
                full = schema(newer).tables[name].columns.keys()
                kept = table.columns.keys()
                for row in values:
                    named = dict(zip(full, row, strict=True))
                    connection.execute(table.insert().values({k: named[k] for k in kept}))
    engine.dispose()


def add_many(url: str, count: int) -> None:
    """Another ``count`` tickets, each with a comment."""
    engine = sa.create_engine(url)
    metadata = schema(newer=True)
    batch = 5_000
    with engine.begin() as connection:
        for start in range(1_000, 1_000 + count, batch):
            ids = range(start, min(start + batch, 1_000 + count))
            opened = [f"20{10 + id % 15}-{1 + id % 12:02}-{1 + id % 28:02}" for id in ids]
            connection.execute(
                metadata.tables["Tiquet"].insert(),
                [
                    dict(zip(metadata.tables["Tiquet"].columns.keys(), row, strict=True))
                    for row in (
                        (id, 11, "1", 3, 1, f"Tiquet {id} " * 20, None, 1, day, None)
                        for id, day in zip(ids, opened, strict=True)
                    )
                ],
            )
            connection.execute(
                metadata.tables["Comentarios"].insert(),
                [
                    {
                        "ID_comentario": id,
                        "mensaje": f"Nota {id}",
                        "usuario": 2,
                        "Id_Tiquet": id,
                        "Fecha": day,
                    }
                    for id, day in zip(ids, opened, strict=True)
                ],
            )
    engine.dispose()
