"""``Idempotency-Key``: the same request twice has one effect and one answer."""

import hashlib
import hmac
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from flask import Response, g, request
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.datastructures import FileStorage

from app import database
from app.errors import AppError, BadRequest, Conflict, Gone, Unavailable
from app.extensions import db, settings
from app.models import Idempotencia, utcnow
from app.transaction import SHORTEST, TryAgain, new_operation, run
from app.utils.files.uploads import files_of

LIFE = timedelta(hours=24)
# After this nobody waits for an answer any more: a request has 10 s, a proxy 15.
ABANDONED = timedelta(seconds=15)
ALIVE = ABANDONED / 3  # How often whoever works longer than that has to say so.
KEY = re.compile("^[!-~]([ -~]{0,126}[!-~])?$")  # Spaces at the ends never arrive. The document shows it.
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


class ReusedKey(AppError):
    """The key was used with another request."""

    status = 422
    codigo = "clave_reutilizada"


@dataclass(frozen=True)
class Key:
    """One user's key, and the fingerprint of the request that came with it."""

    id_usuario: int
    clave: str
    huella: str


def key_of(id_usuario: int | None) -> Key | None:
    """The request's key, if it has one and is a POST of somebody's; signing in and out takes none."""
    clave = request.headers.get("Idempotency-Key")
    if clave is None or request.method != "POST" or id_usuario is None or request.blueprint == "auth":
        return None
    if not KEY.fullmatch(clave):
        raise BadRequest("cabecera_invalida", cabecera="Idempotency-Key")
    asked = f"{request.method} {request.full_path}\n".encode() + body()
    # Keyed, because a body may hold a password, which could be guessed from a plain digest.
    return Key(id_usuario, clave, hmac.digest(settings().secret_key.encode(), asked, "sha256").hex())


def body() -> bytes:
    """What came in; of a form, what it says: its boundary is another each time, its files are too large."""
    if request.mimetype != "multipart/form-data":
        return request.get_data(cache=True)
    return repr([*request.form.items(multi=True), *map(mark, files_of(request))]).encode()


def mark(sent: tuple[str, FileStorage]) -> tuple[str, str | None, str]:
    """A part's name, its file's name, and the digest of the file, which is rewound."""
    part, file = sent
    file.stream.seek(0)
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # ours has readinto
    file.stream.seek(0)
    return part, file.filename, digest


def once(work: Callable[[], Response]) -> Response:
    """Do ``work`` as one unit of work, or answer what the request's key got before."""
    key = key_of(g.actor.id)

    def unit() -> Response:
        if key and not claim(key, utcnow()):
            return replay(key)
        answer = work()
        if key:
            store(key, answer)
        return answer

    return run(unit, new_operation(), g.deadline)


def claim(key: Key, now: datetime) -> bool:
    """Write the key's row, first in the unit of work; False when it is there already."""
    row = {"ruta": f"{request.method} {request.path}"[:200], "creado": now, "vence": now + LIFE}
    try:
        db.session.execute(
            insert(Idempotencia).values(id_usuario=key.id_usuario, clave=key.clave, huella=key.huella, **row)
        )
    except IntegrityError:
        db.session.rollback()  # A new transaction: the snapshot of this one may not show the twin.
        return False
    except DBAPIError as error:
        if database.code_of(error) == database.LOCK_WAIT_EXCEEDED:
            raise Conflict("clave_en_curso", retry_after=1) from error
        raise
    return True


def store(key: Key, response: Response) -> None:
    """Keep the answer with the key, in the same transaction as its effect."""
    db.session.execute(update(Idempotencia).where(*row_of(key)).values(**kept(response)))


def row_of(key: Key) -> tuple[ColumnElement[bool], ...]:
    return Idempotencia.id_usuario == key.id_usuario, Idempotencia.clave == key.clave


def kept(response: Response) -> dict[str, Any]:
    """The columns that hold an answer, less what it shows once."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = g.get("unrepeated") or response.get_data()
    return {"estado": response.status_code, "cabeceras": headers, "cuerpo": body}


def found(key: Key, *, lock: bool = False) -> Idempotencia:
    """The row of a key that came before."""
    row = db.session.get(Idempotencia, (key.id_usuario, key.clave), with_for_update=lock)
    if row is None:
        raise TryAgain  # The twin was rolled back meanwhile.
    if row.huella != key.huella:
        raise ReusedKey
    return row


def replay(key: Key) -> Response:
    """The answer that the key got before."""
    return answer_of(found(key))


def answer_of(row: Idempotencia) -> Response:
    if row.estado is None:
        raise Conflict("clave_en_curso", retry_after=1)
    if row.cuerpo is None:
        raise Gone("respuesta_borrada")
    headers = {**(row.cabeceras or {}), "Idempotent-Replayed": "true"}
    return Response(row.cuerpo, row.estado, headers=headers)


# Requests of several units of work: the key is claimed by a unit of its own, which outlives a killed worker.


class TakenOver(Conflict):
    """Another worker goes on with this request."""

    codigo = "clave_en_curso"


@dataclass(frozen=True)
class Claim:
    """A key that is being worked on, since when, and until when it is kept."""

    key: Key
    tomada: datetime  # Whoever takes the key over changes it.
    vence: datetime  # Stays the same, however often that happens.

    def operation(self, part: str) -> str:
        """The id of one part of the request, the same whenever the request is repeated."""
        said = f"{self.key.id_usuario}\n{self.key.clave}\n{self.vence.isoformat()}\n{part}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def take(key: Key) -> Claim | Response:
    """Claim ``key`` for work in several units, or the answer if it has one.

    A claim that was ``ABANDONED`` without an answer is taken over.
    """
    now = utcnow()
    return run(lambda: taken(key, now), deadline=g.deadline)


def taken(key: Key, now: datetime) -> Claim | Response:
    if claim(key, now):
        return Claim(key, now, now + LIFE)
    row = found(key, lock=True)
    if row.estado is not None:
        return answer_of(row)
    # Our own one is there when its COMMIT happened but its answer was lost.
    if row.creado != now and row.creado > now - ABANDONED:
        raise Conflict("clave_en_curso", retry_after=1)
    row.creado = now
    return Claim(key, now, row.vence)


def hold(claim: Claim) -> None:
    """Be the only one that works on a key, until this unit ends; first in it."""
    query = select(Idempotencia.creado).where(*row_of(claim.key)).with_for_update()
    if db.session.scalar(query) != claim.tomada:
        raise TakenOver(retry_after=1)


def renewed(claim: Claim) -> Claim:
    """The claim of work that takes longer than ``ABANDONED``, which is said to go on every now and then."""
    now = utcnow()
    if now < claim.tomada + ALIVE:
        return claim
    # Our own try is there when its COMMIT happened but its answer was lost.
    mine = update(Idempotencia).where(*row_of(claim.key), Idempotencia.creado.in_((claim.tomada, now)))

    def unit() -> None:
        renewing: Any = db.session.execute(mine.values(creado=now))
        if renewing.rowcount != 1:
            raise TakenOver(retry_after=1)

    run(unit, deadline=g.deadline)
    return replace(claim, tomada=now)


def finish(claim: Claim, answer: Response, *, whole: bool) -> None:
    """Keep a ``whole`` answer; after another one a repetition may go on at once."""
    values = kept(answer) if whole else {"creado": claim.tomada - ABANDONED}
    mine = update(Idempotencia).where(*row_of(claim.key), Idempotencia.creado == claim.tomada)
    with suppress(Unavailable):  # What was done is done, and a repetition finds that out.
        run(lambda: db.session.execute(mine.values(values)), deadline=max(g.deadline, monotonic() + SHORTEST))


def in_units(work: Callable[[], tuple[Response, bool]]) -> Response:
    """Do ``work``, several units that may be repeated; its answer is kept if it says that it is whole."""
    key = key_of(g.actor.id)
    claim = take(key) if key else None
    if isinstance(claim, Response):
        return claim
    whole, answer = False, Response()
    try:
        answer, whole = work()
    finally:
        if claim:
            finish(claim, answer, whole=whole)
    return answer
