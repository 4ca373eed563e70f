"""Finding rows by the beginnings of words."""

from typing import Any

from sqlalchemy import Select, false

from app.models import Buscable, fold


def searched(query: Select[Any], model: type[Buscable], text: str) -> Select[Any]:
    """``query`` for the rows of ``model`` in which each word of ``text`` begins a word; no words, no rows.

    One scan of the table. Left alone, MariaDB makes it row by row in the order of the list, which takes three
    times as long when little matches.
    """
    words = fold(text).split()
    conditions = [model.busqueda.contains(f" {word}", autoescape=True) for word in words] or [false()]
    return query.where(*conditions).with_hint(model, "USE INDEX ()", "mysql")
