"""Reading the database of the older SoportePlus, and what of it is here already."""

from collections.abc import Iterator
from typing import Any, Self

from sqlalchemy import (
    URL,
    ColumnClause,
    Connection,
    Engine,
    column,
    create_engine,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

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
Columns = dict[str, ColumnClause[Any]]


class LegacyError(Exception):
    """Why nothing can be brought over, in Spanish."""


class Source:
    """An older database, open for reading only, as it was at one instant.

    Names are lower case here, whatever their letters are there; a row is ``{column: value}``.
    """

    def __init__(self, url: str) -> None:
        try:
            self.engine = open_engine(make_url(url))
            self.connection: Connection = self.engine.connect()
        except (ArgumentError, NoSuchModuleError) as error:
            raise LegacyError(
                "--url: no es la de una base; ejemplo: mysql+pymysql://usuario:clave@host/base"
            ) from error
        except DBAPIError as error:
            raise LegacyError(f"No se puede leer la base anterior: {error.orig}") from error
        if self.engine.dialect.name == "mysql":
            # One snapshot for all tables: what is written meanwhile comes with the next run.
            self.connection.exec_driver_sql(
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            self.connection.commit()
        self.columns: dict[str, Columns] = {}
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
        for name, (real, key) in TABLAS.items():
            if real.lower() in there:
                named = (str(one["name"]) for one in inspector.get_columns(there[real.lower()]))
                columns: Columns = {one.lower(): column(one) for one in named}
                table(there[real.lower()], *columns.values())  # Binds the columns to it.
                if key in columns:
                    self.columns[name] = columns
        missing = [TABLAS[name][0] for name in INDISPENSABLES if name not in self.columns]
        if missing:
            raise LegacyError(f"No es una base de la SoportePlus anterior: le falta {', '.join(missing)}.")

    def batches(self, name: str) -> Iterator[list[Fila]]:
        """All rows in the order of their key, ``BATCH`` at a time; none where there is no such table."""
        if name not in self.columns:
            return
        columns, key = self.columns[name], TABLAS[name][1]
        labelled = (one.label(lower) for lower, one in columns.items())
        page = select(*labelled).order_by(columns[key]).limit(BATCH)
        rows = self.connection.execute(page).mappings().all()
        while rows:
            yield [dict(row) for row in rows]
            rows = self.connection.execute(page.where(columns[key] > rows[-1][key])).mappings().all()

    def values(self, name: str, of: str) -> set[Any]:
        """The different values of a column."""
        if of not in self.columns[name]:
            return {None}
        return set(self.connection.scalars(select(self.columns[name][of]).distinct()))

    def first_comments(self, ids: list[int]) -> dict[int, Any]:
        """When each of these tickets was first commented on, where that is known."""
        columns = self.columns.get("comentario", {})
        of = columns.get("id_tiquet", columns.get("tiquet"))
        if of is None or "fecha" not in columns:
            return {}
        first = select(of, func.min(columns["fecha"])).where(of.in_(ids)).group_by(of)
        return {int(id): when for id, when in self.connection.execute(first)}


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
