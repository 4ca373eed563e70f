"""Finding rows by the beginnings of words, and tickets by their search rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, column, false, func, literal_column, select, table
from sqlalchemy.dialects.mysql import match

from app.extensions import db
from app.models import Buscable, BusquedaTiquet, Comentarios, fold, tokens

MAX_COMENTARIOS = 200  # the newest, by which a ticket is found
MUESTRA = 500  # search rows that tell how common a word is

FTS = table("Busqueda_fts", column("rowid"))


def searched(query: Select[Any], model: type[Buscable], text: str) -> Select[Any]:
    """``query`` for the rows of ``model`` in which each word of ``text`` begins a word; no words, no rows.

    One scan of the table. Left alone, MariaDB makes it row by row in the order of the list, which takes three
    times as long when little matches.
    """
    words = fold(text).split()
    conditions = [model.busqueda.contains(f" {word}", autoescape=True) for word in words] or [false()]
    return query.where(*conditions).with_hint(model, "USE INDEX ()", "mysql")


def terms(text: str) -> tuple[str, ...]:
    """What a search row must have: the beginnings of words, and whole phrases, with a blank at both ends."""
    *whole, rest = text.split('"')
    phrases = [whole[n] for n in range(1, len(whole), 2)]
    bare = [whole[n] for n in range(0, len(whole), 2)]
    # After a quotation mark that is not closed, words are bare.
    found = [f" {' '.join(tokens(phrase))} " for phrase in phrases]
    found += [f" {token}" for part in (*bare, rest) for token in tokens(part)]
    return tuple(dict.fromkeys(term for term in found if term.strip()))


def searched_column(internal: bool) -> Any:
    return BusquedaTiquet.interno if internal else BusquedaTiquet.publico


def holds(internal: bool, count: int) -> list[ColumnElement[bool]]:
    """That a search row has all of ``count`` terms, named ``termino_0`` and on: told from its text."""
    text = searched_column(internal)
    return [func.instr(text, bindparam(f"termino_{n}")) > 0 for n in range(count)]


def named_terms(wanted: Sequence[str]) -> dict[str, str]:
    return {f"termino_{n}": term for n, term in enumerate(wanted)}


def indexed(internal: bool, wanted: Sequence[str], rare: Sequence[str]) -> Select[Any]:
    """The ids of all tickets whose search rows have all of ``wanted``; it takes ``named_terms``.

    The index is asked for the ``rare`` ones: it reads all that have any of what it is asked for. There is
    nothing in a term that the languages of the engines could take for an operator.
    """
    if db.session.get_bind().dialect.name == "sqlite":
        parts = (f'"{term.strip()}"' + ("" if term.endswith(" ") else " *") for term in rare)
        query = f"{{{searched_column(internal).key}}} : ({' AND '.join(parts)})"
        matching = select(FTS.c.rowid).where(literal_column("Busqueda_fts").op("MATCH")(query))
        condition = BusquedaTiquet.id_tiquet.in_(matching)
    else:
        parts = (f'+"{term.strip()}"' if term.endswith(" ") else f"+{term.strip()}*" for term in rare)
        condition = match(searched_column(internal), against=" ".join(parts), in_boolean_mode=True)
    others = [
        holding
        for term, holding in zip(wanted, holds(internal, len(wanted)), strict=True)
        if term not in rare
    ]
    return select(BusquedaTiquet.id_tiquet).where(condition, *others)


def rare_of(internal: bool, wanted: Sequence[str]) -> list[str]:
    """Those of the terms that few of the newest search rows have."""
    text = searched_column(internal)
    newest = select(text).order_by(BusquedaTiquet.id_tiquet.desc()).limit(MUESTRA).subquery()
    having = (func.sum(func.instr(newest.c[0], term) > 0) for term in wanted)
    counts = db.session.execute(select(*having)).one()
    return [term for term, count in zip(wanted, counts, strict=True) if (count or 0) * 20 < MUESTRA]


def newest_comments(id_tiquet: int) -> Sequence[Any]:
    """What was said last about a ticket that is locked.

    Locked too, so that it is what was committed last, not what it was when this transaction began to read.
    """
    newest = (
        select(Comentarios.mensaje, Comentarios.es_interno)
        .where(Comentarios.id_tiquet == id_tiquet)
        .order_by(Comentarios.fecha_creacion.desc(), Comentarios.id.desc())
        .limit(MAX_COMENTARIOS)
        .with_for_update()
    )
    return db.session.execute(newest).all()
