"""What people are searched by: one folded column a row, which both databases compare byte by byte."""

import re
import unicodedata
from typing import Any, ClassVar

from sqlalchemy import event
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Exact

MAX_BUSQUEDA = 2000
SEPARATORS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Text without case and accents; ñ stays a letter of its own, as in Spanish."""
    composed = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter if letter == "ñ" else without_marks(letter) for letter in composed)


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
