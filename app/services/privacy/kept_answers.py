"""Answers kept for a repetition of their request: which of them show a person, and how they are emptied."""

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import update

from app.extensions import db
from app.models import Idempotencia
from app.queries.privacy.personal import Titular
from app.services.privacy.steps import Paso, without_emails


def shows(row: dict[str, Any], body: dict[str, Any], who: Titular, own: set[int]) -> bool:
    """Whether an answer shows the person, its users, or one of the tickets that are its ``own``."""
    kinds = {f"{who.entidad}s": (who.id,), "users": who.usuarios}
    itself = any(
        row["ruta"].startswith(f"POST /api/{kind}") and body.get("id") in ids for kind, ids in kinds.items()
    )
    named = {body.get("id_usuario_creador"), (body.get("autor") or {}).get("id")}
    text = row["cuerpo"].decode(errors="replace")
    return bool(
        itself
        or own & tickets_in(body)
        or named & set(who.usuarios)
        or without_emails(text, who.correos) != text
    )


def forget(keys: Iterable[tuple[int, str]]) -> Paso:
    """The keys stay, so that no request is done twice."""
    for id_usuario, clave in keys:
        mine = update(Idempotencia).where(Idempotencia.id_usuario == id_usuario, Idempotencia.clave == clave)
        db.session.execute(mine.values(cuerpo=None, cabeceras=None))
    return Paso.HECHO


def dict_of(cuerpo: bytes) -> dict[str, Any]:
    """What a stored answer shows; nothing of one that is no object."""
    try:
        found = orjson.loads(cuerpo)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def tickets_in(body: dict[str, Any]) -> set[int]:
    """The tickets that an answer shows, or shows something of."""
    rows = [body, *(row for row in body.get("data") or [] if isinstance(row, dict))]
    return {
        row[name]
        for row in rows
        for name, is_so in (("id_tiquet", True), ("id", "numero" in row))
        if is_so and isinstance(row.get(name), int)
    }
