"""Reading tickets: which ones an actor sees, one of them, and how a row becomes what a client gets."""

from collections import namedtuple
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from app.extensions import db, settings
from app.models import Adjuntos, Clientes, Comentarios, Empleados, Tiquet, Usuario
from app.permissions import Actor, Permiso, allows, permissions_on, require
from app.queries import along
from app.queries.along import Along
from app.queries.catalog import EPOCA, Catalogos, all_catalogs, known_at
from app.queries.packed import packed
from app.transitions import ABIERTOS, FUSIONADO, allowed_actions


def user_as(name: str) -> Any:
    """The users under another name, for the statements of all threads.

    SQLAlchemy (2.1.9) indexes the columns of an alias when the first is asked for, and whoever asks meanwhile
    in another thread gets that of the table itself: a statement with one table too many, which is then kept.
    """
    alias = aliased(Usuario, name=name)
    alias.id.__clause_element__()
    return alias


Creador, Asignado = user_as("creador"), user_as("asignado")

PROPIOS = (
    Tiquet.id,
    Tiquet.titulo,
    Tiquet.descripcion,
    Tiquet.id_categoria,
    Tiquet.id_problema,
    Tiquet.id_criticidad,
    Tiquet.id_prioridad,
    Tiquet.id_ubicacion,
    Tiquet.id_estado,
    Tiquet.id_cliente,
    Tiquet.id_empleado,
    Tiquet.id_usuario_creador,
    Tiquet.id_usuario_asignado,
    Tiquet.canal,
    Tiquet.etiquetas,
    Tiquet.telefono_contacto,
    Tiquet.resolucion,
    Tiquet.motivo_cierre,
    Tiquet.id_tiquet_padre,
    Tiquet.id_tiquet_fusionado,
    Tiquet.origen_externo,
    Tiquet.id_externo,
    Tiquet.fecha_creacion,
    Tiquet.fecha_actualizacion,
    Tiquet.fecha_asignacion,
    Tiquet.fecha_primera_respuesta,
    Tiquet.fecha_resolucion,
    Tiquet.fecha_cierre,
    Tiquet.fecha_eliminacion,
    Tiquet.veces_reabierto,
    Tiquet.numero_comentarios,
    Tiquet.numero_adjuntos,
    Tiquet.version,
)
NOMBRES = tuple(
    column
    for persona in (Creador, Asignado, Clientes, Empleados)
    for column in (persona.nombre, persona.apellido)
)
CLAVES = tuple(column.key for column in PROPIOS)
CON_NUMERO = (CLAVES[0], "numero", *CLAVES[1:])  # as a client gets them
DE_NOMBRES = tuple(f"nombre_{at}" for at in range(len(NOMBRES)))
Fila: Any = namedtuple("Fila", (*CLAVES, *DE_NOMBRES))  # type: ignore[misc]
# With the total of the list that it is in, and the epoch of the catalogs in the moment when it was read.
Fechada: Any = namedtuple("Fechada", (*CLAVES, *DE_NOMBRES, "total", "epoca"))  # type: ignore[misc]

# What stands in these columns for who sees no internal comments, so that nothing tells of them.
PUBLICO = Comentarios.es_interno.is_(False)
ADJUNTO_PUBLICO = or_(
    Adjuntos.id_comentario.is_(None), exists().where(Comentarios.id == Adjuntos.id_comentario, PUBLICO)
)
FECHA_PUBLICA = func.coalesce(Tiquet.fecha_actualizacion_publica, Tiquet.fecha_actualizacion)
FUSIONADO_CON_OTRO = "Fusionado con otro tiquet."


def counted(*what: ColumnElement[bool]) -> Any:
    return select(func.count()).where(*what).correlate(Tiquet).scalar_subquery()


PUBLICOS: dict[str, ColumnElement[Any]] = {
    # Other tickets may be anybody's.
    "id_tiquet_padre": null(),
    "id_tiquet_fusionado": null(),
    "resolucion": case((Tiquet.motivo_cierre == FUSIONADO, FUSIONADO_CON_OTRO), else_=Tiquet.resolucion),
    "fecha_actualizacion": FECHA_PUBLICA,
    "numero_comentarios": counted(Comentarios.id_tiquet == Tiquet.id, PUBLICO),
    "numero_adjuntos": counted(Adjuntos.id_tiquet == Tiquet.id, ADJUNTO_PUBLICO),
}

# Single objects, so that statements made with them can be kept.
NOT_IN_TRASH = Tiquet.fecha_eliminacion.is_(None)
IN_TRASH = Tiquet.fecha_eliminacion.is_not(None)


def visible_to(actor: Actor, papelera: bool = False) -> ColumnElement[bool]:
    """Which tickets ``actor`` may see, or with ``papelera`` in the trash: the one scope of all reads.

    Staff sees all that is not in the trash, others of that what is their own.
    """
    if papelera:
        require(Permiso.VER_PAPELERA, actor)
        return IN_TRASH
    return NOT_IN_TRASH if actor.es_personal else own_tickets(tuple(owned_by(actor).items()))


def owned_by(actor: Actor) -> dict[str, int]:
    """Column -> id: of one who is not staff are the tickets in which any of these stands; of staff, all."""
    if actor.es_personal:
        return {}
    ids = {"id_cliente": actor.id_cliente, "id_empleado": actor.id_empleado}
    if not actor.de_parte:
        ids["id_usuario_creador"] = actor.id
    return {name: id for name, id in ids.items() if id is not None}


@lru_cache(maxsize=256)
def own_tickets(owned: tuple[tuple[str, int], ...]) -> ColumnElement[bool]:
    return and_(NOT_IN_TRASH, or_(false(), *(getattr(Tiquet, name) == id for name, id in owned)))


def visible_by_name(actor: Actor, papelera: bool = False) -> tuple[ColumnElement[bool], dict[str, int]]:
    """The same for a statement that is made once for all who see by the same columns; with its parameters."""
    if papelera or actor.es_personal:
        return visible_to(actor, papelera), {}
    owned = owned_by(actor)
    return own_by_name(tuple(owned)), {f"own_{name}": id for name, id in owned.items()}


@cache
def own_by_name(names: tuple[str, ...]) -> ColumnElement[bool]:
    own = (getattr(Tiquet, name) == bindparam(f"own_{name}") for name in names)
    return and_(NOT_IN_TRASH, or_(false(), *own))


def sees_internal(actor: Actor) -> bool:
    return allows(Permiso.COMENTARIO_INTERNO, actor)


def with_names(source: Any, internal: bool, form: Any = Fila, more: tuple[Any, ...] = ()) -> Select[Any]:
    """Tickets of ``source`` with the names of the people in them, as those who see ``internal`` comments do.

    Each row is one column, for ``shape``: a ``form``, which ends with what is asked ``more``.

    LEFT JOINs: an inner one lets MariaDB start at the small table and sort every matching row.
    """
    public = {} if internal else PUBLICOS
    columns = [public.get(key, column) for key, column in zip(CLAVES, PROPIOS, strict=True)]
    return select(packed(form, (*columns, *NOMBRES, *more))).select_from(
        source.outerjoin(Creador, Creador.id == Tiquet.id_usuario_creador)
        .outerjoin(Asignado, Asignado.id == Tiquet.id_usuario_asignado)
        .outerjoin(Clientes, Clientes.id == Tiquet.id_cliente)
        .outerjoin(Empleados, Empleados.id == Tiquet.id_empleado)
    )


@cache
def item_statement(visible: ColumnElement[bool], internal: bool) -> Select[Any]:
    dated = with_names(Tiquet.__table__, internal, Fechada, (null(), EPOCA.scalar_subquery()))
    return dated.where(Tiquet.id == bindparam("id"), visible)


def get(actor: Actor, id: int, papelera: bool = False) -> dict[str, Any] | None:
    """One ticket as a client gets it."""
    visible, own = visible_by_name(actor, papelera)
    fila = along.scalar(actor, item_statement(visible, sees_internal(actor)), {"id": id, **own})
    return None if fila is None else shape(fila, actor, known_at(fila.epoca, all_catalogs(actor)))


def along_for_staff(id: int) -> Along:
    """What ``get`` asks for staff, who asks most: to be read along with who asks."""
    return Along(item_statement(NOT_IN_TRASH, True), {"id": id})


def several(actor: Actor, ids: set[int]) -> dict[int, dict[str, Any]]:
    """Those of these tickets that the actor sees, as a client gets them."""
    if not ids:
        return {}
    statement = with_names(Tiquet.__table__, sees_internal(actor))
    filas = db.session.scalars(statement.where(Tiquet.id.in_(ids), visible_to(actor))).all()
    catalogos = all_catalogs(actor)
    return {fila.id: shape(fila, actor, catalogos) for fila in filas}


def locked(actor: Actor, id: int, papelera: bool = False) -> Tiquet | None:
    """One ticket to be changed. Whoever wants it too waits here, and then sees it as we leave it."""
    return db.session.scalars(
        select(Tiquet).where(Tiquet.id == id, visible_to(actor, papelera)).with_for_update()
    ).one_or_none()


def locked_several(actor: Actor, ids: set[int]) -> dict[int, Tiquet]:
    """Several tickets to be changed, locked in the order of their ids so that nobody waits in a circle."""
    found = select(Tiquet).where(Tiquet.id.in_(ids), visible_to(actor)).order_by(Tiquet.id).with_for_update()
    return {tiquet.id: tiquet for tiquet in db.session.scalars(found)}


def belongings(model: type[Any], id_tiquet: int) -> list[tuple[int, int]]:
    """Ids and versions of what ``model`` holds of a ticket, to be changed."""
    found = select(model.id, model.version).where(model.id_tiquet == id_tiquet).order_by(model.id)
    return [(row.id, row.version) for row in db.session.execute(found.with_for_update())]


def tells_all(id_tiquet: int) -> bool:
    """Whether a ticket has a comment or a file that all see who see the ticket."""
    comment = exists().where(Comentarios.id_tiquet == id_tiquet, PUBLICO)
    file = exists().where(Adjuntos.id_tiquet == id_tiquet, ADJUNTO_PUBLICO)
    return bool(db.session.scalar(select(or_(comment, file))))


def open_of(actor: Actor, id_usuario: int) -> ColumnElement[bool]:
    """The tickets of a user that are not resolved yet, as far as ``actor`` sees them."""
    estados = [id for id, e in all_catalogs(actor)["estados"].items() if e["tipo"] in ABIERTOS]
    return and_(Tiquet.id_usuario_asignado == id_usuario, Tiquet.id_estado.in_(estados), visible_to(actor))


def locked_open_of(actor: Actor, id_usuario: int, limite: int) -> list[Tiquet]:
    """The first of them, to be changed.

    By their ids, found without a lock: to lock while searching would lock all that the user ever had.
    """
    theirs = open_of(actor, id_usuario)
    ids = db.session.scalars(select(Tiquet.id).where(theirs).order_by(Tiquet.id).limit(limite)).all()
    found = select(Tiquet).where(Tiquet.id.in_(ids), theirs).order_by(Tiquet.id)
    return list(db.session.scalars(found.with_for_update())) if ids else []


def version_of(id: int) -> int:
    """The version of a ticket, wherever it is."""
    return db.session.scalars(select(Tiquet.version).where(Tiquet.id == id)).one()


def numero(id: int) -> str:
    """The number that people read and say: ``SP-000123``."""
    return f"SP-{id:06d}"


def shape(fila: Any, actor: Actor, catalogos: Catalogos) -> dict[str, Any]:
    """The one form in which a ticket leaves: columns, names beside ids, and what ``actor`` may do."""
    breves, propios, nombres = catalogos.breves, fila[1 : len(CLAVES)], fila[len(CLAVES) :]
    estado = breves["estados"][fila.id_estado]
    tiquet: dict[str, Any] = dict(zip(CON_NUMERO, (fila.id, numero(fila.id), *propios), strict=True))
    tiquet["categoria"] = breves["categorias"][fila.id_categoria]
    tiquet["problema"] = breves["problemas"][fila.id_problema]
    tiquet["criticidad"] = breves["criticidades"][fila.id_criticidad]
    tiquet["prioridad"] = breves["prioridades"][fila.id_prioridad]
    tiquet["ubicacion"] = breves["ubicaciones"][fila.id_ubicacion]
    tiquet["estado"] = estado
    tiquet["usuario_creador"] = person(fila.id_usuario_creador, nombres[0], nombres[1])
    tiquet["usuario_asignado"] = person(fila.id_usuario_asignado, nombres[2], nombres[3])
    tiquet["cliente"] = person(fila.id_cliente, nombres[4], nombres[5])
    tiquet["empleado"] = person(fila.id_empleado, nombres[6], nombres[7])
    tiquet["transiciones_permitidas"] = (
        []
        if fila.fecha_eliminacion
        else transitions_of(actor, estado["tipo"], fila.fecha_cierre, fila.motivo_cierre)
    )
    tiquet["permisos"] = permissions_on(actor, fila)
    return tiquet


def transitions_of(
    actor: Actor, tipo: str, fecha_cierre: datetime | None, motivo_cierre: str | None
) -> list[str]:
    days = settings().dias_reapertura if fecha_cierre else 0
    return allowed_actions(actor, tipo, fecha_cierre, motivo_cierre, days)


def person(id: int | None, nombre: str | None, apellido: str | None) -> dict[str, Any] | None:
    if id is None:
        return None
    return {"id": id, "nombre": f"{nombre} {apellido}" if nombre and apellido else nombre or apellido or ""}
