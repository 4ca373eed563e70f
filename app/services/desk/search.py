"""Keeping what tickets are found by in step with what they and their comments say."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert, update

from app.extensions import db
from app.models import END, BusquedaTiquet, Tiquet, month_mark, tokens
from app.queries.desk import search as queries
from app.queries.desk.tickets import FUSIONADO_CON_OTRO, numero
from app.transaction import tell
from app.transitions import FUSIONADO

# A column begins with the ticket's own texts, and goes on with its newest comments up to so many characters.
MAX_BUSCADO = 200_000
FOUND_BY = insert(BusquedaTiquet)


def add(*tiquets: Tiquet) -> None:
    """Have the search rows of new tickets written, which have ids and no comments.

    No unit indexes them too.
    """
    for tiquet in tiquets:
        tell(FOUND_BY, {"id_tiquet": tiquet.id, **columns(tiquet, ())})


def index(*tiquets: Tiquet) -> None:
    """Write the search rows of tickets anew; whoever changes their texts has them locked, and calls this."""
    db.session.flush()
    for tiquet in tiquets:
        values = columns(tiquet, queries.newest_comments(tiquet.id))
        written = update(BusquedaTiquet).where(BusquedaTiquet.id_tiquet == tiquet.id).values(**values)
        if db.session.execute(written).rowcount == 0:  # type: ignore[attr-defined]
            db.session.execute(FOUND_BY.values(id_tiquet=tiquet.id, **values))


def columns(tiquet: Tiquet, said: Sequence[Any]) -> dict[str, str]:
    """What a ticket and these comments are found by: by all who see it, and by those who see all of it."""
    ticket = [f"{numero(tiquet.id)} {tiquet.id:06d}", tiquet.titulo, tiquet.descripcion]
    resolucion = FUSIONADO_CON_OTRO if tiquet.motivo_cierre == FUSIONADO else tiquet.resolucion
    publico = [*ticket, resolucion, *(one.mensaje for one in said if not one.es_interno)]
    interno = [*ticket, tiquet.resolucion, *(one.mensaje for one in said)]
    mes = month_mark(tiquet.fecha_creacion)
    found = joined(publico, mes)
    return {"mes": mes, "publico": found, "interno": found if interno == publico else joined(interno, mes)}


def joined(texts: Iterable[str | None], mark: str) -> str:
    """Tokens with a mark and blanks around each; what is too much is cut between two of them."""
    said = [found for text in texts if text and (found := tokens(text))]
    words = mark + f" {END} ".join(" ".join(found) for found in said).replace(" ", f" {mark}")
    kept = words if len(words) <= MAX_BUSCADO else words[:MAX_BUSCADO].rpartition(" ")[0]
    return f" {kept} "
