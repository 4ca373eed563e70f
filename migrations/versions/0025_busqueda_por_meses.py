"""Tokens of a search row begin with the mark of its ticket's month, so that the index tells months apart."""

import sqlalchemy as sa
from alembic import op

from migrations.types import exact_ascii

revision = "0025"
down_revision = "0024"

COLUMNS = ("publico", "interno")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def upgrade() -> None:
    op.add_column("Busqueda_tiquet", sa.Column("mes", exact_ascii(3), nullable=False, server_default=""))
    drop_index()
    op.execute(f"UPDATE {quoted('Busqueda_tiquet')} SET mes = ({mark()})")  # noqa: S608
    replace("' xx'", joined("' '", "mes"))
    create_index()
    op.create_index("ix_Busqueda_tiquet_mes", "Busqueda_tiquet", ["mes"])


def downgrade() -> None:
    drop_index()
    replace(joined("' '", "mes"), "' xx'")
    create_index()
    op.drop_index("ix_Busqueda_tiquet_mes", "Busqueda_tiquet")
    op.drop_column("Busqueda_tiquet", "mes")


def mark() -> str:
    """The mark of the month in which the ticket of the row was opened, as the application writes it now."""
    year, month = (
        ("CAST(strftime('%Y', fecha_creacion) AS INTEGER)", "CAST(strftime('%m', fecha_creacion) AS INTEGER)")
        if on_sqlite()
        else ("YEAR(fecha_creacion)", "MONTH(fecha_creacion)")
    )
    least, most = ("max", "min") if on_sqlite() else ("GREATEST", "LEAST")
    number = f"{most}({least}(({year} - 1990) * 12 + {month} - 1, 0), 1295)"
    high = f"{number} / 36" if on_sqlite() else f"{number} DIV 36"
    digits = (f"SUBSTR('{DIGITS}', {place} + 1, 1)" for place in (high, f"{number} % 36"))
    of_ticket = f"{quoted('Tiquet')}.id = {quoted('Busqueda_tiquet')}.id_tiquet"
    marked = joined("'x'", *digits)
    return f"SELECT {marked} FROM {quoted('Tiquet')} WHERE {of_ticket}"  # noqa: S608


def replace(old: str, new: str) -> None:
    """Exchange the beginnings of all tokens."""
    columns = ", ".join(f"{column} = REPLACE({column}, {old}, {new})" for column in COLUMNS)
    op.execute(f"UPDATE {quoted('Busqueda_tiquet')} SET {columns}")  # noqa: S608


def drop_index() -> None:
    """The rows are written once, and then indexed; by the index's own upkeep it takes many times as long."""
    if on_sqlite():
        for action in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER Busqueda_fts_{action}")
    else:
        for column in COLUMNS:
            op.execute(f"ALTER TABLE `Busqueda_tiquet` DROP INDEX `ft_Busqueda_tiquet_{column}`")


def create_index() -> None:
    if not on_sqlite():
        for column in COLUMNS:
            op.execute(f"CREATE FULLTEXT INDEX `ft_Busqueda_tiquet_{column}` ON `Busqueda_tiquet` ({column})")
        return
    add = (
        "INSERT INTO Busqueda_fts (rowid, publico, interno) VALUES (new.id_tiquet, new.publico, new.interno)"
    )
    remove = (
        "INSERT INTO Busqueda_fts (Busqueda_fts, rowid, publico, interno)"
        " VALUES ('delete', old.id_tiquet, old.publico, old.interno)"
    )
    for action, statements in {"insert": add, "delete": remove, "update": f"{remove}; {add}"}.items():
        when = f"AFTER {action.upper()} ON Busqueda_tiquet"
        op.execute(f"CREATE TRIGGER Busqueda_fts_{action} {when} BEGIN {statements}; END")
    op.execute("INSERT INTO Busqueda_fts (Busqueda_fts) VALUES ('rebuild')")


def joined(*parts: str) -> str:
    return " || ".join(parts) if on_sqlite() else f"CONCAT({', '.join(parts)})"


def quoted(name: str) -> str:
    return f'"{name}"' if on_sqlite() else f"`{name}`"
