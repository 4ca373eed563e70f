"""Whom a comment calls by ``@`` and an e-mail: staff that is, follows the ticket from then on.

Whatever else stands behind an ``@`` is plain text, and nobody is told whose e-mail it might have been.
"""

import re

from app.models import MENCION
from app.patterns import EMAIL
from app.permissions import Actor
from app.queries.access import users as queries
from app.services.access.users import normalize_email
from app.services.desk import enrolment

MAX = 20  # in one comment; the first ones count

MENTION = re.compile(rf"(?<!\w)@({EMAIL})")
# What ends an address, the full stop of a sentence or a closing quote, is no part of it.
TO_THE_LAST_LETTER = re.compile(r".*\w")


def enrol(actor: Actor, id_tiquet: int, mensaje: str, before: str = "") -> None:
    """Let those follow a locked ticket whom its comment calls, and did not call ``before``."""
    already = set(mentioned(before))
    emails = [email for email in mentioned(mensaje)[:MAX] if email not in already]
    if emails:
        enrolment.enrol_and_tell(actor, id_tiquet, queries.staff_with(emails), MENCION)


def mentioned(mensaje: str) -> list[str]:
    """The addresses that a text calls, each once, in their order."""
    found = (TO_THE_LAST_LETTER.match(match[1]) for match in MENTION.finditer(mensaje))
    emails = (normalize_email(one[0]) for one in found if one and re.fullmatch(EMAIL, one[0]))
    return list(dict.fromkeys(emails))
