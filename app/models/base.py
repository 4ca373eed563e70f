"""What every table shares: naming, types, character set."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry
from sqlalchemy.types import TypeEngine

# Instants are naive and UTC, in Python as in the database: neither SQLite nor MariaDB keeps an offset.
# They get their "Z" when they leave (utils/json.py), and nothing enters without one (schemas/fields.py).
INSTANT = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
BIG_ID = BigInteger().with_variant(Integer, "sqlite")
LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT, "mysql")

# For each table: ids are never used twice (SQLite would), and texts compare by Spanish habits
# unless a column is Exact.
TABLE = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_ci",
    "sqlite_autoincrement": True,
}


class Exact(TypeDecorator[str]):
    """Text that is equal only when every code point is; for whatever is unique or a key.

    The usual collations take ``jose@x`` and ``josé@x``, ``a`` and ``"a "``, and any two emoji for the same.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int, charset: str = "utf8mb4") -> None:
        super().__init__(length)
        self.length = length
        self.charset = charset

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "mysql":
            return dialect.type_descriptor(String(self.length))
        nopad = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", True) else "utf8mb4_0900_bin"
        collation = "ascii_bin" if self.charset == "ascii" else nopad
        return dialect.type_descriptor(mysql.VARCHAR(self.length, charset=self.charset, collation=collation))


class Json(TypeDecorator[Any]):
    """JSON kept as the text we wrote: the same bytes on both databases, keys in order."""

    impl = LONG_TEXT
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else as_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)

    def compare_values(self, x: Any, y: Any) -> bool:
        return as_json(x) == as_json(y)


def as_json(value: Any) -> bytes:
    """A value as it is written, so that ``true`` is not ``1`` and an instant is its text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z)


Texto40 = Annotated[str, mapped_column(String(40))]
Texto120 = Annotated[str, mapped_column(String(120))]
Texto200 = Annotated[str, mapped_column(String(200))]
Texto500 = Annotated[str, mapped_column(String(500))]
Largo = Annotated[str, mapped_column(LONG_TEXT)]


class Base(DeclarativeBase):
    """Parent of all models."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: INSTANT},
    )


class Versioned:
    """Optimistic locking: a change of a row's own columns raises ``version``, an old copy cannot be saved."""

    version: Mapped[int] = mapped_column()

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 (SQLAlchemy calls it on the class)
        return {"version_id_col": cls.version}


def utcnow() -> datetime:
    """The present instant, naive and in UTC, to the microsecond."""
    return datetime.now(UTC).replace(tzinfo=None)
