"""The life of a ticket as one table: from which type of state which action leads where."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from app.models import utcnow
from app.permissions import Actor, Permiso, allows

NUEVO, EN_PROCESO, EN_ESPERA, RESUELTO, CERRADO = "nuevo", "en_proceso", "en_espera", "resuelto", "cerrado"
ABIERTOS = (NUEVO, EN_PROCESO, EN_ESPERA)
TERMINADOS = (RESUELTO, CERRADO)
FUSIONADO = "fusionado"  # The reason to be closed of a ticket that goes on in another.

DESTINOS: dict[tuple[str, str], str] = {
    (NUEVO, "asignar"): EN_PROCESO,
    (NUEVO, "pedir_datos"): EN_ESPERA,
    (NUEVO, "responder"): NUEVO,
    (NUEVO, "resolver"): RESUELTO,
    (NUEVO, "cancelar"): CERRADO,
    (NUEVO, "fusionar"): CERRADO,
    (EN_PROCESO, "asignar"): EN_PROCESO,
    (EN_PROCESO, "soltar"): NUEVO,
    (EN_PROCESO, "pedir_datos"): EN_ESPERA,
    (EN_PROCESO, "responder"): EN_PROCESO,
    (EN_PROCESO, "resolver"): RESUELTO,
    (EN_PROCESO, "cancelar"): CERRADO,
    (EN_PROCESO, "fusionar"): CERRADO,
    (EN_ESPERA, "asignar"): EN_PROCESO,
    (EN_ESPERA, "soltar"): NUEVO,
    (EN_ESPERA, "pedir_datos"): EN_ESPERA,
    (EN_ESPERA, "responder"): EN_PROCESO,
    (EN_ESPERA, "resolver"): RESUELTO,
    (EN_ESPERA, "cancelar"): CERRADO,
    (EN_ESPERA, "fusionar"): CERRADO,
    (RESUELTO, "responder"): EN_PROCESO,
    (RESUELTO, "resolver"): RESUELTO,
    (RESUELTO, "cerrar"): CERRADO,
    (RESUELTO, "reabrir"): EN_PROCESO,
    (CERRADO, "reabrir"): EN_PROCESO,
}

# What a client that only knows states means when it moves a ticket from one type to another.
# Older clients close an open ticket in one step: that resolves and closes it.
ACCION_POR_TIPOS: dict[tuple[str, str], str] = {
    (NUEVO, EN_PROCESO): "asignar",
    (NUEVO, EN_ESPERA): "pedir_datos",
    (NUEVO, RESUELTO): "resolver",
    (NUEVO, CERRADO): "resolver_y_cerrar",
    (EN_PROCESO, NUEVO): "soltar",
    (EN_PROCESO, EN_ESPERA): "pedir_datos",
    (EN_PROCESO, RESUELTO): "resolver",
    (EN_PROCESO, CERRADO): "resolver_y_cerrar",
    (EN_ESPERA, NUEVO): "soltar",
    (EN_ESPERA, EN_PROCESO): "responder",
    (EN_ESPERA, RESUELTO): "resolver",
    (EN_ESPERA, CERRADO): "resolver_y_cerrar",
    (RESUELTO, EN_PROCESO): "reabrir",
    (RESUELTO, CERRADO): "cerrar",
    (CERRADO, EN_PROCESO): "reabrir_cerrado",
}

# The actions that a caller names; to assign, to release and to merge are routes of their own.
NOMBRABLES = ("pedir_datos", "responder", "resolver", "cerrar", "reabrir", "cancelar")


# Those that are for staff; the rest is also for whoever asks.
DEL_PERSONAL = ("pedir_datos", "resolver", "cancelar")

# What an action cannot do without.
REQUIERE = {"resolver": ["resolucion"], "cancelar": ["motivo"]}


def steps_of(tipo: str, acciones: list[str]) -> list[dict[str, Any]]:
    """For each of ``acciones``, where it leads from ``tipo`` and what has to be sent with it."""
    return [
        {"accion": accion, "tipo_destino": DESTINOS[tipo, accion], "requiere": REQUIERE.get(accion, [])}
        for accion in acciones
    ]


def permission_for(accion: str) -> Permiso:
    return Permiso.GESTIONAR_TIQUET if accion in DEL_PERSONAL else Permiso.MOVER_TIQUET


def can_still_reopen(fecha_cierre: datetime | None, days: int) -> bool:
    """Whether a closed ticket is within its ``DIAS_REAPERTURA``."""
    return fecha_cierre is not None and utcnow() - fecha_cierre <= timedelta(days=days)


def allowed_actions(
    actor: Actor, tipo: str, fecha_cierre: datetime | None, motivo_cierre: str | None, days: int
) -> list[str]:
    """What this caller may do now to a ticket in a state of ``tipo``."""
    if tipo == CERRADO and not (
        allows(Permiso.REABRIR_CERRADO, actor)
        and motivo_cierre != FUSIONADO
        and can_still_reopen(fecha_cierre, days)
    ):
        return []
    return list(left_by_role(tipo, actor.tipo_usuario, actor.alcances))


@lru_cache(maxsize=256)  # Asked for each ticket of a page.
def left_by_role(tipo: str, tipo_usuario: str | None, alcances: frozenset[str] | None) -> tuple[str, ...]:
    """The actions from a state of ``tipo`` that role and scopes allow."""
    who = Actor(id=None, tipo_usuario=tipo_usuario, alcances=alcances)
    named = (accion for accion in NOMBRABLES if (tipo, accion) in DESTINOS)
    return tuple(accion for accion in named if allows(permission_for(accion), who))
