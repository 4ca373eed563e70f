"""Every operation that writes: calls of it that succeed, what each leaves in the log, and what it refuses."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from app.extensions import db
from app.models import ENTIDADES, Usuario, utcnow
from app.services.access.users import CLAVE_DE_DEMO
from tests.client import Form
from tests.factories import (
    NUEVO,
    RECUPERACION,
    AdjuntoFactory,
    ClienteFactory,
    UsuarioFactory,
    VistaFactory,
    recuperacion,
    segundo_factor,
    tiquet,
)
from tests.world import MAKERS, PERSONAS, POINTERS, TIQUETS, UNKNOWN, USERS, VISTAS, WEBHOOKS

EMAIL = "jadmin@gmail.com"  # whom the example of sign-in signs in: the caller of all cases
CORTA = "corta"

# In fields and bodies: the ids of the caller and of two others.
YO, OTRO, TERCERO = "<yo>", "<otro>", "<tercero>"
DESAFIO, CODIGO = "<desafio>", "<codigo>"  # that finish the caller's sign-in
SSO = "<sso>"  # the code with which the caller comes back from an issuer
TIQUET = "<tiquet>"  # the id of a ticket that nobody has
AHORA = utcnow()
PRONTO, TARDE = (f"{(AHORA + timedelta(days=days)).isoformat()}Z" for days in (1, 800))
DE_OTRO = {"id_usuario_asignado": OTRO, "id_estado": 2}
MIO = {"id_usuario_asignado": YO, "id_estado": 2}
CERRADO = {"id_estado": 6, "motivo_cierre": "resuelto", "fecha_cierre": AHORA, "fecha_resolucion": AHORA}
EXTERNO = {"origen_externo": "otro sistema", "id_externo": "A-1"}
CERRADO_ANTES = {
    "id_estado": 6,
    "motivo_cierre": "resuelto",
    "resolucion": "Se cambió el cable",
    "etiquetas": ["red"],
    "fecha_creacion": "2025-03-01T12:00:00Z",
    "fecha_resolucion": "2025-03-02T12:00:00Z",
    "fecha_cierre": "2025-03-03T12:00:00Z",
}
EN_USO = {"id_externo": "X-1"}
SUYO = {"id_usuario_creador": YO}  # of a Solicitante
RESUELTO = {"id_estado": 5, "resolucion": "Se cambió el cable", "fecha_resolucion": AHORA}
PARADO = {"activo": False, "motivo_pausa": "fallos", "fecha_pausa": AHORA, "fallos_seguidos": 120}
NUEVA_CLAVE = {"password": "tres tigres en el trigal"}
HOLA = {"mensaje": "Sigue sin funcionar"}


@dataclass(frozen=True)
class Case:
    """A call that succeeds, with the example of the document unless it has a ``body``, and its events.

    ``events`` are actions in their order: each about what was created, or what the path names, or else the
    caller; a pair names the id of what it is about, or the word for it.
    """

    events: tuple[str | tuple[str, int | str], ...]
    body: dict[str, Any] | None = None
    on: dict[str, Any] = field(default_factory=dict)  # what the thing in the path is like
    role: str = "Administrador"
    before: Callable[[int], None] | None = None  # what the caller, by its id, has to have first
    anonimo: bool = False  # Its events are nobody's, whoever calls.


@dataclass(frozen=True)
class Refusal:
    """A call that is refused for what it asks of this thing, and what stands in its way."""

    status: int
    body: dict[str, Any] | None = None
    on: dict[str, Any] = field(default_factory=dict)
    role: str = "Administrador"
    of_caller: bool = False  # The path names the caller itself.
    planted: Callable[..., Any] | None = None


def full(id_tiquet: int) -> None:
    """A ticket has all the bytes of files that it may have, but for ten."""
    AdjuntoFactory(id_tiquet=id_tiquet, bytes=200 * 1024**2 - 10, sha256="0" * 64, objeto="lleno")


def own_view(*_: int) -> None:
    """The caller has a view of this name."""
    VistaFactory(id_usuario=id_of_caller(), nombre="Una")


def id_of_caller() -> int:
    return db.session.scalars(select(Usuario.id).where(Usuario.email == EMAIL)).one()


def pending(id: int) -> None:
    """The caller has begun a second factor."""
    segundo_factor(id, activo=False)


def erased(id: int) -> None:
    """A user asks for somebody whose data were erased."""
    whose = {"id_cliente": ClienteFactory(fecha_anonimizado=AHORA).id}
    db.session.execute(update(Usuario).where(Usuario.id == id).values(whose))
    db.session.commit()


def on_each(path: str, methods: str, rows: list[Any]) -> dict[str, list[Any]]:
    return {f"{method} {path}": rows for method in methods.split()}


def en_lote(accion: str, cambios: dict[str, Any]) -> dict[str, Any]:
    """The body of a batch of one ticket."""
    return {"ids": [TIQUET], "accion": accion, "cambios": cambios}


def as_row(datos: dict[str, Any]) -> bytes:
    """A ticket as a line of a file."""
    return json.dumps(datos, ensure_ascii=False).encode() + b"\n"


def ana(*_: int) -> None:
    """The sender of the example of a mail is a customer."""
    ClienteFactory(email="ana.ruiz@example.org")


TIQUET_CHANGED = ("tiquet.actualizado",)
OF_ONE = (("tiquet.actualizado", TIQUET),)
CASES: dict[str, list[Case]] = {
    "POST /api/auth/login": [Case(("sesion.iniciada",))],
    "POST /api/auth/oidc/canje": [
        Case(("sesion.iniciada",), {"codigo": SSO}),
        Case(("sesion.iniciada",), {"codigo": SSO}, role="Solicitante"),
    ],
    "POST /api/auth/refresh": [Case(())],  # The session that began goes on.
    "POST /api/auth/logout": [Case(("sesion.cerrada",)), Case(("sesion.cerrada",), role="Técnico")],
    "POST /api/auth/logout-todas": [
        Case(("sesion.todas_cerradas",)),
        Case(("sesion.todas_cerradas",), role="Técnico"),
    ],
    "DELETE /api/auth/sesiones/{id}": [
        Case(("sesion.cerrada",), on={"id_usuario": YO}),
        Case(("sesion.cerrada",), on={"id_usuario": YO}, role="Técnico"),
    ],
    **on_each("/api/auth/me", "PUT PATCH", [Case(("usuario.actualizado",))]),
    "POST /api/auth/me/password": [
        Case(("usuario.clave_cambiada",)),
        Case(("usuario.clave_cambiada",), role="Técnico"),
    ],
    "POST /api/auth/login/segundo-factor": [
        Case(("sesion.iniciada",), {"desafio": DESAFIO, "codigo": CODIGO}, before=segundo_factor),
        Case(
            ("sesion.iniciada",),
            {"desafio": DESAFIO, "codigo": CODIGO},
            role="Técnico",
            before=segundo_factor,
        ),
    ],
    "POST /api/auth/recuperar": [
        Case((("usuario.recuperacion_pedida", None),), anonimo=True),
        Case((("usuario.recuperacion_pedida", None),), {"email": "nadie@example.org"}, anonimo=True),
    ],
    "POST /api/auth/restablecer": [
        Case(("usuario.clave_recuperada",), NUEVA_CLAVE | {"token": RECUPERACION}, before=recuperacion),
        Case(
            ("usuario.clave_recuperada",),
            NUEVA_CLAVE | {"token": RECUPERACION},
            role="Solicitante",
            before=recuperacion,
        ),
    ],
    "POST /api/auth/segundo-factor": [
        Case(("usuario.segundo_factor_iniciado",)),
        Case(("usuario.segundo_factor_iniciado",), role="Técnico", before=pending),
    ],
    "POST /api/auth/segundo-factor/confirmar": [
        Case(("usuario.segundo_factor_activado",), {"codigo": CODIGO}, before=pending),
    ],
    "DELETE /api/auth/segundo-factor": [
        Case(("usuario.segundo_factor_desactivado",), before=segundo_factor),
        Case(("usuario.segundo_factor_desactivado",), role="Técnico", before=pending),
    ],
    f"DELETE {USERS}/{{id}}/segundo-factor": [Case(())],  # It has none.
    "POST /api/auth/tokens": [
        Case(("token.creado",)),
        Case(("token.creado",), {"nombre": "Correo", "alcances": ["tickets:escribir"], "vence": PRONTO}),
        Case(("token.creado",), {"nombre": "x", "alcances": ["tickets:leer"], "vence": None}, role="Técnico"),
    ],
    "DELETE /api/auth/tokens/{id}": [
        Case(("token.revocado",), on={"id_usuario": YO}),
        Case(("token.revocado",), on={"id_usuario": YO, "ultimo_uso": AHORA}, role="Técnico"),
    ],
    "POST /api/tickets/tickets": [
        Case(("tiquet.creado",)),
        Case(("tiquet.creado",), NUEVO | EXTERNO | {"id_usuario_asignado": OTRO, "etiquetas": ["VPN"]}),
        Case(("tiquet.creado",), NUEVO | {"id_estado": 6, "canal": "telefono"}, role="Técnico"),
        Case(("tiquet.creado",), NUEVO | {"telefono_contacto": "555 0101"}, role="Solicitante"),
    ],
    **on_each(
        f"{TIQUETS}/{{id}}",
        "PUT PATCH",
        [
            Case(TIQUET_CHANGED),
            Case(TIQUET_CHANGED, EXTERNO | {"titulo": "Otro", "etiquetas": ["red"], "id_problema": 2}),
            Case(TIQUET_CHANGED, {"id_usuario_asignado": YO}, role="Técnico"),
            Case(TIQUET_CHANGED, {"titulo": "Otro", "telefono_contacto": "1"}, SUYO, role="Solicitante"),
            Case(TIQUET_CHANGED, {"id_usuario_asignado": TERCERO}, DE_OTRO),
            Case(TIQUET_CHANGED, {"id_usuario_asignado": None}, DE_OTRO),
            Case(TIQUET_CHANGED, {"id_estado": 5, "resolucion": "Se cambió el cable"}),
            Case(TIQUET_CHANGED, {"id_estado": 6}, role="Técnico"),
            Case(TIQUET_CHANGED, {"id_estado": 2}, CERRADO | {"resolucion": "Se cambió el cable"}),
        ],
    ),
    f"DELETE {TIQUETS}/{{id}}": [Case(("tiquet.eliminado",))],
    f"POST {TIQUETS}/{{id}}/restaurar": [Case(("tiquet.restaurado",), on={"fecha_eliminacion": AHORA})],
    f"POST {TIQUETS}/{{id}}/comentarios": [
        Case(("comentario.creado", "tiquet.comentado")),
        Case(("comentario.creado", "tiquet.comentado"), {"mensaje": "Solo para el personal"}),
        Case(("comentario.creado", "tiquet.comentado"), on={"fecha_primera_respuesta": AHORA}),
        Case(("comentario.creado", "tiquet.comentado"), HOLA, SUYO, role="Solicitante"),
    ],
    **on_each(
        f"{TIQUETS}/{{id}}/comentarios/{{id_comentario}}",
        "PUT PATCH",
        [Case(("comentario.actualizado",)), Case(("comentario.actualizado",), None, {"id_autor": OTRO})],
    ),
    f"DELETE {TIQUETS}/{{id}}/comentarios/{{id_comentario}}": [
        Case(("comentario.eliminado", "tiquet.comentario_eliminado"))
    ],
    f"POST {TIQUETS}/{{id}}/adjuntos": [Case(("adjunto.creado", "tiquet.adjuntado"))],
    f"DELETE {TIQUETS}/{{id}}/adjuntos/{{id_adjunto}}": [
        Case(("adjunto.eliminado", "tiquet.adjunto_eliminado"))
    ],
    f"POST {VISTAS}": [Case(("vista.creado",))],
    **on_each(
        f"{VISTAS}/{{id}}",
        "PUT PATCH",
        [
            Case(("vista.actualizado",)),
            Case(("vista.actualizado",), {"filtros": {"id_estado": 2}}, {"id_usuario": YO}, "Técnico"),
        ],
    ),
    f"DELETE {VISTAS}/{{id}}": [Case(("vista.eliminado",), on={"id_usuario": YO}, role="Técnico")],
    f"POST {TIQUETS}/{{id}}/seguidores": [
        Case(("seguidor.creado",)),
        Case(("seguidor.creado",), {"id_usuario": OTRO}),
        Case(("seguidor.creado",), role="Técnico"),
    ],
    f"POST {TIQUETS}/{{id}}/seguidores/yo": [Case(("seguidor.creado",))],
    f"DELETE {TIQUETS}/{{id}}/seguidores/{{id_usuario}}": [
        Case(("seguidor.eliminado",)),
        Case(("seguidor.eliminado",), on={"id_usuario": YO}, role="Técnico"),
    ],
    f"DELETE {TIQUETS}/{{id}}/seguidores/yo": [Case(())],
    "POST /api/cambios/pase": [Case(()), Case((), role="Técnico")],
    f"POST {TIQUETS}/{{id}}/asignar": [
        Case(TIQUET_CHANGED, {"id_usuario": OTRO}),
        Case(TIQUET_CHANGED, {"id_usuario": YO}, role="Técnico"),
        Case((), {"id_usuario": OTRO}, DE_OTRO),
    ],
    f"POST {TIQUETS}/{{id}}/tomar": [Case(TIQUET_CHANGED), Case((), on=MIO, role="Técnico")],
    f"POST {TIQUETS}/{{id}}/soltar": [Case(TIQUET_CHANGED, on=MIO, role="Técnico")],
    f"POST {TIQUETS}/{{id}}/transiciones": [
        Case(TIQUET_CHANGED),
        Case(TIQUET_CHANGED, {"accion": "pedir_datos"}, role="Técnico"),
        Case(TIQUET_CHANGED, {"accion": "cancelar", "motivo": "Ya no hace falta"}),
        Case(TIQUET_CHANGED, {"accion": "reabrir"}, CERRADO | {"resolucion": "Se cambió el cable"}),
        Case((), {"accion": "responder"}),
        Case(TIQUET_CHANGED, {"accion": "cerrar"}, RESUELTO | SUYO, role="Solicitante"),
        Case(TIQUET_CHANGED, {"accion": "reabrir"}, CERRADO | SUYO, role="Solicitante"),
    ],
    f"POST {TIQUETS}/{{id}}/relaciones": [
        Case(("relacion.creado",), {"tipo": "relacionado", "id_tiquet": TIQUET}),
        Case(("relacion.creado",), {"tipo": "duplicado_de", "id_tiquet": TIQUET}, role="Técnico"),
        Case(("relacion.creado", "tiquet.actualizado"), {"tipo": "padre", "id_tiquet": TIQUET}),
        Case(("relacion.creado", ("tiquet.actualizado", TIQUET)), {"tipo": "hijo", "id_tiquet": TIQUET}),
    ],
    f"DELETE {TIQUETS}/{{id}}/relaciones/{{id_relacion}}": [
        Case(("relacion.eliminado",)),
        Case(("relacion.eliminado",), on={"tipo": "duplicado_de", "id_autor": OTRO}, role="Técnico"),
    ],
    f"POST {TIQUETS}/{{id}}/fusionar": [
        Case(("tiquet.fusionado",), {"id_destino": TIQUET}),
        Case(("tiquet.fusionado",), {"id_destino": TIQUET}, DE_OTRO, role="Técnico"),
        Case(
            ("tiquet.fusionado", ("tiquet.fusion_recibida", TIQUET)),
            {"id_destino": TIQUET},
            {"fecha_primera_respuesta": AHORA},
        ),
    ],
    f"POST {TIQUETS}/lote": [
        Case((), {"ids": [UNKNOWN], "accion": "actualizar", "cambios": {"id_prioridad": 3}}),
        Case(OF_ONE, en_lote("actualizar", {"id_prioridad": 3}), role="Técnico"),
        Case(OF_ONE, en_lote("transicion", {"accion": "pedir_datos"}), role="Técnico"),
        Case(OF_ONE, en_lote("asignar", {"id_usuario": OTRO}) | {"atomico": True}),
        Case((("tiquet.eliminado", TIQUET),), en_lote("eliminar", {}) | {"atomico": True}),
    ],
    f"POST {TIQUETS}/importar": [
        Case(("tiquet.importado",)),
        Case(("tiquet.importado",), Form(archivo=("t.ndjson", as_row(NUEVO | EXTERNO | CERRADO_ANTES)))),
        Case((), Form(archivo=("t.ndjson", as_row(NUEVO)))),  # It has no name by which it is known again.
    ],
    f"POST {WEBHOOKS}": [
        Case(("webhook.creado",)),
        Case(("webhook.creado",), {"url": "https://[2606:4700::1]:8443/a?b=c", "eventos": ["*"]}),
    ],
    **on_each(
        f"{WEBHOOKS}/{{id}}",
        "PUT PATCH",
        [
            Case(("webhook.actualizado",)),
            Case(
                ("webhook.actualizado",), {"url": "https://otra.example.org", "filtros": {"id_estado": [1]}}
            ),
            Case(("webhook.actualizado",), {"activo": True}, PARADO),
        ],
    ),
    f"DELETE {WEBHOOKS}/{{id}}": [Case(("webhook.eliminado",)), Case(("webhook.eliminado",), on=PARADO)],
    f"POST {WEBHOOKS}/{{id}}/rotar": [
        Case(("webhook.secreto_rotado",)),
        Case(("webhook.secreto_rotado",), {}),
        Case(("webhook.secreto_rotado",), {"horas": 0}),
    ],
    f"POST {WEBHOOKS}/{{id}}/probar": [Case(("webhook.probado",)), Case(("webhook.probado",), on=PARADO)],
    f"POST {WEBHOOKS}/{{id}}/entregas/{{id_entrega}}/reenviar": [
        Case(("webhook.reenviado",)),
        Case(("webhook.reenviado",), on={"estado": "pendiente", "proximo_intento": AHORA}),
    ],
    f"POST {WEBHOOKS}/{{id}}/entregas/reenviar": [Case(())],  # It has none.
    "POST /api/correo/entrante": [Case(("tiquet.creado",), before=ana)],
    "POST /api/users": [Case(("usuario.creado",))],
    **on_each(
        f"{USERS}/{{id}}",
        "PUT PATCH",
        [
            Case(("usuario.actualizado",)),
            Case(("usuario.actualizado",), {"categorias": [2, 1], "id_ubicacion": 3, "activo": False}),
            Case(("usuario.actualizado",), {"email": "otra@example.org", "tipo_usuario": "Administrador"}),
        ],
    ),
    f"DELETE {USERS}/{{id}}": [Case(("usuario.desactivado",))],
    f"POST {USERS}/{{id}}/tickets-abiertos": [Case(()), Case((), {"id_usuario": OTRO})],
    f"POST {USERS}/{{id}}/desbloquear": [Case(())],  # Nobody tried a wrong password.
    f"POST {USERS}/{{id}}/password": [
        Case(("usuario.clave_restablecida",)),
        Case(("usuario.clave_restablecida",), on={"debe_cambiar_clave": True}),
    ],
}
for path, entidad in {
    **{f"/api/tickets/{name}": entidad for name, entidad in ENTIDADES.items()},
    **{f"/api/{entidad}s": entidad for entidad in PERSONAS},
}.items():
    CASES[f"POST {path}"] = [Case((f"{entidad}.creado",))]
    CASES |= on_each(f"{path}/{{id}}", "PUT PATCH", [Case((f"{entidad}.actualizado",))])
    CASES[f"DELETE {path}/{{id}}"] = [Case((f"{entidad}.eliminado",))]
for entidad in PERSONAS:
    # The first time is several units of work, each with events of its own: tests/test_personal.py.
    CASES[f"POST /api/{entidad}s/{{id}}/anonimizar"] = [Case((), on={"fecha_anonimizado": AHORA})]
# Whoever becomes the default row ends another's being it.
ANOTHER_DEFAULT = (("prioridad.actualizado", 2), "prioridad.actualizado")
CASES["PUT /api/tickets/prioridades/{id}"] = [
    Case(("prioridad.actualizado",), {"nombre": "Hoy mismo", "nivel": 8}),
    Case(ANOTHER_DEFAULT, {"predeterminado": True}),
]

REFUSALS: dict[str, list[Refusal]] = {
    "POST /api/auth/restablecer": [
        Refusal(401, NUEVA_CLAVE | {"token": "no es este"}),
        Refusal(422, {"token": RECUPERACION, "password": "sesamo sesamo"}),
        Refusal(422, {"token": RECUPERACION, "password": CORTA}),
    ],
    "POST /api/auth/me/password": [
        Refusal(403, {"password_actual": "no es esta", "password_nuevo": "tres tigres en el trigal"}),
        Refusal(422, {"password_actual": CLAVE_DE_DEMO, "password_nuevo": CORTA}),
    ],
    "POST /api/auth/segundo-factor": [
        Refusal(403, {"password": "no es esta"}),
        Refusal(409, planted=lambda: segundo_factor(id_of_caller())),
    ],
    "POST /api/auth/segundo-factor/confirmar": [
        Refusal(404, {"codigo": "123456"}, role="Técnico"),
        Refusal(422, {"codigo": "12345x"}),
    ],
    "DELETE /api/auth/segundo-factor": [
        Refusal(403, {"password": "no es esta"}),
        Refusal(404, role="Técnico"),
    ],
    f"DELETE {USERS}/{{id}}/segundo-factor": [Refusal(409, of_caller=True), Refusal(409, planted=erased)],
    "POST /api/auth/tokens": [
        Refusal(422, {"nombre": "x", "alcances": []}),
        Refusal(422, {"nombre": "x", "alcances": ["usuarios:escribir"]}),
        Refusal(422, {"nombre": "x", "alcances": ["tickets:leer"], "vence": TARDE}),
        Refusal(422, {"nombre": "x", "alcances": ["tickets:leer"], "vence": "2026-01-01T00:00:00Z"}),
    ],
    "DELETE /api/auth/tokens/{id}": [Refusal(404, on={"id_usuario": OTRO})],
    f"POST {TIQUETS}/importar": [
        Refusal(422, Form(archivo=("vacio.csv", b"\n\n"))),
        Refusal(422, Form(archivo=("t.csv", b"titulo,no_hay\n"))),
    ],
    f"POST {TIQUETS}": [
        Refusal(409, NUEVO | EXTERNO, planted=lambda *_: tiquet(**EXTERNO)),
        Refusal(422, NUEVO | {"id_categoria": UNKNOWN}),
        Refusal(422, NUEVO | {"id_usuario_asignado": UNKNOWN}),
        Refusal(403, NUEVO | {"id_cliente": UNKNOWN}, role="Solicitante"),
        Refusal(403, NUEVO | {"etiquetas": ["VPN"]}, role="Solicitante"),
        Refusal(422, NUEVO | {"id_categoria": UNKNOWN}, role="Solicitante"),
    ],
    **on_each(
        f"{TIQUETS}/{{id}}",
        "PUT PATCH",
        [
            Refusal(403, {"id_usuario_asignado": TERCERO}, DE_OTRO, "Técnico"),
            Refusal(403, {"id_usuario_asignado": None}, DE_OTRO, "Técnico"),
            Refusal(403, {"id_estado": 1}, DE_OTRO, "Técnico"),
            Refusal(403, {"id_estado": 2}, CERRADO, "Técnico"),
            Refusal(403, {"id_categoria": UNKNOWN}, SUYO, "Solicitante"),
            Refusal(403, {"titulo": "Otro"}, CERRADO | SUYO, "Solicitante"),
            Refusal(404, {"titulo": "Otro"}, role="Solicitante"),
            Refusal(409, {"id_usuario_asignado": YO}, DE_OTRO, "Técnico"),
            Refusal(409, {"id_usuario_asignado": YO}, CERRADO),
            Refusal(409, EXTERNO, planted=lambda *_: tiquet(**EXTERNO)),
            Refusal(422, {"titulo": "Otro", "id_categoria": UNKNOWN}),
            Refusal(422, {"titulo": "Otro", "version": 99}),
        ],
    ),
    f"POST {TIQUETS}/{{id}}/restaurar": [Refusal(409)],
    f"POST {TIQUETS}/{{id}}/comentarios": [
        Refusal(403, HOLA | {"es_interno": True}, SUYO, "Solicitante"),
        Refusal(404, HOLA, role="Solicitante"),
        Refusal(409, HOLA, CERRADO | SUYO, "Solicitante"),
    ],
    f"POST {TIQUETS}/{{id}}/asignar": [
        Refusal(403, {"id_usuario": TERCERO}, DE_OTRO, "Técnico"),
        Refusal(409, {"id_usuario": YO}, DE_OTRO, "Técnico"),
        Refusal(409, {"id_usuario": YO}, CERRADO),
        Refusal(422, {"id_usuario": UNKNOWN}),
    ],
    f"POST {TIQUETS}/{{id}}/tomar": [Refusal(409, on=DE_OTRO), Refusal(409, on=CERRADO)],
    f"POST {TIQUETS}/{{id}}/soltar": [Refusal(403, on=DE_OTRO, role="Técnico"), Refusal(409)],
    f"POST {TIQUETS}/{{id}}/transiciones": [
        Refusal(403, {"accion": "reabrir"}, CERRADO, "Técnico"),
        Refusal(403, {"accion": "pedir_datos"}, SUYO, "Solicitante"),
        Refusal(403, {"accion": "responder", "id_estado": 1}, SUYO, "Solicitante"),
        Refusal(404, {"accion": "responder"}, role="Solicitante"),
        Refusal(409, {"accion": "cerrar"}, SUYO, "Solicitante"),
        Refusal(409, {"accion": "cerrar"}),
        Refusal(422, {"accion": "resolver"}),
        Refusal(422, {"accion": "resolver", "resolucion": "Se cambió el cable", "id_estado": 1}),
    ],
    f"POST {TIQUETS}/{{id}}/relaciones": [
        Refusal(409, {"tipo": "padre", "id_tiquet": TIQUET}, {"id_tiquet_padre": TIQUET}),
        Refusal(422, {"tipo": "hijo", "id_tiquet": UNKNOWN}),
    ],
    f"POST {TIQUETS}/{{id}}/fusionar": [
        Refusal(409, {"id_destino": TIQUET}, CERRADO),
        Refusal(422, {"id_destino": UNKNOWN}),
    ],
    f"POST {TIQUETS}/lote": [
        Refusal(422, {"ids": [TIQUET, UNKNOWN], "accion": "eliminar", "atomico": True}),
        Refusal(422, en_lote("actualizar", {"titulo": "x"})),
        Refusal(422, en_lote("asignar", {})),
        Refusal(422, en_lote("eliminar", {}) | {"versiones": {str(UNKNOWN): 1}}),
        Refusal(422, en_lote("eliminar", {}) | {"versiones": {"1.0": 1}}),
        Refusal(422, {"ids": [1] * 2, "accion": "eliminar"}),
        Refusal(422, {"ids": list(range(1, 102)), "accion": "eliminar"}),
        Refusal(422, {"ids": [], "accion": "eliminar"}),
    ],
    **{
        f"{method} {TIQUETS}/{{id}}/comentarios/{{id_comentario}}": [
            Refusal(403, on={"id_autor": OTRO}, role="Técnico"),
            Refusal(404, on={"id_autor": YO}, role="Solicitante"),
        ]
        for method in ("PUT", "PATCH", "DELETE")
    },
    f"POST {WEBHOOKS}": [
        Refusal(422, {"url": "https://10.0.0.1/", "eventos": ["*"]}),
        Refusal(422, {"url": "http://example.org/", "eventos": ["*"]}),
        Refusal(422, {"url": "https://example.org/", "eventos": ["ticket.*"]}),
    ],
    **on_each(f"{WEBHOOKS}/{{id}}", "PUT PATCH", [Refusal(422, {"url": "https://0x7f.1/"})]),
    f"POST {WEBHOOKS}/{{id}}/rotar": [Refusal(422, {"horas": 169})],
    f"POST {WEBHOOKS}/{{id}}/entregas/reenviar": [Refusal(422, {})],
    f"POST {VISTAS}": [
        Refusal(422, {"nombre": "Una", "filtros": {"id_estado": "uno"}}),
        Refusal(409, {"nombre": "Una", "filtros": {}}, planted=own_view),
    ],
    **on_each(
        f"{VISTAS}/{{id}}",
        "PUT PATCH",
        [
            Refusal(403, on={"id_usuario": OTRO}, role="Técnico"),
            Refusal(404, on={"id_usuario": OTRO, "compartida": False}),
            Refusal(409, {"nombre": "Una"}, {"id_usuario": YO}, planted=own_view),
        ],
    ),
    f"DELETE {VISTAS}/{{id}}": [Refusal(403, on={"id_usuario": OTRO}, role="Técnico")],
    f"POST {TIQUETS}/{{id}}/adjuntos": [
        Refusal(409, Form(archivo=[("nota.txt", b"cabe"), ("otra.txt", b"no cabe")]), planted=full),
        Refusal(415, Form(archivo=[("nota.txt", b"si"), ("programa.exe", b"MZ\x90\x00\x03\x00")])),
        Refusal(422, Form(archivo=("nota.txt", b""))),
        Refusal(422, Form(archivo=("nota.txt", b"si"), id_comentario="tres")),
        Refusal(404, Form(archivo=("nota.txt", b"si"), id_comentario=UNKNOWN)),
    ],
    f"DELETE {TIQUETS}/{{id}}/adjuntos/{{id_adjunto}}": [Refusal(403, on={"id_autor": OTRO}, role="Técnico")],
    f"POST {TIQUETS}/{{id}}/seguidores": [
        Refusal(403, {"id_usuario": OTRO}, role="Técnico"),
        Refusal(422, {"id_usuario": UNKNOWN}),
    ],
    f"DELETE {TIQUETS}/{{id}}/seguidores/{{id_usuario}}": [
        Refusal(403, on={"id_usuario": OTRO}, role="Técnico")
    ],
    "POST /api/users": [
        Refusal(
            409,
            {"email": "a@example.org", "nombre": "A", "apellido": "B", "password": "no la de nadie"}
            | {"tipo_usuario": "Técnico"},
            planted=lambda *_: UsuarioFactory(email="a@example.org"),
        ),
    ],
    **on_each(
        f"{USERS}/{{id}}",
        "PUT PATCH",
        [
            Refusal(409, {"tipo_usuario": "Técnico"}, of_caller=True),
            Refusal(409, {"email": EMAIL}),
            Refusal(409, {"activo": True}, planted=erased),
            Refusal(422, {"nombre": "Otro", "categorias": [1, UNKNOWN]}),
            Refusal(422, {"nombre": "Otro", "tipo_usuario": "Solicitante", "id_cliente": UNKNOWN}),
        ],
    ),
    f"DELETE {USERS}/{{id}}": [Refusal(409, of_caller=True), Refusal(409, planted=erased)],
    f"POST {USERS}/{{id}}/desbloquear": [Refusal(409, planted=erased)],
    f"POST {USERS}/{{id}}/tickets-abiertos": [
        Refusal(422, {"id_usuario": UNKNOWN}),
        Refusal(422, {"id_usuario": YO}, of_caller=True),
    ],
    f"POST {USERS}/{{id}}/password": [
        Refusal(409, of_caller=True),
        Refusal(409, planted=erased),
        Refusal(422, {"password": CORTA}),
    ],
}
for entidad in PERSONAS:
    REFUSALS[f"POST /api/{entidad}s/{{id}}/anonimizar"] = [Refusal(422, {"confirmar": "otra@example.org"})]
for item, campo in POINTERS.items():
    taken = {"nombre": "Ocupado"} if "/tickets/" in item else EN_USO
    plant = {"planted": lambda *_, item=item, taken=taken: MAKERS[item](**taken)}
    REFUSALS |= on_each(item, "PUT PATCH", [Refusal(409, taken, **plant)])
    REFUSALS[f"DELETE {item}"] = [
        Refusal(409, planted=lambda id, campo=campo: tiquet(**{campo: id})),
        *([Refusal(409, on={"predeterminado": True})] if "/tickets/" in item else []),
    ]
