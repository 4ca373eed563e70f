"""Moving a ticket: from state to state, and from hand to hand. The table is in ``transitions.py``."""

from typing import Any

from app.errors import Conflict, Falla, Invalid
from app.extensions import db, settings
from app.models import Tiquet, Usuario, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.access import users
from app.queries.catalog import Catalogos
from app.queries.desk.tickets import numero, person, transitions_of
from app.services.references import refuse, wrong_references
from app.transitions import (
    ACCION_POR_TIPOS,
    CERRADO,
    DESTINOS,
    FUSIONADO,
    RESUELTO,
    TERMINADOS,
    can_still_reopen,
    permission_for,
)

SIN_RESOLUCION = "Cerrado sin indicar una resolución."
SIN_RESOLVER = ("cancelado", "duplicado")  # Reasons to close that resolve nothing.


def move(actor: Actor, tiquet: Tiquet, wanted: dict[str, Any], catalogos: Catalogos) -> None:
    """Bring a ticket to the ``id_estado`` and ``id_usuario_asignado`` in ``wanted``, if they are there."""
    steps = [name for name in ("id_usuario_asignado", "id_estado") if differs(tiquet, wanted, name)]
    if tipo_of(tiquet, catalogos) in TERMINADOS:
        steps.reverse()  # It is reopened before it can be given to anybody.
    for step in steps:
        if step == "id_estado":
            move_to(actor, tiquet, catalogos["estados"][wanted["id_estado"]], catalogos)
        else:
            assign(actor, tiquet, wanted["id_usuario_asignado"], catalogos)
    # Each may have moved the other: an answer that is not what was sent would be a lie.
    if any(differs(tiquet, wanted, step) for step in steps):
        raise Conflict("cambios_incompatibles")


def differs(tiquet: Tiquet, wanted: dict[str, Any], name: str) -> bool:
    return name in wanted and wanted[name] != getattr(tiquet, name)


def tipo_of(tiquet: Tiquet, catalogos: Catalogos) -> str:
    tipo: str = catalogos["estados"][tiquet.id_estado]["tipo"]
    return tipo


def move_to(actor: Actor, tiquet: Tiquet, estado: dict[str, Any], catalogos: Catalogos) -> None:
    """Change the state, by the action that leads from its type to the new one."""
    desde, hacia = tipo_of(tiquet, catalogos), estado["tipo"]
    if desde != hacia:
        accion = ACCION_POR_TIPOS.get((desde, hacia))
        if accion is None:
            raise not_allowed(actor, tiquet, catalogos, hacia)
        STEPS[accion](actor, tiquet, estado)
    tiquet.id_estado = estado["id"]


def act(actor: Actor, tiquet: Tiquet, accion: str, datos: dict[str, Any], catalogos: Catalogos) -> None:
    """Do a named action, with what it needs and the state that it is to lead to in ``datos``."""
    require(permission_for(accion), actor, tiquet)
    if "id_estado" in datos:
        require(Permiso.GESTIONAR_TIQUET, actor, tiquet)
    desde = tipo_of(tiquet, catalogos)
    hacia = destination(actor, tiquet, accion, catalogos)
    estado = catalogos["estados"][tiquet.id_estado] if hacia == desde else catalogos.state_of_type(hacia)
    if "id_estado" in datos:
        estado = named_state(datos["id_estado"], hacia, catalogos)
    if "resolucion" in datos:
        tiquet.resolucion = datos["resolucion"]
    if accion == "cancelar":
        tiquet.resolucion = datos["motivo"]
        tiquet.motivo_cierre = datos.get("motivo_cierre", "cancelado")
    if hacia != desde:
        STEPS[POR_ORIGEN.get((desde, accion), accion)](actor, tiquet, estado)
    tiquet.id_estado = estado["id"]


def destination(actor: Actor, tiquet: Tiquet, accion: str, catalogos: Catalogos) -> str:
    """The type of state that an action leads to, or a refusal by the table."""
    hacia = DESTINOS.get((tipo_of(tiquet, catalogos), accion))
    if hacia is None:
        raise not_allowed(actor, tiquet, catalogos, accion)
    return hacia


def merge(actor: Actor, tiquet: Tiquet, id_destino: int, catalogos: Catalogos) -> None:
    """Close a ticket that goes on in another. Like one that is cancelled it is not resolved."""
    estado = catalogos.state_of_type(destination(actor, tiquet, "fusionar", catalogos))
    tiquet.resolucion = f"Fusionado con {numero(id_destino)}."
    tiquet.motivo_cierre = FUSIONADO
    tiquet.id_tiquet_fusionado = id_destino
    close(actor, tiquet, estado)
    tiquet.id_estado = estado["id"]


def named_state(id: int, tipo: str, catalogos: Catalogos) -> dict[str, Any]:
    """The state that a transition is to end in, of the type that it leads to."""
    refuse(wrong_references({"id_estado": id}, {"id_estado": "estados"}, catalogos))
    estado = catalogos["estados"][id]
    if estado["tipo"] != tipo:
        raise Invalid({"id_estado": [Falla("de_otro_tipo", tipo=tipo)]})
    return estado


def assign(
    actor: Actor,
    tiquet: Tiquet,
    id_usuario: int | None,
    catalogos: Catalogos,
    campo: str = "id_usuario_asignado",
) -> None:
    """Give the ticket to somebody, or with None to nobody, and move it as that demands.

    ``campo`` is where the body said to whom.
    """
    desde = tipo_of(tiquet, catalogos)
    accion = "soltar" if id_usuario is None else "asignar"
    destino = destination(actor, tiquet, accion, catalogos)
    if id_usuario is None:
        release(actor, tiquet, {})
    else:
        give(actor, tiquet, id_usuario, campo)
    if destino != desde:
        tiquet.id_estado = catalogos.state_of_type(destino)["id"]


def give(actor: Actor, tiquet: Tiquet, id_usuario: int, campo: str = "id_usuario_asignado") -> None:
    if not actor.es_administrador and id_usuario == actor.id and tiquet.id_usuario_asignado:
        raise Conflict("tiquet_ya_asignado", nombre=holder_name(tiquet))
    require(Permiso.ASIGNAR_TIQUET, actor, tiquet)
    if not users.assignable(id_usuario):
        raise Invalid({campo: [Falla("usuario_no_asignable")]})
    hand(tiquet, id_usuario)


def place(tiquet: Tiquet, id_usuario: int | None, catalogos: Catalogos) -> None:
    """Put an open ticket into somebody's hands, or nobody's, whoever may, and move it as that demands."""
    desde = tipo_of(tiquet, catalogos)
    # One that is new and that somebody has all the same stays new when it is released.
    destino = DESTINOS.get((desde, "soltar" if id_usuario is None else "asignar"), desde)
    hand(tiquet, id_usuario)
    if destino != desde:
        tiquet.id_estado = catalogos.state_of_type(destino)["id"]


def hand(tiquet: Tiquet, id_usuario: int | None) -> None:
    tiquet.id_usuario_asignado = id_usuario
    tiquet.fecha_asignacion = None if id_usuario is None else utcnow()


def holder_name(tiquet: Tiquet) -> str:
    holder = db.session.get_one(Usuario, tiquet.id_usuario_asignado)
    return str((person(holder.id, holder.nombre, holder.apellido) or {})["nombre"])


def take_if_free(actor: Actor, tiquet: Tiquet) -> None:
    if tiquet.id_usuario_asignado is None and actor.id is not None:
        give(actor, tiquet, actor.id)


def begin(actor: Actor, tiquet: Tiquet, _estado: dict[str, Any]) -> None:
    take_if_free(actor, tiquet)


def release(actor: Actor, tiquet: Tiquet, _estado: dict[str, Any]) -> None:
    require(Permiso.ASIGNAR_TIQUET, actor, tiquet)
    hand(tiquet, None)


def wait(_actor: Actor, _tiquet: Tiquet, _estado: dict[str, Any]) -> None:
    """To wait for data, or to go on with them, changes nothing but the state."""


def resolve(actor: Actor, tiquet: Tiquet, _estado: dict[str, Any]) -> None:
    if not tiquet.resolucion:
        raise Invalid({"resolucion": [Falla("resolucion_requerida")]})
    take_if_free(actor, tiquet)
    tiquet.fecha_resolucion = utcnow()


def close(_actor: Actor, tiquet: Tiquet, _estado: dict[str, Any]) -> None:
    tiquet.fecha_cierre = utcnow()
    tiquet.motivo_cierre = tiquet.motivo_cierre or "resuelto"


def resolve_and_close(actor: Actor, tiquet: Tiquet, estado: dict[str, Any]) -> None:
    """What older clients do in one step. A ticket that is cancelled is closed without being resolved."""
    if estado["codigo"] == "cancelado" and not tiquet.motivo_cierre:
        tiquet.motivo_cierre = "cancelado"
    if tiquet.motivo_cierre not in SIN_RESOLVER:
        if not tiquet.resolucion and not settings().exigir_resolucion:
            tiquet.resolucion = SIN_RESOLUCION
        resolve(actor, tiquet, estado)
    close(actor, tiquet, estado)


def reopen(_actor: Actor, tiquet: Tiquet, _estado: dict[str, Any]) -> None:
    tiquet.fecha_resolucion = tiquet.fecha_cierre = None
    tiquet.resolucion = tiquet.motivo_cierre = None
    tiquet.veces_reabierto += 1


def reopen_closed(actor: Actor, tiquet: Tiquet, estado: dict[str, Any]) -> None:
    require(Permiso.REABRIR_CERRADO, actor, tiquet)
    if tiquet.motivo_cierre == FUSIONADO:
        raise Conflict("tiquet_fusionado")
    if not can_still_reopen(tiquet.fecha_cierre, settings().dias_reapertura):
        raise Conflict("plazo_de_reapertura_vencido", dias=settings().dias_reapertura)
    reopen(actor, tiquet, estado)


STEPS = {
    "asignar": begin,
    "soltar": release,
    "pedir_datos": wait,
    "responder": wait,
    "resolver": resolve,
    "cerrar": close,
    "cancelar": close,
    "resolver_y_cerrar": resolve_and_close,
    "reabrir": reopen,
    "reabrir_cerrado": reopen_closed,
}
# What an action is where it means more than its name.
POR_ORIGEN = {(RESUELTO, "responder"): "reabrir", (CERRADO, "reabrir"): "reabrir_cerrado"}


def not_allowed(actor: Actor, tiquet: Tiquet, catalogos: Catalogos, deseo: str) -> Conflict:
    """A refusal by the table; ``deseo`` is the action or the type of state that was asked for."""
    desde = tipo_of(tiquet, catalogos)
    actions = transitions_of(actor, desde, tiquet.fecha_cierre, tiquet.motivo_cierre)
    return Conflict(
        "transicion_no_permitida",
        desde=desde,
        deseo=deseo,
        miembros={"transiciones_permitidas": actions},
    )
