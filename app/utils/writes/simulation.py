"""``?simular=true``: all of a write but its COMMIT, and what it would have changed."""

from collections.abc import Callable
from typing import Any

from flask import Response, g, request

from app.queries.desk import tickets
from app.queries.log import audit
from app.transaction import flush, new_operation, run
from app.utils.access.identity import current_actor
from app.utils.json import dumps
from app.utils.writes import idempotency


def heed(args: dict[str, Any]) -> None:
    """Remember what the query of this request says of it."""
    g.simular = args.get("simular", False)


def is_asked() -> bool:
    """Whether this request is only to be tried."""
    return bool(g.get("simular"))


def tried(work: Callable[[], Response], describe: Callable[[Response, str], Response]) -> Response:
    """Do ``work`` as one unit of work of which nothing stays; ``describe`` its answer and its operation."""
    idempotency.key_of(g.actor.id)  # A malformed key is refused here too; a good one is not used up.
    operation = new_operation()

    def unit() -> Response:
        answer = work()
        flush()
        return describe(answer, operation)

    return run(unit, operation, g.deadline, keep=False)


def of_ticket(answer: Response, operation: str) -> Response:
    """What an operation would change of a ticket, and the ticket as it would be."""
    events = [event for event in audit.events_of(operation) if event.entidad == "tiquet"]
    # Whatever answers no ticket has put it into the trash.
    shown = answer.get_json() or tickets.get(current_actor(), (request.view_args or {})["id"], papelera=True)
    body = {
        "simulacion": True,
        "cambios": [cambio for event in events for cambio in event.cambios],
        "tiquet": shown,
    }
    applied = {name: value for name, value in answer.headers.items() if name == "Preference-Applied"}
    return Response(dumps(body), content_type="application/json", headers=applied)
