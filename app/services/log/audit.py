"""The event log's writer: one row for each change, in the transaction of the change."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Mapper

from app.errors import Forbidden
from app.extensions import db
from app.models import as_json, utcnow
from app.permissions import Actor
from app.transaction import EVENT, event_id, tell

# What a change of is no news in itself, or must never be written down.
UNRECORDED = {
    *("id", "version", "fecha_actualizacion", "fecha_actualizacion_publica"),
    *("password_hash", "busqueda", "objeto", "huella", "secreto", "secreto_anterior"),
    *("hasta_secuencia", "fallos_desde"),
}

Foto = dict[str, Any]


def snapshot(thing: Any) -> Foto:
    """The recorded columns of a row, as JSON knows them."""
    return {name: plain(getattr(thing, name)) for name in recorded(thing.__mapper__)}


@cache
def recorded(mapper: Mapper[Any]) -> tuple[str, ...]:
    """The columns of a table that are written down."""
    return tuple(column.key for column in mapper.column_attrs if column.key not in UNRECORDED)


def plain(value: Any) -> Any:
    """An instant as it is written on the wire."""
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


def differences(before: Foto, after: Foto) -> list[dict[str, Any]]:
    """``[{"campo", "anterior", "nuevo"}]`` of what is not the same, in the table's order."""
    return [
        {"campo": name, "anterior": old, "nuevo": value}
        for name, value in after.items()
        if (old := before.get(name)) is not value and as_json(old) != as_json(value)
    ]


def record(
    accion: str,
    actor: Actor,
    thing: Any,
    before: Foto,
    id_tiquet: int | None = None,
    always: bool = False,
) -> bool:
    """Write that ``actor`` changed ``thing``, whatever is not as in ``before``; answer whether anything is.

    The action's first word is the entity. A creation is given an empty ``before``. ``always`` is for changes
    of what is never written down.
    """
    db.session.flush()  # So that the version is the one that this change results in.
    changes = differences(before, snapshot(thing))
    if changes or always:
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


def record_erasure(accion: str, actor: Actor, thing: Any, id_tiquet: int | None = None) -> None:
    """Erase ``thing`` and write what it was, under the version after its last."""
    before = snapshot(thing)
    gone = [{"campo": name, "anterior": value, "nuevo": None} for name, value in before.items()]
    about = {"id_entidad": thing.id, "id_tiquet": id_tiquet, "version_resultante": thing.version + 1}
    db.session.delete(thing)
    db.session.flush()
    append(accion, actor, cambios=[one for one in gone if one["anterior"] is not None], **about)


def refused(actor: Actor, asked: str, error: Forbidden) -> None:
    """Write that ``actor`` was not allowed what it ``asked``; inside ``transaction.run``."""
    told = {"motivo": error.codigo, "permiso": error.miembros.get("permiso"), "peticion": asked}
    append("acceso.denegado", actor, cambios=differences({}, told))


def append(accion: str, actor: Actor, *, cambios: list[dict[str, Any]] | None = None, **about: Any) -> None:
    """Have one event written when the unit of work is."""
    said: dict[str, Any] = {
        "id_evento": event_id(),
        "fecha": utcnow(),
        "accion": accion,
        "entidad": accion.partition(".")[0],
        "id_entidad": None,
        "id_tiquet": None,
        "version_resultante": None,
        "cambios": cambios or [],
        "tipo_actor": actor.tipo,
        "id_usuario": actor.id,
        "origen": actor.origen,
        "id_solicitud": actor.id_solicitud,
        "ip": actor.ip,
    }
    tell(EVENT, said | about)
