"""``Idempotency-Key``: the same request twice has one effect and one answer."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response, g, request
from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.datastructures import FileStorage

from app import database
from app.errors import AppError, BadRequest, Conflict
from app.extensions import db, settings
from app.models import Idempotencia, utcnow
from app.transaction import TryAgain, new_operation, run
from app.utils.uploads import files_of

LIFE = timedelta(hours=24)
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
    """The columns that hold an answer."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return {"estado": response.status_code, "cabeceras": headers, "cuerpo": response.get_data()}


def found(key: Key) -> Idempotencia:
    """The row of a key that came before."""
    row = db.session.get(Idempotencia, (key.id_usuario, key.clave))
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
    headers = {**(row.cabeceras or {}), "Idempotent-Replayed": "true"}
    return Response(row.cuerpo, row.estado, headers=headers)
