"""Finding rows by the beginnings of words."""

from sqlalchemy import ColumnElement, false

from app.models import Buscable, fold


def matches(model: type[Buscable], text: str) -> list[ColumnElement[bool]]:
    """Conditions for rows of ``model`` in which each word of ``text`` begins a word; no words, no rows."""
    words = fold(text).split()
    return [model.busqueda.contains(f" {word}", autoescape=True) for word in words] or [false()]
