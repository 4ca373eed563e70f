"""Finding rows by the beginnings of words, and tickets by their search rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.mysql import match

from app.extensions import db
from app.models import Buscable, BusquedaTiquet, Comentarios, fold, tokens

MAX_COMENTARIOS = 200  # the newest, by which a ticket is found
MARK = "-"  # is in no token
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
    """What a search row must have: the beginnings of words, and whole phrases, with a blank at both ends.

    ``MARK`` stands where in each row the mark of its month does.
    """
    *whole, rest = text.split('"')
    phrases = [whole[n] for n in range(1, len(whole), 2)]
    bare = [whole[n] for n in range(0, len(whole), 2)]
    found = [f" {' '.join(MARK + token for token in tokens(phrase))} " for phrase in phrases]
    # After a quotation mark that is not closed, words are bare.
    found += [f" {MARK}{token}" for part in (*bare, rest) for token in tokens(part)]
    return tuple(dict.fromkeys(term for term in found if term.strip()))


def pieces(wanted: Sequence[str]) -> list[str]:
    """What an index can be asked for of these terms: of a phrase its words, each whole.

    To look a phrase up, engines read where in all texts its most common word stands.
    """
    return [piece for term in wanted for piece in ([term] if not term.endswith(" ") else words_of(term))]


def words_of(phrase: str) -> list[str]:
    return [f" {word} " for word in phrase.split()]


def searched_column(internal: bool) -> Any:
    return BusquedaTiquet.interno if internal else BusquedaTiquet.publico


def holds(internal: bool, count: int) -> list[ColumnElement[bool]]:
    """That a search row has all of ``count`` terms, named ``termino_0`` and on: told from its text."""
    text = searched_column(internal)
    return [holding(text, BusquedaTiquet.mes, bindparam(f"termino_{n}")) for n in range(count)]


def holding(text: Any, mes: Any, term: Any) -> ColumnElement[bool]:
    return func.instr(text, func.replace(term, MARK, mes)) > 0


def named_terms(wanted: Sequence[str]) -> dict[str, str]:
    return {f"termino_{n}": term for n, term in enumerate(wanted)}


def months() -> list[str]:
    """The marks of all months in which a ticket was opened, the first of them first."""
    return list(db.session.scalars(select(BusquedaTiquet.mes).distinct().order_by(BusquedaTiquet.mes)))


def indexed(internal: bool, wanted: Sequence[str], rare: Sequence[str], meses: Sequence[str]) -> Select[Any]:
    """The ids of all tickets of these months whose search rows have all of ``wanted``.

    It takes ``named_terms``. The index is asked for the ``rare`` pieces, since it reads all that have any of
    what it is asked for; the rest is told from the rows. There is nothing in a term that the languages of the
    engines could take for an operator.
    """
    in_months = [[piece.replace(MARK, mes) for mes in meses] for piece in rare]
    if db.session.get_bind().dialect.name == "sqlite":
        groups = (" OR ".join(as_fts5(word) for word in words) for words in in_months)
        query = f"{{{searched_column(internal).key}}} : ({' AND '.join(f'({group})' for group in groups)})"
        matching = select(FTS.c.rowid).where(literal_column("Busqueda_fts").op("MATCH")(query))
        found = BusquedaTiquet.id_tiquet.in_(matching)
    else:
        groups = (" ".join(as_boolean(word) for word in words) for words in in_months)
        against = " ".join(f"+({group})" for group in groups)
        found = match(searched_column(internal), against=against, in_boolean_mode=True)
    others = [
        condition
        for term, condition in zip(wanted, holds(internal, len(wanted)), strict=True)
        if term not in rare
    ]
    return select(BusquedaTiquet.id_tiquet).where(found, *others)


def as_fts5(word: str) -> str:
    return f'"{word.strip()}"' if word.endswith(" ") else f'"{word.strip()}" *'


def as_boolean(word: str) -> str:
    return word.strip() if word.endswith(" ") else f"{word.strip()}*"


def rare_of(internal: bool, wanted: Sequence[str]) -> list[str]:
    """Those of the terms' pieces that few of the newest search rows have."""
    asked = list(dict.fromkeys(pieces(wanted)))
    text = searched_column(internal).label("texto")
    newest = (
        select(text, BusquedaTiquet.mes).order_by(BusquedaTiquet.id_tiquet.desc()).limit(MUESTRA).subquery()
    )
    having = (func.sum(case((holding(newest.c.texto, newest.c.mes, piece), 1))) for piece in asked)
    counts = db.session.execute(select(*having)).one()
    return [piece for piece, count in zip(asked, counts, strict=True) if (count or 0) * 20 < MUESTRA]


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
