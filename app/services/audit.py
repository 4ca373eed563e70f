"""The event log's writer: one row for each change, in the transaction of the change."""

from datetime import datetime
from typing import Any

from sqlalchemy import inspect

from app.extensions import db
from app.models import Base, LogTransaccional
from app.permissions import Actor
from app.transaction import event_id

# What a change of is no news in itself, or must never be written down.
UNRECORDED = {"id", "version", "fecha_actualizacion", "password_hash"}

Foto = dict[str, Any]


def snapshot(thing: Base) -> Foto:
    """The recorded columns of a row, as JSON knows them."""
    columns = inspect(type(thing)).column_attrs.keys()
    return {name: plain(getattr(thing, name)) for name in columns if name not in UNRECORDED}


def plain(value: Any) -> Any:
    """An instant as it is written on the wire."""
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


def differences(before: Foto, after: Foto) -> list[dict[str, Any]]:
    """``[{"campo", "anterior", "nuevo"}]`` of what is not the same, in the table's order."""
    return [
        {"campo": name, "anterior": before.get(name), "nuevo": value}
        for name, value in after.items()
        if before.get(name) != value
    ]


def record(accion: str, actor: Actor, thing: Any, before: Foto, id_tiquet: int | None = None) -> bool:
    """Write that ``actor`` changed ``thing``, whatever is not as in ``before``; answer whether anything is.

    The action's first word is the entity. A creation is given an empty ``before``.
    """
    db.session.flush()  # So that the version is the one that this change results in.
    changes = differences(before, snapshot(thing))
    if changes:
        entidad = accion.partition(".")[0]
        append(
            accion,
            actor,
            id_entidad=thing.id,
            id_tiquet=thing.id if entidad == "tiquet" else id_tiquet,
            version_resultante=thing.version,
            cambios=changes,
        )
    return bool(changes)


def append(accion: str, actor: Actor, *, cambios: list[dict[str, Any]] | None = None, **about: Any) -> None:
    """Write one event."""
    db.session.add(
        LogTransaccional(
            id_evento=event_id(),
            accion=accion,
            entidad=accion.partition(".")[0],
            cambios=cambios or [],
            tipo_actor=actor.tipo,
            id_usuario=actor.id,
            origen=actor.origen,
            id_solicitud=actor.id_solicitud,
            ip=actor.ip,
            **about,
        )
    )
