"""Column types and table options of the migrations.

Apart from the models, which move on. Never change what is here: migrations have run with it. Add.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

TABLE = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_ci",
    "sqlite_autoincrement": True,
}

INSTANT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT, "mysql")
ASCII_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(charset="ascii", collation="ascii_bin"), "mysql")
LONG_BYTES = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql")


def exact(length: int) -> sa.String:
    """Text compared code point by code point; MariaDB and MySQL call that collation differently."""
    mariadb = getattr(op.get_context().dialect, "is_mariadb", False)
    return collated(length, "utf8mb4", "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin")


def exact_ascii(length: int) -> sa.String:
    """The same for hashes and keys."""
    return collated(length, "ascii", "ascii_bin")


def collated(length: int, charset: str, collation: str) -> sa.String:
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset=charset, collation=collation), "mysql"
    )


def compared(name: str | None, _kind: str, _parents: Any) -> bool:
    """Whether a table or an index is one that models know by name: full text is not."""
    return not (name or "").startswith(("Busqueda_fts", "ft_"))
