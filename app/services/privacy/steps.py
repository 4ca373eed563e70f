"""What the units of work of an erasing have in common."""

from enum import Enum
from typing import Any

from sqlalchemy import update

from app.extensions import db
from app.models import LogTransaccional
from app.queries.privacy import anonymising as queries
from app.queries.privacy.anonymising import NEUTRO, Parte
from app.services.log import webhooks


class Paso(Enum):
    """What a unit of work leaves."""

    HECHO = "done"
    MAS = "there is more"
    NUMERAR = "an event has no number yet: nothing was done"


def empty(*partes: Parte) -> bool:
    """Empty events that may tell something, salt and all; answers whether there may be more."""
    full = False
    for parte in partes:
        ids = queries.telling(parte)
        if ids:
            webhooks.forget_events(queries.numbers(ids))
            telling = update(LogTransaccional).where(LogTransaccional.id.in_(ids), queries.NUMBERED)
            db.session.execute(
                telling.values(cambios=[], sal=None).execution_options(synchronize_session=False)
            )
        full |= len(ids) >= queries.BATCH
    return full


def without_emails(text: str, correos: tuple[str, ...]) -> str:
    """A text without these e-mails."""
    for correo in correos:
        text = queries.pattern(correo).sub(NEUTRO, text)
    return text


def neutral(value: Any, correos: tuple[str, ...]) -> Any:
    """JSON without these e-mails."""
    if isinstance(value, str):
        return without_emails(value, correos)
    if isinstance(value, list):
        return [neutral(one, correos) for one in value]
    if isinstance(value, dict):
        return {name: neutral(one, correos) for name, one in value.items()}
    return value
