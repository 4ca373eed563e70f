"""Opening, changing and discarding tickets."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, update

from app.errors import Conflict, Falla, Invalid, NotFound
from app.extensions import db
from app.models import ASIGNADO, CANALES, CREADOR, EtiquetaTiquet, Tiquet, utcnow
from app.permissions import Actor, Permiso, require
from app.queries import catalog
from app.queries.catalog import DE_TIQUET, Catalogos, all_catalogs
from app.queries.desk import tickets as queries
from app.services import changes
from app.services.desk import assignment, enrolment, lifecycle, past, rebasing, search
from app.services.log import audit
from app.services.references import SOLICITANTE_DE, Errores, refuse, wrong_references, wrong_requester
from app.services.versions import Precondicion, check_version
from app.transaction import insert_one
from app.transitions import CERRADO, FUSIONADO, NUEVO, RESUELTO

# What a comment or a file changes of its ticket, whose version stays.
COMENTADOS = ("numero_comentarios", "numero_adjuntos", "fecha_primera_respuesta", "fecha_actualizacion")
MOVIDOS = ("id_estado", "id_usuario_asignado")  # These change by the rules of the lifecycle.
BUSCADOS = ("titulo", "descripcion", "resolucion")  # by which a ticket is found
COLUMNAS = tuple(column.key for column in Tiquet.__table__.columns if column.key != "id")
NUEVO_TIQUET = insert(Tiquet).values({name: bindparam(name) for name in COLUMNAS})
# What whoever asks may say of a ticket at any time, and when it opens one; the rest is for staff to say.
DE_QUIEN_PIDE = {"titulo", "descripcion", "telefono_contacto"}
AL_ABRIR = {
    *("id_categoria", "id_problema", "id_criticidad", "id_ubicacion", "canal"),
    *DE_QUIEN_PIDE,
}


def create(actor: Actor, datos: dict[str, Any]) -> int:
    """Open a ticket; answers its id. A state or an assignee that is named is moved to from "new"."""
    require(Permiso.CREAR_TIQUET, actor)
    own = {campo: getattr(actor, campo) for campo in SOLICITANTE_DE}
    if {name for name, value in datos.items() if value and own.get(name) != value} - AL_ABRIR:
        require(Permiso.GESTIONAR_TIQUET, actor)
    turno = assignment.take_turn(actor, datos)
    catalogos = all_catalogs(actor)
    wanted = {name: datos[name] for name in MOVIDOS if name in datos}
    fields = {name: value for name, value in datos.items() if name not in MOVIDOS}
    now = utcnow()
    tiquet = Tiquet(
        **{"id_prioridad": catalogos.default("prioridades")["id"], "canal": CANALES[0], "etiquetas": []}
        | fields
        | {campo: id for campo, id in own.items() if id},
        id_estado=catalogos.state_of_type(NUEVO)["id"],
        id_usuario_creador=actor.id,
        fecha_creacion=now,
        fecha_actualizacion=now,
        veces_reabierto=0,
        numero_comentarios=0,
        numero_adjuntos=0,
        version=1,
    )
    named = {name: value for name, value in datos.items() if name not in own or own[name] != value}
    check_references(named, tiquet, catalog.seen_by(actor, catalogos))
    lifecycle.move(actor, tiquet, wanted, catalogos)
    check_ending(tiquet, datos, catalogos)
    assignment.give_out(tiquet, turno, catalogos)
    write_new(tiquet)
    if tiquet.etiquetas:
        write_labels(tiquet)
    audit.record("tiquet.creado", actor, tiquet, {})
    search.add(tiquet)
    if actor.es_personal:
        enrolment.enrol_with_unit(CREADOR, tiquet, tiquet.id_usuario_creador)
    enrol_assignee(tiquet, None)
    return tiquet.id


def write_new(tiquet: Tiquet) -> None:
    """Write the row of a new ticket past the ORM, as its event is; the ticket gets its id.

    The flush of both took a quarter of the CPU of opening a ticket.
    """
    said = vars(tiquet)
    tiquet.id = insert_one(NUEVO_TIQUET, {name: said.get(name) for name in COLUMNAS})


def update_ticket(actor: Actor, id: int, cambios: dict[str, Any], precondicion: Precondicion) -> bool:
    """Change the given fields of a ticket; answers whether they were merged with what others changed."""
    merged = False

    def write(tiquet: Tiquet, catalogos: Catalogos) -> None:
        nonlocal merged
        own = cambios
        if merged := rebasing.is_due(tiquet, precondicion):
            own = rebasing.own_changes(tiquet, cambios, precondicion)
        else:
            check_version("tiquet", tiquet, precondicion)
        wanted = changes.wanted(tiquet, own, lambda: shown(actor, id), moving=COMENTADOS)
        if set(wanted) - DE_QUIEN_PIDE:
            require(Permiso.GESTIONAR_TIQUET, actor, tiquet)
        check_references(wanted, tiquet, catalogos)
        check_merged(tiquet, wanted)
        for name, value in wanted.items():
            if name not in MOVIDOS:
                setattr(tiquet, name, value)
        lifecycle.move(actor, tiquet, wanted, catalogos)
        check_ending(tiquet, wanted, catalogos)
        if "etiquetas" in wanted:
            write_labels(tiquet)

    change(actor, id, write)
    return merged


def change(
    actor: Actor,
    id: int,
    write: Callable[[Tiquet, Catalogos], None],
    permiso: Permiso = Permiso.EDITAR_TIQUET,
) -> int:
    """Let ``write`` change a ticket, and leave a trace of who changed what; answers its id."""
    tiquet = find(actor, id)
    require(permiso, actor, tiquet)
    before = audit.snapshot(tiquet)
    write(tiquet, all_catalogs(actor))
    if db.session.is_modified(tiquet):
        tiquet.fecha_actualizacion = utcnow()
    audit.record("tiquet.actualizado", actor, tiquet, before)
    if any(audit.plain(getattr(tiquet, name)) != before[name] for name in BUSCADOS):
        search.index(tiquet)
    enrol_assignee(tiquet, before["id_usuario_asignado"])
    return id


def enrol_assignee(tiquet: Tiquet, before: int | None) -> None:
    """Whoever is given a ticket follows it; whoever had it goes on following."""
    if tiquet.id_usuario_asignado not in (None, before):
        enrolment.enrol_with_unit(ASIGNADO, tiquet, tiquet.id_usuario_asignado)


def discard(actor: Actor, id: int, precondicion: Precondicion) -> None:
    """Put a ticket into the trash."""
    tiquet = find(actor, id)
    require(Permiso.ELIMINAR_TIQUET, actor, tiquet)
    check_version("tiquet", tiquet, precondicion)
    before = audit.snapshot(tiquet)
    tiquet.fecha_eliminacion = tiquet.fecha_actualizacion = utcnow()
    audit.record("tiquet.eliminado", actor, tiquet, before)


def restore(actor: Actor, id: int) -> int:
    """Take a ticket out of the trash, as it was when it was put there; answers its id."""
    tiquet = queries.locked(actor, id, papelera=True)
    if tiquet is None:
        find(actor, id)  # 404 when there is no such ticket at all.
        raise Conflict("no_esta_en_la_papelera")
    require(Permiso.RESTAURAR_TIQUET, actor, tiquet)
    before = audit.snapshot(tiquet)
    tiquet.fecha_eliminacion = None
    tiquet.fecha_actualizacion = utcnow()
    audit.record("tiquet.restaurado", actor, tiquet, before)
    return id


def touch(
    actor: Actor, tiquet: Tiquet, accion: str, now: datetime, shown: dict[str, Any], *, interno: bool
) -> None:
    """Write what a locked ticket shows of its comments and files from ``now`` on, to all or to staff.

    Not through the ORM, which would raise the version: neither is a change of the ticket's own fields.
    """
    before = {name: audit.plain(getattr(tiquet, name)) for name in shown}
    seen_by_all = (tiquet.fecha_actualizacion_publica or tiquet.fecha_actualizacion) if interno else None
    dates = {"fecha_actualizacion": now, "fecha_actualizacion_publica": seen_by_all}
    db.session.execute(update(Tiquet).where(Tiquet.id == tiquet.id).values(**shown, **dates))
    after = {name: audit.plain(value) for name, value in shown.items()}
    audit.append(
        accion,
        actor,
        id_entidad=tiquet.id,
        id_tiquet=tiquet.id,
        version_resultante=tiquet.version,
        cambios=audit.differences(before, after),
    )


def find(actor: Actor, id: int) -> Tiquet:
    tiquet = queries.locked(actor, id)
    if tiquet is None:
        raise NotFound("tiquet_no_encontrado")
    return tiquet


def shown(actor: Actor, id: int, al: datetime | None = None) -> dict[str, Any]:
    """A ticket as a client gets it, or got it at ``al``; or 404."""
    if al is not None:
        past.check(actor, al)
    found = queries.get(actor, id)
    if found is None:
        raise NotFound("tiquet_no_encontrado")
    return found if al is None else past.rebuilt(actor, found, al)


def check_references(datos: dict[str, Any], tiquet: Tiquet, catalogos: Catalogos) -> None:
    """Whatever a ticket is to point at exists and is in use; all that is wrong is said at once."""
    becoming = {
        name: datos.get(name, getattr(tiquet, name))
        for name in ("id_categoria", "id_problema", *SOLICITANTE_DE)
    }
    errores = wrong_references(datos, DE_TIQUET, catalogos) | wrong_requester(datos, becoming)
    problema = catalogos["problemas"].get(becoming["id_problema"] or 0)
    # A problem may be given another category later; that must not stand in the way of other changes.
    touched = {"id_categoria", "id_problema"} & set(datos)
    if touched and problema and problema["id_categoria"] not in (None, becoming["id_categoria"]):
        errores.setdefault("id_problema", [Falla("de_otra_categoria")])
    refuse(errores)


def check_ending(tiquet: Tiquet, datos: dict[str, Any], catalogos: Catalogos) -> None:
    """Only a closed ticket has a reason to be closed, and none loses what its end was told by."""
    tipo = lifecycle.tipo_of(tiquet, catalogos)
    errores: Errores = {}
    if "motivo_cierre" in datos and (tipo == CERRADO) != bool(tiquet.motivo_cierre):
        errores["motivo_cierre"] = [Falla("nulo" if tipo == CERRADO else "solo_al_cerrar")]
    solved = tipo == RESUELTO or tiquet.motivo_cierre == "resuelto"
    if "resolucion" in datos and solved and not tiquet.resolucion:
        errores["resolucion"] = [Falla("resolucion_requerida")]
    refuse(errores)


def check_merged(tiquet: Tiquet, datos: dict[str, Any]) -> None:
    """Only merging makes a ticket a merged one, and it stays one."""
    if "motivo_cierre" in datos and FUSIONADO in (datos["motivo_cierre"], tiquet.motivo_cierre):
        raise Invalid({"motivo_cierre": [Falla("solo_lectura")]})


def write_labels(tiquet: Tiquet) -> None:
    """Make the rows that labels are searched by the same as what the ticket shows."""
    db.session.execute(delete(EtiquetaTiquet).where(EtiquetaTiquet.id_tiquet == tiquet.id))
    db.session.add_all(
        EtiquetaTiquet(id_tiquet=tiquet.id, etiqueta=etiqueta, fecha_creacion=tiquet.fecha_creacion)
        for etiqueta in tiquet.etiquetas
    )
