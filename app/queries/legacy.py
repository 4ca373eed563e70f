"""Reading the database of the older SoportePlus, and what of it is here already."""

from collections.abc import Iterator
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, bindparam, create_engine, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import Clientes, Empleados, LogTransaccional, Tiquet, Usuario

BATCH = 500  # rows that are read, converted and written at a time
# The tables that are read, by the names of this module: their name, their key, and the key's name here.
TABLAS = {
    "rol": ("Rol", "id_rol"),
    "usuario": ("Usuario", "id_usuario"),
    "categoria": ("Cat_tiquet", "categoria"),
    "criticidad": ("Catalogo_criticidad", "id_criti"),
    "estado": ("Estado_tiquet", "id_estado"),
    "ubicacion": ("Ubicaciones", "id_ubicacion"),
    "satisfaccion": ("Nivel_de_Satisfaccion", "id_nivel"),
    "tiquet": ("Tiquet", "id_tiquet"),
    "comentario": ("Comentarios", "id_comentario"),
    "log": ("Log_transaccional", "id_log"),
    "documento": ("Documentos", "id"),
}
NOBODY = "importacion@legado.invalid"
INDISPENSABLES = ("usuario", "tiquet")

Fila = dict[str, Any]


class LegacyError(Exception):
    """Why nothing can be brought over, in Spanish."""


class Source:
    """An older database, open for reading only, as it was at one instant.

    Names are lower case here, whatever their letters are there; a row is ``{column: value}``.
    """

    def __init__(self, url: str) -> None:
        self.engine = open_engine(make_url(url))
        try:
            self.connection: Connection = self.engine.connect()
        except DBAPIError as error:
            raise LegacyError(f"No se puede leer la base anterior: {error.orig}") from error
        if self.engine.dialect.name == "mysql":
            # One snapshot for all tables: what is written meanwhile comes with the next run.
            self.connection.exec_driver_sql(
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            self.connection.commit()
        self.names: dict[str, str] = {}
        self.columns: dict[str, dict[str, str]] = {}
        self.look_around()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.engine.dispose()

    def look_around(self) -> None:
        """Which of the tables there are, and with which columns."""
        inspector = inspect(self.connection)
        there = {name.lower(): name for name in inspector.get_table_names()}
        for table, (name, key) in TABLAS.items():
            if name.lower() in there:
                real = there[name.lower()]
                columns = {
                    str(column["name"]).lower(): column["name"] for column in inspector.get_columns(real)
                }
                if key in columns:
                    self.names[table], self.columns[table] = real, columns
        missing = [TABLAS[table][0] for table in INDISPENSABLES if table not in self.names]
        if missing:
            raise LegacyError(f"No es una base de la SoportePlus anterior: le falta {', '.join(missing)}.")

    def count(self, table: str) -> int:
        if table not in self.names:
            return 0
        return int(self.connection.execute(text(f"SELECT COUNT(*) FROM {self.quoted(table)}")).scalar_one())  # noqa: S608

    def batches(self, table: str) -> Iterator[list[Fila]]:
        """All rows in the order of their key, ``BATCH`` at a time."""
        if table not in self.names:
            return
        key = self.columns[table][TABLAS[table][1]]
        quoted = self.connection.dialect.identifier_preparer.quote
        page = text(
            f"SELECT * FROM {self.quoted(table)} WHERE {quoted(key)} > :last"  # noqa: S608 (names it has told us)
            f" ORDER BY {quoted(key)} LIMIT {BATCH}"
        )
        last = -(2**31)
        while rows := self.connection.execute(page, {"last": last}).mappings().all():
            last = rows[-1][key]
            yield [{name.lower(): value for name, value in row.items()} for row in rows]

    def values(self, table: str, column: str) -> set[Any]:
        """The different values of a column."""
        quote = self.connection.dialect.identifier_preparer.quote
        if column not in self.columns[table]:
            return {None}
        query = text(f"SELECT DISTINCT {quote(self.columns[table][column])} FROM {self.quoted(table)}")  # noqa: S608
        return set(self.connection.scalars(query))

    def first_comments(self, ids: list[int]) -> dict[int, Any]:
        """When each of these tickets was first commented on, where that is known."""
        columns = self.columns.get("comentario", {})
        of = columns.get("id_tiquet") or columns.get("tiquet")
        if not of or "fecha" not in columns:
            return {}
        quoted = self.connection.dialect.identifier_preparer.quote
        query = text(
            f"SELECT {quoted(of)}, MIN({quoted(columns['fecha'])}) FROM {self.quoted('comentario')}"  # noqa: S608
            f" WHERE {quoted(of)} IN :ids GROUP BY {quoted(of)}"
        ).bindparams(bindparam("ids", expanding=True))
        return {int(id): when for id, when in self.connection.execute(query, {"ids": ids})}

    def quoted(self, table: str) -> str:
        return self.connection.dialect.identifier_preparer.quote(self.names[table])


def open_engine(url: URL) -> Engine:
    if url.drivername in ("mysql", "mariadb", "mariadb+pymysql"):
        url = url.set(drivername="mysql+pymysql")
    if url.get_backend_name() != "mysql":
        return create_engine(url)
    # Whatever character set the tables have, the server turns it into this one.
    url = url.update_query_dict({"charset": "utf8mb4"})
    return create_engine(url, connect_args={"connect_timeout": 10, "read_timeout": 300})


def mark(tabla: str, id: int) -> str:
    """The id of the event that says that a row of the older database was taken."""
    return f"legado-{tabla}-{id}"


def taken(tabla: str, ids: list[int]) -> set[int]:
    """Which of these rows of the older database were taken already."""
    marks = {mark(tabla, id): id for id in ids}
    found = db.session.scalars(
        select(LogTransaccional.id_evento).where(LogTransaccional.id_evento.in_(marks))
    )
    return {marks[one] for one in found}


def all_taken(tabla: str) -> set[int]:
    """The ids of all rows of one of the older database's tables that were taken."""
    start = mark(tabla, 0)[:-1]
    found = db.session.scalars(
        select(LogTransaccional.id_evento).where(
            LogTransaccional.id_evento >= start, LogTransaccional.id_evento < f"{start[:-1]}."
        )
    )
    return {int(one.removeprefix(start)) for one in found}


def occupied(model: Any, ids: list[int]) -> set[int]:
    """Which of these ids a row of ours has."""
    return set(db.session.scalars(select(model.id).where(model.id.in_(ids))))


def emails(wanted: list[str]) -> set[str]:
    """Which of these e-mails somebody has."""
    return set(db.session.scalars(select(Usuario.email).where(Usuario.email.in_(wanted))))


def is_begun() -> bool:
    """Whether anything was ever taken from an older database."""
    marked = select(LogTransaccional.id).where(
        LogTransaccional.id_evento >= "legado-", LogTransaccional.id_evento < "legado."
    )
    return db.session.scalar(marked.limit(1)) is not None


def is_empty() -> bool:
    """Whether nobody works here yet."""
    return all(
        db.session.scalar(select(model.id).limit(1)) is None
        for model in (Usuario, Tiquet, Clientes, Empleados)
    )


def nobody() -> int | None:
    """The account that stands for whoever is not known, if there is one."""
    return db.session.scalar(select(Usuario.id).where(Usuario.email == NOBODY))


def roles(ids: list[int]) -> dict[int, str]:
    """The role of each of these users."""
    rows = db.session.execute(select(Usuario.id, Usuario.tipo_usuario).where(Usuario.id.in_(ids)))
    return {row.id: row.tipo_usuario for row in rows}


def locked_tickets(ids: list[int]) -> list[Tiquet]:
    """These tickets, to be changed."""
    return list(
        db.session.scalars(select(Tiquet).where(Tiquet.id.in_(ids)).order_by(Tiquet.id).with_for_update())
    )
