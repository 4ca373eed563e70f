"""Many tickets in one request: a unit of work for each of them, or one for all."""

from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any

from flask import Response, g, request, url_for

from app.errors import AppError, Forbidden, PreconditionRequired, Unavailable
from app.extensions import settings
from app.permissions import Actor
from app.services.desk import lote
from app.transaction import new_operation, run
from app.utils import problems
from app.utils.etag import listed
from app.utils.writes import idempotency, simulation
from app.utils.writes.idempotency import Claim, TakenOver

Datos = dict[str, Any]
CON_VERSION = ("actualizar", "eliminar")  # whose own routes take If-Match
Outcome = int | AppError  # The version that a ticket has then, or why it was refused.


class Rejected(AppError):
    """Of all or none, none: some of the tickets refused."""

    status = 422
    codigo = "lote_rechazado"

    def __init__(self, outcomes: dict[int, AppError], ids: list[int]) -> None:
        resultados = [
            result(id, outcomes[id]) if id in outcomes else {"id": id, "estado": "sin_hacer"} for id in ids
        ]
        super().__init__(rechazados=len(outcomes), total=len(ids), miembros={"resultados": resultados})
        self.outcomes = outcomes


def answered(actor: Actor, datos: Datos) -> Response:
    """What becomes of each ticket, in the order of ``ids``."""
    if (
        datos["accion"] in CON_VERSION
        and settings().exigir_if_match
        and set(datos["ids"]) - set(datos["versiones"])
    ):
        raise PreconditionRequired("faltan_versiones")
    return together(actor, datos) if datos["atomico"] else one_by_one(actor, datos)


def result(id: int, outcome: Outcome) -> Datos:
    if isinstance(outcome, int):
        return {"id": id, "estado": "ok", "version": outcome}
    problema = problems.answer(outcome).get_json() | {"instance": url_for("tickets.get_ticket", id=id)}
    return {"id": id, "estado": "error", "problema": problema}


def shown(ids: list[int], outcomes: Sequence[Outcome]) -> Response:
    tried = {"simulacion": True} if simulation.is_asked() else {}
    return listed({**tried, "data": [result(*pair) for pair in zip(ids, outcomes, strict=True)]})


# All or none


def together(actor: Actor, datos: Datos) -> Response:
    work = partial(all_or_none, actor, datos)
    try:
        if simulation.is_asked():
            return simulation.tried(work, lambda answer, _operation: answer)
        return idempotency.once(work)
    except Rejected as rejected:
        for id, error in rejected.outcomes.items():
            if isinstance(error, Forbidden):
                problems.log_denial(error, asked(id))
        raise


def all_or_none(actor: Actor, datos: Datos) -> Response:
    """One unit of work, in which all that is refused is told at once."""
    what = (datos["accion"], datos["cambios"], datos["versiones"])
    versions, refused = lote.apply_to_all(actor, datos["ids"], *what)
    if refused:
        raise Rejected(refused, datos["ids"])
    return shown(datos["ids"], versions)


# Each on its own


def one_by_one(actor: Actor, datos: Datos) -> Response:
    """A unit of work for each ticket. With a key, what a repetition finds done stays as it is."""
    key = idempotency.key_of(actor.id)
    claim = idempotency.take(key) if key and not simulation.is_asked() else None
    if isinstance(claim, Response):
        return claim
    ids: list[int] = datos["ids"]
    outcomes = [one(actor, datos, id, index, claim) for index, id in enumerate(ids)]
    answer = shown(ids, outcomes)
    if claim:
        whole = not any(isinstance(outcome, Unavailable) for outcome in outcomes)
        idempotency.finish(claim, answer, whole=whole)
    return answer


def one(actor: Actor, datos: Datos, id: int, index: int, claim: Claim | None) -> Outcome:
    """One ticket, within what time the request has left."""
    operation = claim.operation(str(index)) if claim else new_operation()

    def unit() -> int:
        if claim:
            idempotency.hold(claim)
            if (version := lote.applied(operation)) is not None:
                return version
        return lote.apply(actor, id, datos["accion"], datos["cambios"], datos["versiones"].get(id))

    if monotonic() >= g.deadline:
        return Unavailable("base_de_datos_ocupada")
    try:
        return run(unit, operation, g.deadline, keep=not simulation.is_asked())
    except TakenOver:
        raise
    except Forbidden as error:
        refusal = claim.operation(f"{index} 403") if claim else new_operation()
        return denied(error, id, refusal)
    except AppError as error:
        return error


def denied(error: Forbidden, id: int, operation: str) -> Outcome:
    """A refusal that is in the log, or else why it is not."""
    try:
        problems.log_denial(error, asked(id), operation)
    except AppError as unavailable:
        return unavailable
    return error


def asked(id: int) -> str:
    """What was asked about one ticket, for the log."""
    return f"{request.method} {request.path} {id}"
