"""People are found by folded words, users show the categories they serve, and rules get their locks."""

import re
import unicodedata
from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from migrations.types import LONG_TEXT, TABLE, exact, exact_ascii

revision = "0005"
down_revision = "0004"

BUSCABLES = {
    "Clientes": ("nombre", "apellido", "email", "id_externo", "empresa"),
    "Empleados": ("nombre", "apellido", "email", "id_externo", "codigo_empleado", "departamento"),
    "Usuario": ("nombre", "apellido"),
}
BATCH = 1000
ORDER = ["nombre", "apellido", "id"]  # of the lists of people
BEFORE = {"id_ubicacion": ["id_ubicacion"], "nombre_id": ["nombre", "id"]}

CHECKS = {
    "ck_Usuario_tipo_usuario": "tipo_usuario IN ('Administrador', 'Técnico', 'Solicitante')",
    "ck_Usuario_idioma": "idioma IN ('es', 'en')",
}


def in_order(table: str) -> dict[str, list[str]]:
    """The indexes that give all people, or those of one filter, in the order of their list."""
    equal: tuple[list[str], ...] = ([], ["activo"], ["id_ubicacion"])
    return {f"ix_{table}_{'_'.join(columns + ORDER)}": columns + ORDER for columns in equal}


def change(table: str) -> AbstractContextManager[BatchOperations]:
    """Change a table; SQLite does it by a copy, into which its checks have to be written again."""
    copied = op.get_context().dialect.name == "sqlite" and not op.get_context().as_sql
    checks = [sa.CheckConstraint(rule, name=op.f(name)) for name, rule in CHECKS.items() if table in name]
    return op.batch_alter_table(
        table,
        recreate="always" if copied else "never",
        table_args=checks,
        table_kwargs={"sqlite_autoincrement": True},
    )


def upgrade() -> None:
    for table, columns in BUSCABLES.items():
        with change(table) as batch:
            batch.add_column(sa.Column("busqueda", exact(2000), nullable=False, server_default=""))
            if table == "Usuario":
                empty = sa.text("('[]')")  # MySQL takes the default of a text only as an expression.
                batch.add_column(sa.Column("categorias", LONG_TEXT, nullable=False, server_default=empty))
            else:
                for name, ordered in in_order(table).items():
                    batch.create_index(name, ordered)
                for column in BEFORE:
                    batch.drop_index(f"ix_{table}_{column}")
        if not op.get_context().as_sql:  # A script for the operator cannot fold: rows are found once edited.
            fill(table, columns)
    locks = op.create_table(
        "Cerrojo",
        sa.Column("nombre", exact_ascii(40), nullable=False),
        sa.Column("vueltas", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("nombre", name="pk_Cerrojo"),
        **TABLE,
    )
    op.bulk_insert(locks, [{"nombre": name, "vueltas": 0} for name in ("administradores", "catalogos")])


def downgrade() -> None:
    op.drop_table("Cerrojo")
    for table in BUSCABLES:
        with change(table) as batch:
            batch.drop_column("busqueda")
            if table == "Usuario":
                batch.drop_column("categorias")
            else:
                for name, before in BEFORE.items():
                    batch.create_index(f"ix_{table}_{name}", before)
                for name in in_order(table):
                    batch.drop_index(name)


def fill(name: str, columns: tuple[str, ...]) -> None:
    """Write the folded words of the rows that are there."""
    connection = op.get_bind()
    table = sa.table(name, sa.column("id"), sa.column("busqueda"), *(sa.column(c) for c in columns))
    write = table.update().where(table.c.id == sa.bindparam("row")).values(busqueda=sa.bindparam("words"))
    last = 0
    while True:
        query = sa.select(table.c.id, *(table.c[c] for c in columns)).where(table.c.id > last)
        rows = connection.execute(query.order_by(table.c.id).limit(BATCH)).all()
        if not rows:
            return
        connection.execute(write, [{"row": id, "words": words(texts)} for id, *texts in rows])
        last = rows[-1].id


def words(texts: list[str | None]) -> str:
    """As the application folds them at this revision."""
    whole = [word for text in texts for word in fold(text or "").split()]
    parts = [part for word in whole for part in re.split(r"[\W_]+", word) if part]
    return "".join(f" {word}" for word in dict.fromkeys(whole + parts))[:2000]


def fold(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter if letter == "ñ" else without_marks(letter) for letter in composed)


def without_marks(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()
