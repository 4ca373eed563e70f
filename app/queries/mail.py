"""What mail needs to know: what happened, whom it concerns, and what is waiting to be sent."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, false, func, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import (
    CABEZA_ID,
    FALLIDO,
    PENDIENTE,
    Clientes,
    Comentarios,
    Correos,
    Empleados,
    Lectura,
    LogCabeza,
    LogTransaccional,
    Seguidores,
    Tiquet,
    Usuario,
    utcnow,
)
from app.permissions import Actor
from app.queries.access.users import ACTIVE_STAFF
from app.queries.desk import comments
from app.queries.log import counts

log = LogTransaccional
VENTANA = 20_000  # numbers that one statement looks at, however few of them are told by mail
EVENTO = (log.secuencia, log.id_evento, log.accion, log.id_entidad, log.id_tiquet, log.id_usuario)
CUENTA = (Usuario.id, Usuario.email, Usuario.nombre, Usuario.apellido, Usuario.tipo_usuario, Usuario.idioma)
PERSONAS: dict[str, Any] = {"id_cliente": Clientes, "id_empleado": Empleados}


def is_behind(nombre: str) -> bool:
    """Whether the log goes on behind where this reader is, or it has not begun."""
    read = select(Lectura.secuencia).where(Lectura.nombre == nombre).scalar_subquery()
    head = select(LogCabeza.secuencia, read.label("leido")).where(LogCabeza.id == CABEZA_ID)
    row = db.session.execute(head).one()
    return row.leido is None or row.leido != row.secuencia


def needed() -> int | None:
    """The number behind which some reader has not come yet; counts can be made anew without the log."""
    return db.session.scalar(select(func.min(Lectura.secuencia)).where(Lectura.nombre != counts.LECTOR))


def locked_reader(nombre: str) -> Lectura:
    """How far a reader is, which has begun; nobody else reads on until the unit of work ends."""
    return db.session.get_one(Lectura, nombre, with_for_update=True)


def events(acciones: Sequence[str], desde: int, hasta: int, limite: int) -> Sequence[Any]:
    """The first events of these kinds behind ``desde``, up to ``hasta``, in their order."""
    found = (
        select(*EVENTO, log.tipo_actor, log.origen, log.fecha, log.cambios)
        .where(log.secuencia > desde, log.secuencia <= hasta, log.accion.in_(acciones))
        .order_by(log.secuencia)
        .limit(limite)
        .with_hint(log, "FORCE INDEX (uq_Log_transaccional_secuencia)", "mysql")
    )
    return db.session.execute(found).all()


def tickets(ids: Iterable[int]) -> dict[int, Any]:
    """Of tickets that are not in the trash, the people in them."""
    people = (Tiquet.id_usuario_creador, Tiquet.id_usuario_asignado, Tiquet.id_cliente, Tiquet.id_empleado)
    found = select(Tiquet.id, *people).where(Tiquet.id.in_(ids), Tiquet.fecha_eliminacion.is_(None))
    return {row.id: row for row in db.session.execute(found)}


def followers(ids: Iterable[int]) -> dict[int, list[int]]:
    """Active staff that follows these tickets."""
    found = (
        select(Seguidores.id_tiquet, Seguidores.id_usuario)
        .join(Usuario, Usuario.id == Seguidores.id_usuario)
        .where(Seguidores.id_tiquet.in_(ids), ACTIVE_STAFF)
        .order_by(Seguidores.id_tiquet, Seguidores.id_usuario)
    )
    following: dict[int, list[int]] = {}
    for row in db.session.execute(found):
        following.setdefault(row.id_tiquet, []).append(row.id_usuario)
    return following


def comments_of(ids: Iterable[int]) -> dict[int, Any]:
    """What mail has to know of comments before it is made."""
    found = select(Comentarios.id, Comentarios.id_tiquet, Comentarios.es_interno)
    return {row.id: row for row in db.session.execute(found.where(Comentarios.id.in_(ids)))}


def comment_for(actor: Actor, id: int) -> dict[str, Any] | None:
    """A comment as ``actor`` sees it on a ticket that it is known to see, wherever it was moved to."""
    where = db.session.scalar(select(Comentarios.id_tiquet).where(Comentarios.id == id))
    return None if where is None else comments.get(actor, where, id)


def accounts(where: ColumnElement[bool]) -> list[Any]:
    """Active users, with what mail has to know of them."""
    found = select(*CUENTA, Usuario.preferencias, Usuario.id_cliente, Usuario.id_empleado)
    return list(db.session.execute(found.where(where, Usuario.activo.is_(True)).order_by(Usuario.id)))


def account(id: int) -> Any | None:
    return next(iter(accounts(Usuario.id == id)), None)


def accounts_for(
    ids: Iterable[int], emails: Iterable[str], clientes: Iterable[int], empleados: Iterable[int]
) -> list[Any]:
    """Active users: with these ids or e-mails, or who ask for these people."""
    wanted: dict[Any, Iterable[Any]] = {
        Usuario.id: ids,
        Usuario.email: emails,
        Usuario.id_cliente: clientes,
        Usuario.id_empleado: empleados,
    }
    # Each is found by its own index; what is empty would be a reason to read all users.
    return accounts(or_(false(), *(column.in_(values) for column, values in wanted.items() if values)))


def people(campo: str, ids: Iterable[int]) -> dict[int, Any]:
    """Active customers or employees, by the column that names them, with their names and e-mails."""
    model = PERSONAS[campo]
    found = select(model.id, model.nombre, model.apellido, model.email)
    rows = db.session.execute(found.where(model.id.in_(ids), model.activo.is_(True)))
    return {row.id: row for row in rows}


def due(limite: int) -> list[int]:
    """The ids of mail that may be sent now, oldest first: about one ticket to one person, only the first."""
    earlier = aliased(Correos)
    waits = exists().where(
        earlier.id_tiquet == Correos.id_tiquet,
        earlier.estado == PENDIENTE,
        earlier.id < Correos.id,
        earlier.direccion == Correos.direccion,
    )
    found = select(Correos.id).where(Correos.estado == PENDIENTE, Correos.proximo <= utcnow(), ~waits)
    return list(db.session.scalars(found.order_by(Correos.proximo, Correos.id).limit(limite)))


def get(id: int) -> Any:
    """One mail, with what is needed to make it."""
    columns = (
        Correos.id,
        Correos.id_evento,
        Correos.tipo,
        Correos.direccion,
        Correos.intentos,
        Correos.vence,
    )
    about = (Correos.id_usuario, Correos.id_cliente, Correos.id_empleado)
    what = (Correos.id_tiquet, Correos.id_comentario)
    return db.session.execute(select(*columns, *about, *what).where(Correos.id == id)).one()


def failed_since(instant: datetime) -> int:
    """How many could not be sent of those that were made since."""
    found = select(func.count()).where(Correos.fecha_creacion >= instant, Correos.estado == FALLIDO)
    return db.session.scalar(found) or 0
