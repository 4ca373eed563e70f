"""Tickets are found by the words of their texts and comments, in one row each that full text indexes."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.types import ASCII_TEXT, TABLE

revision = "0015"
down_revision = "0014"

BATCH = 500
MAX_COMENTARIOS, MAX_BUSCADO, MAX_TOKEN = 200, 200_000, 80
FUSIONADO_CON_OTRO = "Fusionado con otro tiquet."

ADD = "INSERT INTO Busqueda_fts (rowid, publico, interno) VALUES (new.id_tiquet, new.publico, new.interno)"
REMOVE = (
    "INSERT INTO Busqueda_fts (Busqueda_fts, rowid, publico, interno)"
    " VALUES ('delete', old.id_tiquet, old.publico, old.interno)"
)
INDEXES = {
    "mysql": (
        "CREATE FULLTEXT INDEX `ft_Busqueda_tiquet_publico` ON `Busqueda_tiquet` (publico)",
        "CREATE FULLTEXT INDEX `ft_Busqueda_tiquet_interno` ON `Busqueda_tiquet` (interno)",
    ),
    "sqlite": (
        "CREATE VIRTUAL TABLE Busqueda_fts USING fts5 (publico, interno, content='Busqueda_tiquet',"
        " content_rowid='id_tiquet', tokenize=\"ascii tokenchars '_'\")",
        f"CREATE TRIGGER Busqueda_fts_insert AFTER INSERT ON Busqueda_tiquet BEGIN {ADD}; END",
        f"CREATE TRIGGER Busqueda_fts_delete AFTER DELETE ON Busqueda_tiquet BEGIN {REMOVE}; END",
        f"CREATE TRIGGER Busqueda_fts_update AFTER UPDATE ON Busqueda_tiquet BEGIN {REMOVE}; {ADD}; END",
    ),
}


def upgrade() -> None:
    op.create_table(
        "Busqueda_tiquet",
        sa.Column("id_tiquet", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("publico", ASCII_TEXT, nullable=False),
        sa.Column("interno", ASCII_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id_tiquet", name="pk_Busqueda_tiquet"),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Busqueda_tiquet_id_tiquet"),
        **TABLE,
    )
    for statement in INDEXES[op.get_context().dialect.name]:
        op.execute(statement)
    if not op.get_context().as_sql:  # A script for the operator cannot fold: `flask reindexar` does it.
        fill()


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE Busqueda_fts")
    op.drop_table("Busqueda_tiquet")


def fill() -> None:
    """Write the search rows of the tickets that are there."""
    connection = op.get_bind()
    tiquet = sa.table(
        "Tiquet", *(sa.column(c) for c in ("id", "titulo", "descripcion", "resolucion", "motivo_cierre"))
    )
    busqueda = sa.table("Busqueda_tiquet", *(sa.column(c) for c in ("id_tiquet", "publico", "interno")))
    last = 0
    while True:
        query = sa.select(tiquet).where(tiquet.c.id > last).order_by(tiquet.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        said = comments(connection, [row.id for row in rows])
        connection.execute(busqueda.insert(), [search_row(row, said[row.id]) for row in rows])
        last = rows[-1].id


def comments(connection: sa.Connection, ids: list[int]) -> dict[int, list[Any]]:
    """The newest comments of each of these tickets."""
    comentario = sa.table(
        "Comentarios",
        *(sa.column(c) for c in ("id", "id_tiquet", "mensaje", "fecha_creacion")),
        sa.column("es_interno", sa.Boolean),
    )
    newest = (comentario.c.fecha_creacion.desc(), comentario.c.id.desc())
    place = sa.func.row_number().over(partition_by=comentario.c.id_tiquet, order_by=newest)
    ranked = sa.select(comentario, place.label("place")).where(comentario.c.id_tiquet.in_(ids)).subquery()
    of_ticket = defaultdict(list)
    query = sa.select(ranked).where(ranked.c.place <= MAX_COMENTARIOS)
    for row in connection.execute(query.order_by(ranked.c.id_tiquet, ranked.c.place)):
        of_ticket[row.id_tiquet].append(row)
    return of_ticket


def search_row(row: Any, said: list[Any]) -> dict[str, Any]:
    """As the application writes it at this revision."""
    ticket = [f"SP-{row.id:06d} {row.id:06d}", row.titulo, row.descripcion]
    publica = FUSIONADO_CON_OTRO if row.motivo_cierre == "fusionado" else row.resolucion
    return {
        "id_tiquet": row.id,
        "publico": joined([*ticket, publica, *(one.mensaje for one in said if not one.es_interno)]),
        "interno": joined([*ticket, row.resolucion, *(one.mensaje for one in said)]),
    }


def joined(texts: Iterable[str | None]) -> str:
    words = " xx_ ".join(" ".join(tokens(text)) for text in texts if text)
    kept = words if len(words) <= MAX_BUSCADO else words[:MAX_BUSCADO].rpartition(" ")[0]
    return f" {kept} "


def tokens(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", re.sub(r"\bsp-(?=\d)", "sp", fold(text)))
    return [f"xx{spelled(word)}"[:MAX_TOKEN] for word in words]


def spelled(word: str) -> str:
    return "".join(letter if letter.isascii() else f"_{ord(letter):x}_" for letter in word)


def fold(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter if letter == "ñ" else without_marks(letter) for letter in composed)


def without_marks(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()
