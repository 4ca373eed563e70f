"""The whole policy on one page: which role may do what, and to which things."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from app.errors import Forbidden
from app.models import ADMINISTRADOR, SOLICITANTE, TECNICO


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where: all that rules and the event log need to know of a request."""

    id: int | None
    tipo_usuario: str | None
    tipo: str = "usuario"
    id_sesion: str | None = None
    origen: str = "api"
    id_solicitud: str | None = None
    ip: str | None = None
    epoca: int | None = None  # of the catalogs, as its authentication saw it, if that looked
    debe_cambiar_clave: bool = False  # Its password is temporary.
    segundo_factor: bool = False  # It is asked for a code when it signs in.
    id_cliente: int | None = None  # For whom a Solicitante asks.
    id_empleado: int | None = None
    alcances: frozenset[str] | None = None  # What a service token may at most; None for all others.
    # It writes down what the customer or employee says who has no user: what is its own is theirs, not that
    # of the user whose id it bears.
    de_parte: bool = False
    along: Any = field(default=None, compare=False, repr=False)  # What was read with it: ``queries.along``.

    @property
    def es_personal(self) -> bool:
        return self.tipo_usuario in PERSONAL

    @property
    def es_administrador(self) -> bool:
        return self.tipo_usuario == ADMINISTRADOR


SISTEMA = Actor(id=None, tipo_usuario=None, tipo="sistema", origen="cli")


class Permiso(Enum):
    """What can be allowed. ``PUBLICO`` is said of routes that ask nobody who they are."""

    PUBLICO = "publico"
    PROPIO = "propio"
    VER_TIQUET = "tiquet.ver"
    CREAR_TIQUET = "tiquet.crear"
    EDITAR_TIQUET = "tiquet.editar"
    MOVER_TIQUET = "tiquet.mover"
    GESTIONAR_TIQUET = "tiquet.gestionar"
    ELIMINAR_TIQUET = "tiquet.eliminar"
    ASIGNAR_TIQUET = "tiquet.asignar"
    FUSIONAR_TIQUET = "tiquet.fusionar"
    VER_SEGUIDOR = "tiquet.ver_seguidores"
    SEGUIR_TIQUET = "tiquet.seguir"
    REABRIR_CERRADO = "tiquet.reabrir_cerrado"
    EXPORTAR_TIQUET = "tiquet.exportar"
    IMPORTAR_TIQUET = "tiquet.importar"
    VER_HISTORIAL = "tiquet.ver_historial"
    VER_PAPELERA = "tiquet.ver_papelera"
    RESTAURAR_TIQUET = "tiquet.restaurar"
    VER_COMENTARIO = "comentario.ver"
    CREAR_COMENTARIO = "comentario.crear"
    EDITAR_COMENTARIO = "comentario.editar"
    ELIMINAR_COMENTARIO = "comentario.eliminar"
    COMENTARIO_INTERNO = "comentario.interno"
    VER_ADJUNTO = "adjunto.ver"
    CREAR_ADJUNTO = "adjunto.crear"
    ELIMINAR_ADJUNTO = "adjunto.eliminar"
    VER_VISTA = "vista.ver"
    CREAR_VISTA = "vista.crear"
    EDITAR_VISTA = "vista.editar"
    VER_RELACION = "relacion.ver"
    EDITAR_RELACION = "relacion.editar"
    VER_CATALOGO = "catalogo.ver"
    VER_INACTIVO = "catalogo.ver_inactivo"
    ADMINISTRAR_CATALOGO = "catalogo.administrar"
    VER_PERSONA = "persona.ver"
    EDITAR_PERSONA = "persona.editar"
    ELIMINAR_PERSONA = "persona.eliminar"
    EXPORTAR_PERSONA = "persona.exportar"
    ANONIMIZAR_PERSONA = "persona.anonimizar"
    VER_USUARIO = "usuario.ver"
    VER_DATOS_DE_USUARIO = "usuario.ver_datos"
    ADMINISTRAR_USUARIO = "usuario.administrar"
    VER_AUDITORIA = "auditoria.ver"
    VER_CAMBIOS = "cambio.ver"
    PEDIR_PASE = "cambio.pedir_pase"
    ADMINISTRAR_WEBHOOK = "webhook.administrar"
    RECIBIR_CORREO = "correo.recibir"
    ADMINISTRAR_TOKEN = "token.administrar"  # noqa: S105  a name, not a secret


PERSONAL = (ADMINISTRADOR, TECNICO)
TODOS = (*PERSONAL, SOLICITANTE)
SOLO_ADMINISTRADOR = (ADMINISTRADOR,)
ADMINISTRADOR_O_SOLICITANTE = (ADMINISTRADOR, SOLICITANTE)


def siempre(_actor: Actor, _thing: Any) -> bool:
    return True


def es_o_sera_suyo(actor: Actor, tiquet: Any) -> bool:
    """A technician hands on what it has, or takes what nobody has; an Administrador assigns anything."""
    return actor.es_administrador or tiquet.id_usuario_asignado in (None, actor.id)


def lo_atiende_o_lo_abrio(actor: Actor, tiquet: Any) -> bool:
    """Staff changes any ticket; a Solicitante one that it opened itself, until that is solved or closed."""
    if actor.es_personal:
        return True
    return tiquet.id_usuario_creador == actor.id and not (tiquet.fecha_resolucion or tiquet.fecha_cierre)


def es_su_autor(actor: Actor, escrito: Any) -> bool:
    """Its author, or an Administrador."""
    return bool(actor.es_administrador or escrito.id_autor == actor.id)


def es_suya(actor: Actor, cosa: Any) -> bool:
    """Whose view it is, or who follows, or an Administrador, who sees but the shared views of others."""
    return bool(actor.es_administrador or cosa.id_usuario == actor.id)


# Permission -> the roles that have it, and on which things, of those that the queries let the actor see.
POLITICA: dict[Permiso, tuple[tuple[str, ...], Callable[[Actor, Any], bool]]] = {
    Permiso.PROPIO: (TODOS, siempre),
    Permiso.VER_TIQUET: (TODOS, siempre),
    Permiso.CREAR_TIQUET: (TODOS, siempre),
    Permiso.EDITAR_TIQUET: (TODOS, lo_atiende_o_lo_abrio),
    Permiso.MOVER_TIQUET: (TODOS, siempre),
    Permiso.GESTIONAR_TIQUET: (PERSONAL, siempre),  # Whatever is not for those to say who ask.
    Permiso.ELIMINAR_TIQUET: (SOLO_ADMINISTRADOR, siempre),
    Permiso.ASIGNAR_TIQUET: (PERSONAL, es_o_sera_suyo),
    Permiso.FUSIONAR_TIQUET: (PERSONAL, siempre),
    Permiso.VER_SEGUIDOR: (PERSONAL, siempre),
    Permiso.SEGUIR_TIQUET: (PERSONAL, es_suya),
    Permiso.REABRIR_CERRADO: (ADMINISTRADOR_O_SOLICITANTE, siempre),
    Permiso.EXPORTAR_TIQUET: (PERSONAL, siempre),
    # It says who did what, and when: of others, and in the past.
    Permiso.IMPORTAR_TIQUET: (SOLO_ADMINISTRADOR, siempre),
    # It tells of internal comments, too.
    Permiso.VER_HISTORIAL: (PERSONAL, siempre),
    Permiso.VER_PAPELERA: (SOLO_ADMINISTRADOR, siempre),
    Permiso.RESTAURAR_TIQUET: (SOLO_ADMINISTRADOR, siempre),
    Permiso.VER_COMENTARIO: (TODOS, siempre),
    Permiso.CREAR_COMENTARIO: (TODOS, siempre),
    Permiso.EDITAR_COMENTARIO: (TODOS, es_su_autor),
    Permiso.ELIMINAR_COMENTARIO: (TODOS, es_su_autor),
    Permiso.COMENTARIO_INTERNO: (PERSONAL, siempre),  # To see them, and all that tells of them.
    Permiso.VER_ADJUNTO: (TODOS, siempre),
    Permiso.CREAR_ADJUNTO: (TODOS, siempre),
    Permiso.ELIMINAR_ADJUNTO: (TODOS, es_su_autor),
    Permiso.VER_VISTA: (PERSONAL, siempre),
    Permiso.CREAR_VISTA: (PERSONAL, siempre),
    Permiso.EDITAR_VISTA: (PERSONAL, es_suya),
    Permiso.VER_RELACION: (PERSONAL, siempre),
    Permiso.EDITAR_RELACION: (PERSONAL, siempre),
    Permiso.VER_CATALOGO: (TODOS, siempre),
    Permiso.VER_INACTIVO: (PERSONAL, siempre),
    Permiso.ADMINISTRAR_CATALOGO: (SOLO_ADMINISTRADOR, siempre),
    Permiso.VER_PERSONA: (PERSONAL, siempre),
    Permiso.EDITAR_PERSONA: (PERSONAL, siempre),
    Permiso.ELIMINAR_PERSONA: (SOLO_ADMINISTRADOR, siempre),
    # All of it, whoever wrote it; and for good. Both for a session only.
    Permiso.EXPORTAR_PERSONA: (SOLO_ADMINISTRADOR, siempre),
    Permiso.ANONIMIZAR_PERSONA: (SOLO_ADMINISTRADOR, siempre),
    Permiso.VER_USUARIO: (PERSONAL, siempre),
    Permiso.VER_DATOS_DE_USUARIO: (SOLO_ADMINISTRADOR, siempre),
    Permiso.ADMINISTRAR_USUARIO: (SOLO_ADMINISTRADOR, siempre),
    Permiso.VER_AUDITORIA: (SOLO_ADMINISTRADOR, siempre),
    Permiso.VER_CAMBIOS: (PERSONAL, siempre),
    Permiso.PEDIR_PASE: (PERSONAL, siempre),  # For a session: a program sends its token in a header.
    Permiso.ADMINISTRAR_WEBHOOK: (SOLO_ADMINISTRADOR, siempre),
    # Whoever hands in mail says who wrote it.
    Permiso.RECIBIR_CORREO: (SOLO_ADMINISTRADOR, siempre),
    Permiso.ADMINISTRAR_TOKEN: (PERSONAL, siempre),
}

# Scope of service tokens -> what it opens, to an owner whose role may. What is in none is never a token's: it
# makes no tokens, changes no password, and gives nobody any rights.
ALCANCES: dict[str, tuple[Permiso, ...]] = {
    "tickets:leer": (
        Permiso.VER_TIQUET,
        Permiso.VER_SEGUIDOR,
        Permiso.EXPORTAR_TIQUET,
        Permiso.VER_PAPELERA,
        Permiso.VER_COMENTARIO,
        Permiso.VER_ADJUNTO,
        Permiso.VER_VISTA,
        Permiso.VER_RELACION,
    ),
    "tickets:escribir": (
        Permiso.CREAR_TIQUET,
        Permiso.EDITAR_TIQUET,
        Permiso.MOVER_TIQUET,
        Permiso.GESTIONAR_TIQUET,
        Permiso.ELIMINAR_TIQUET,
        Permiso.ASIGNAR_TIQUET,
        Permiso.FUSIONAR_TIQUET,
        Permiso.SEGUIR_TIQUET,
        Permiso.REABRIR_CERRADO,
        Permiso.RESTAURAR_TIQUET,
        Permiso.CREAR_COMENTARIO,
        Permiso.EDITAR_COMENTARIO,
        Permiso.ELIMINAR_COMENTARIO,
        Permiso.CREAR_ADJUNTO,
        Permiso.ELIMINAR_ADJUNTO,
        Permiso.CREAR_VISTA,
        Permiso.EDITAR_VISTA,
        Permiso.EDITAR_RELACION,
    ),
    # Of its own: a token that may write tickets writes none in the name of others.
    "tickets:importar": (Permiso.IMPORTAR_TIQUET,),
    "comentarios:internos": (Permiso.COMENTARIO_INTERNO, Permiso.VER_HISTORIAL),
    "catalogos:leer": (Permiso.VER_CATALOGO, Permiso.VER_INACTIVO),
    "catalogos:escribir": (Permiso.ADMINISTRAR_CATALOGO,),
    "personas:leer": (Permiso.VER_PERSONA,),
    "personas:escribir": (Permiso.EDITAR_PERSONA, Permiso.ELIMINAR_PERSONA),
    "usuarios:leer": (Permiso.VER_USUARIO, Permiso.VER_DATOS_DE_USUARIO),
    "cambios:leer": (Permiso.VER_CAMBIOS,),
    "correo:recibir": (Permiso.RECIBIR_CORREO,),
}
ALCANCE_DE = {permiso: alcance for alcance, some in ALCANCES.items() for permiso in some}

PERMISOS_DE_TIQUET = (
    Permiso.VER_TIQUET,
    Permiso.EDITAR_TIQUET,
    Permiso.MOVER_TIQUET,
    Permiso.GESTIONAR_TIQUET,
    Permiso.ASIGNAR_TIQUET,
    Permiso.ELIMINAR_TIQUET,
    Permiso.CREAR_COMENTARIO,
    Permiso.CREAR_ADJUNTO,
    Permiso.EDITAR_RELACION,
    Permiso.FUSIONAR_TIQUET,
)
PERMISOS_EN_LA_PAPELERA = (Permiso.VER_PAPELERA, Permiso.RESTAURAR_TIQUET)


def allows(permiso: Permiso, actor: Actor, thing: Any = None) -> bool:
    """Whether ``actor`` may; without a ``thing`` only its role and the scopes of its token are asked."""
    return role_allows(permiso, actor, thing) and is_in_scope(permiso, actor)


def role_allows(permiso: Permiso, actor: Actor, thing: Any) -> bool:
    roles, rule = POLITICA[permiso]
    return actor.tipo_usuario in roles and (thing is None or rule(actor, thing))


def is_in_scope(permiso: Permiso, actor: Actor) -> bool:
    return actor.alcances is None or ALCANCE_DE.get(permiso) in actor.alcances


def require(permiso: Permiso, actor: Actor, thing: Any = None) -> None:
    if not role_allows(permiso, actor, thing):
        roles = list(POLITICA[permiso][0])
        raise Forbidden(
            permiso=permiso.value,
            roles=" o ".join(roles),
            miembros={"permiso": permiso.value, "roles": roles},
        )
    if not is_in_scope(permiso, actor):
        alcance = ALCANCE_DE.get(permiso)
        raise Forbidden(
            "alcance_insuficiente" if alcance else "solo_con_sesion",
            permiso=permiso.value,
            alcance=alcance,
            miembros={"permiso": permiso.value, "alcance": alcance},
        )


def permissions_of(actor: Actor) -> list[str]:
    """All that the actor's role allows."""
    return [permiso.value for permiso in POLITICA if allows(permiso, actor)]


def permissions_on(actor: Actor, tiquet: Any) -> list[str]:
    """What the actor may do to this ticket."""
    left = left_by_role(tiquet.fecha_eliminacion is not None, actor.tipo_usuario, actor.alcances)
    return [name for name, rule in left if rule is None or rule(actor, tiquet)]


@lru_cache(maxsize=256)  # Asked for each ticket of a page.
def left_by_role(
    papelera: bool, tipo_usuario: str | None, alcances: frozenset[str] | None
) -> tuple[tuple[str, Callable[[Actor, Any], bool] | None], ...]:
    """What may be done to tickets by role and scopes, each by its name and with its rule if it has one."""
    who = Actor(id=None, tipo_usuario=tipo_usuario, alcances=alcances)
    possible = PERMISOS_EN_LA_PAPELERA if papelera else PERMISOS_DE_TIQUET
    rules = ((permiso, POLITICA[permiso][1]) for permiso in possible if allows(permiso, who))
    return tuple((permiso.value, None if rule is siempre else rule) for permiso, rule in rules)
