"""How the mail of a ticket is known as one conversation, by programs and by people.

Pure functions: what is sent is marked here, and what comes back is recognized here. The mark of a ticket
stands for a first message that was never sent; each mail answers that, so that all of them hang together.
Whoever knows a ticket's number can write its marks: they tell which conversation is meant, never who writes.
"""

import re
from email.utils import parseaddr

from app.queries.desk.tickets import numero

MAX_ID = 2**31 - 1  # of a ticket
MAX_MARKS = 100  # that are looked at of what a stranger sent

SUBJECT = re.compile(r"\[SP-(\d{6,10})\]", re.ASCII | re.IGNORECASE)
MARK = re.compile(r"<tiquet-(\d{1,10})(?:\.[A-Za-z0-9-]{1,40})?@([^<>@\s]{1,255})>", re.ASCII | re.IGNORECASE)


def domain_of(address: str) -> str:
    """The domain of the marks of who sends as ``address``, with a name before it or without."""
    return parseaddr(address)[1].rpartition("@")[2].lower()


def thread_id(id_tiquet: int, domain: str) -> str:
    """What ``References`` and ``In-Reply-To`` of all mail about a ticket name."""
    return f"<tiquet-{id_tiquet}@{domain}>"


def message_id(id_tiquet: int, id_evento: str, domain: str) -> str:
    """The ``Message-ID`` of the mail about one event of a ticket, the same for all who get it."""
    return f"<tiquet-{id_tiquet}.{id_evento}@{domain}>"


def subject(id_tiquet: int, title: str) -> str:
    """``[SP-000123] title`` in one line."""
    return f"[{numero(id_tiquet)}] {' '.join(title.split())}"


def ticket_of_references(headers: str, domain: str) -> int | None:
    """Which ticket ``In-Reply-To`` or ``References`` name by a mark of ``domain``; the last one counts."""
    marks = MARK.findall(headers)[-MAX_MARKS:]
    ids = [known(id) for id, ours in marks if ours.lower() == domain.lower()]
    return next((id for id in reversed(ids) if id), None)


def ticket_of_subject(text: str) -> int | None:
    """Which ticket a subject names; the first one counts, whatever stands before it."""
    found = SUBJECT.search(text)
    return known(found[1]) if found else None


def known(digits: str) -> int | None:
    """The id, unless no ticket can have it."""
    id = int(digits)
    return id if 0 < id <= MAX_ID else None
