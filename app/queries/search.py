"""Finding rows by the beginnings of words."""

from sqlalchemy import ColumnElement

from app.models import Buscable, fold


def matches(model: type[Buscable], text: str) -> list[ColumnElement[bool]]:
    """Conditions for rows of ``model`` in which every word of ``text`` begins a word."""
    return [model.busqueda.contains(f" {word}", autoescape=True) for word in fold(text).split()]
