"""An import as a request: a unit of work for some rows at a time, told as they are done."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from typing import Any

from flask import Response, g, stream_with_context

from app.errors import AppError, Unavailable
from app.extensions import db
from app.permissions import Actor, Permiso
from app.queries.desk.imports import Clave
from app.queries.desk.tickets import numero
from app.services.desk import imports
from app.services.desk.imports import Destino, Fila
from app.transaction import new_operation, read, run
from app.utils import problems
from app.utils.access.identity import current_actor
from app.utils.blueprint import enter_again
from app.utils.files import sheets
from app.utils.files.uploads import outliving
from app.utils.json import dumps
from app.utils.live import waiting
from app.utils.messages import text
from app.utils.writes import idempotency, simulation
from app.utils.writes.idempotency import Claim

ROWS = 100  # rows of one unit of work
MAX_KEPT = 4 * 1024**2  # bytes of a report that are kept with its key; a column holds 16 MB
NDJSON = "application/x-ndjson"
# Result of a row -> what the last line calls their number.
CUENTAS = {"creado": "creados", "ya_existia": "ya_existian", "error": "errores"}

Linea = dict[str, Any]


def answered(datos: dict[str, Any]) -> Response:
    """What becomes of each row, line by line. What can be refused as a whole is, before it begins."""
    actor, (spool, _) = current_actor(), datos["archivo"]
    key = idempotency.key_of(actor.id)
    with ExitStack() as unless_begun:
        filas = sheets.opened(unless_begun.enter_context(outliving(spool)))
        claim = idempotency.take(key) if key and not simulation.is_asked() else None
        if isinstance(claim, Response):
            return claim
        lines = kept(claim, actor, filas) if claim else told(actor, filas, None)
        response = Response(stream_with_context(lines), content_type=NDJSON)
        response.call_on_close(unless_begun.pop_all().close)
    return response


def kept(claim: Claim, actor: Actor, filas: Iterator[Fila]) -> Iterator[bytes]:
    """The lines, which are kept with the key when all of them have been told, unless they are too many."""
    report: list[bytes] | None = []
    whole = False
    work = Work(claim)
    try:
        for piece in told(actor, filas, work):
            yield piece
            if report is not None:
                report.append(piece)
                report = report if sum(map(len, report)) <= MAX_KEPT else None
        whole = report is not None and work.done
    finally:  # Whoever hung up, too, may go on at once.
        answer = Response(b"".join(report or []), content_type=NDJSON)
        idempotency.finish(work.claim, answer, whole=whole)


class Work:
    """How far the work under a key has come."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.done = False

    def hold(self) -> None:
        idempotency.hold(self.claim)


def told(actor: Actor, filas: Iterator[Fila], work: Work | None) -> Iterator[bytes]:
    """A line for each row, and a last one that counts them; it says why, if the rest was left undone."""
    counts: Counter[str] = Counter()
    tried: set[Clave] = set()
    problema: Linea = {}
    try:
        while batch := list(islice(filas, ROWS)):
            if counts:
                actor = still_allowed()
            done = [line_of(destino) for destino in do(actor, batch, tried, work)]
            counts.update(line["resultado"] for line in done)
            yield b"".join(dumps(line) + b"\n" for line in done)
    except AppError as error:  # The status was sent long ago.
        problema = {"problema": problems.answer(error).get_json()}
    if work:
        work.done = not problema
    only_tried = {"simulacion": True} if simulation.is_asked() else {}
    sums = {name: counts[resultado] for resultado, name in CUENTAS.items()}
    yield dumps({**only_tried, "total": counts.total(), **sums, **problema}) + b"\n"


def still_allowed() -> Actor:
    """Whoever asked, unless the session ended meanwhile, or there is nobody left to answer."""
    if waiting.is_over():
        raise Unavailable
    enter_again(Permiso.IMPORTAR_TIQUET)
    db.session.remove()
    return replace(current_actor(), epoca=None)  # What it writes goes by the catalogs as they are.


def do(actor: Actor, filas: list[Fila], tried: set[Clave], work: Work | None) -> list[Destino]:
    """Take some rows, or only try to."""
    if simulation.is_asked():
        destinos = read(lambda: imports.take(actor, filas, tried), g.deadline)
        db.session.remove()
        tried.update(destino.clave for destino in destinos if destino.nuevo and destino.clave)
        return destinos
    if work:
        work.claim = idempotency.renewed(work.claim)

    def unit() -> list[Destino]:
        if work:
            work.hold()
        return imports.take(actor, filas)

    return run(unit, new_operation(), g.deadline)


def line_of(destino: Destino) -> Linea:
    """What a row became, in words."""
    line: Linea = {"linea": destino.fila.linea}
    if destino.errores:
        return line | {"resultado": "error", "errores": worded(destino)}
    line["resultado"] = "creado" if destino.nuevo else "ya_existia"
    return line | ({} if destino.id is None else {"id": destino.id, "numero": numero(destino.id)})


def worded(destino: Destino) -> Linea:
    idioma = problems.language()
    return {
        campo: [{"codigo": f.codigo, "mensaje": text(f.codigo, f.datos, idioma)} for f in fallas]
        for campo, fallas in destino.errores.items()
    }
