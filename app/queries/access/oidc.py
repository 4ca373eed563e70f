"""Who is known by a subject of an issuer."""

from sqlalchemy import select

from app.extensions import db
from app.models import IdentidadExterna


def account_of(emisor: str, sujeto: str) -> int | None:
    """The id of the account of a subject."""
    known = (IdentidadExterna.emisor == emisor, IdentidadExterna.sujeto == sujeto)
    return db.session.scalar(select(IdentidadExterna.id_usuario).where(*known))


def is_known(id_usuario: int, emisor: str) -> bool:
    """Whether some subject of the issuer has this account."""
    whose = (IdentidadExterna.id_usuario == id_usuario, IdentidadExterna.emisor == emisor)
    return db.session.scalar(select(IdentidadExterna.id).where(*whose)) is not None
