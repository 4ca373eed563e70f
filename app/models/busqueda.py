"""What people and tickets are searched by: folded text, which both databases compare byte by byte."""

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import DDL, ForeignKey, Index, Text, event
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact

MAX_BUSQUEDA = 2000
SEPARATORS = re.compile(r"[\W_]+")
WORDS = re.compile(r"[^\W_]+")
NUMBER = re.compile(r"\bsp-(?=\d)")

MAX_WORD = 78  # characters; MariaDB leaves out what is longer than 84 with its mark
END = "_"  # stands between two texts, so that no phrase goes from one into the other
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
FIRST_YEAR, MONTHS = 1990, len(DIGITS) ** 2  # that marks tell apart: up to the year 2097
FOLDED = Text().with_variant(mysql.MEDIUMTEXT(charset="ascii", collation="ascii_bin"), "mysql")


def fold(text: str) -> str:
    """Text without case and accents; ñ stays a letter of its own, as in Spanish."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter if letter == "ñ" else without_marks(letter) for letter in composed)


@lru_cache(maxsize=4096)  # Few letters are most of all text.
def without_marks(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)  # «™» becomes «TM»
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


def words(*texts: str | None) -> str:
    """All that a search may begin with, each behind a blank: the texts' words, and the parts of those."""
    whole = [word for text in texts for word in fold(text or "").split()]
    parts = [part for word in whole for part in SEPARATORS.split(word) if part]
    return "".join(f" {word}" for word in dict.fromkeys(whole + parts))[:MAX_BUSQUEDA]


class Buscable:
    """A row that can be found by the beginnings of the words in its ``BUSCABLES``."""

    BUSCABLES: ClassVar[tuple[str, ...]] = ()

    busqueda: Mapped[str] = mapped_column(Exact(MAX_BUSQUEDA), server_default="")


@event.listens_for(Buscable, "before_insert", propagate=True)
@event.listens_for(Buscable, "before_update", propagate=True)
def derive(_mapper: Any, _connection: Any, row: Buscable) -> None:
    row.busqueda = words(*(getattr(row, name) for name in row.BUSCABLES))


def tokens(text: str) -> list[str]:
    """The words of ``text``, folded, in a spelling that engines neither split nor fold.

    A ticket's number is one word: two of them would be looked up by a beginning that all numbers have.
    """
    words = WORDS.findall(NUMBER.sub("sp", fold(text)))
    return [spelled(word)[:MAX_WORD] for word in words]


def month_mark(moment: datetime) -> str:
    """What each token of a ticket of that month begins with; marks are in the order of the months.

    By it an index gives the matches of a month without those of all others. No engine leaves out a word
    that begins so for being short or frequent.
    """
    number = min(max((moment.year - FIRST_YEAR) * 12 + moment.month - 1, 0), MONTHS - 1)
    return "x" + DIGITS[number // len(DIGITS)] + DIGITS[number % len(DIGITS)]


def spelled(word: str) -> str:
    """A word in ASCII; of a letter beyond it, the code point between two signs that no word has."""
    if word.isascii():
        return word
    return "".join(letter if letter.isascii() else f"_{ord(letter):x}_" for letter in word)


class BusquedaTiquet(Base):
    """What one ticket is found by: all of its tokens in order, for those who see internal comments or not.

    Each token begins with ``mes``, the mark of the month in which the ticket was opened.
    """

    __tablename__ = "Busqueda_tiquet"
    __table_args__ = (Index(None, "mes"), TABLE)

    id_tiquet: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"), primary_key=True, autoincrement=False)
    mes: Mapped[str] = mapped_column(Exact(3, "ascii"), server_default="")
    publico: Mapped[str] = mapped_column(FOLDED)
    interno: Mapped[str] = mapped_column(FOLDED)


# What indexes these columns on each database; nothing but a search knows of it.
NEW, OLD = (f"{row}.id_tiquet, {row}.publico, {row}.interno" for row in ("new", "old"))
ADD = f"INSERT INTO Busqueda_fts (rowid, publico, interno) VALUES ({NEW})"  # noqa: S608
REMOVE = (
    "INSERT INTO Busqueda_fts (Busqueda_fts, rowid, publico, interno)"  # noqa: S608
    f" VALUES ('delete', {OLD})"
)
FULLTEXT = {
    "mysql": [
        f"CREATE FULLTEXT INDEX `ft_Busqueda_tiquet_{column}` ON `Busqueda_tiquet` ({column})"
        for column in ("publico", "interno")
    ],
    "sqlite": [
        "CREATE VIRTUAL TABLE Busqueda_fts USING fts5 (publico, interno, content='Busqueda_tiquet',"
        " content_rowid='id_tiquet', tokenize=\"ascii tokenchars '_'\")",
        f"CREATE TRIGGER Busqueda_fts_insert AFTER INSERT ON Busqueda_tiquet BEGIN {ADD}; END",
        f"CREATE TRIGGER Busqueda_fts_delete AFTER DELETE ON Busqueda_tiquet BEGIN {REMOVE}; END",
        f"CREATE TRIGGER Busqueda_fts_update AFTER UPDATE ON Busqueda_tiquet BEGIN {REMOVE}; {ADD}; END",
    ],
}
for dialect, statements in FULLTEXT.items():
    for statement in statements:
        ddl = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        event.listen(BusquedaTiquet.__table__, "after_create", ddl)
