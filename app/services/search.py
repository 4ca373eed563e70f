"""Keeping what tickets are found by in step with what they and their comments say."""

from collections.abc import Iterable

from sqlalchemy import insert, update

from app.extensions import db
from app.models import END, BusquedaTiquet, tokens
from app.queries import search as queries
from app.queries.tickets import numero

# A column begins with the ticket's own texts, and goes on with its newest comments up to so many characters.
MAX_BUSCADO = 200_000


def index(*ids: int) -> None:
    """Write the search rows of these tickets anew; whoever changes their texts holds them, and calls this."""
    db.session.flush()
    for id in ids:
        values = columns(id)
        written = update(BusquedaTiquet).where(BusquedaTiquet.id_tiquet == id).values(**values)
        if db.session.execute(written).rowcount == 0:  # type: ignore[attr-defined]
            db.session.execute(insert(BusquedaTiquet).values(id_tiquet=id, **values))


def columns(id: int) -> dict[str, str]:
    own, said = queries.texts_of(id)
    ticket = [numero(id), own.titulo, own.descripcion]
    return {
        "publico": joined([*ticket, own.publica, *(one.mensaje for one in said if not one.es_interno)]),
        "interno": joined([*ticket, own.resolucion, *(one.mensaje for one in said)]),
    }


def joined(texts: Iterable[str | None]) -> str:
    """Tokens with a blank before and behind each; what is too much is cut between two of them."""
    words = f" {END} ".join(" ".join(tokens(text)) for text in texts if text)
    kept = words if len(words) <= MAX_BUSCADO else words[:MAX_BUSCADO].rpartition(" ")[0]
    return f" {kept} "
