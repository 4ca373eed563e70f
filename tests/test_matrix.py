"""Role by route by object: who gets what, derived from the policy and a few rules about things."""

from collections import Counter, defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import SimpleNamespace

import pytest

from app.models import utcnow
from app.permissions import POLITICA, Actor, Permiso, allows
from app.utils.messages import ESTADO_DE
from tests.client import example_of, operations
from tests.factories import (
    ClienteFactory,
    ComentarioFactory,
    RelacionFactory,
    UsuarioFactory,
    adjunto,
    quien,
    tiquet,
)
from tests.world import (
    AUTH,
    HASH_DE_EJEMPLO,
    LOG,
    MAKERS,
    POINTERS,
    STALE,
    TIQUETS,
    UNKNOWN,
    UNKNOWN_SESSION,
    USERS,
    VISTAS,
    WEBHOOKS,
    bearer,
    caller,
    events_after,
    filled,
    item_of,
    last_event,
    make_delivery,
    make_follower,
    make_session,
    parameters_of,
    refresh_token,
    snapshot,
    success_of,
    undone,
)

ROLES = {
    "Administrador": {"tipo_usuario": "Administrador"},
    "Técnico": {"tipo_usuario": "Técnico"},
    "Solicitante": {"tipo_usuario": "Solicitante"},
    "a deactivated user": {"tipo_usuario": "Administrador", "activo": False},
    "a user with a temporary password": {"tipo_usuario": "Administrador", "debe_cambiar_clave": True},
    "nobody": {"tipo_usuario": "Administrador"},
}

# Things, as they stand to the caller.
OWN, ANOTHERS, FREE, CLOSED, TRASHED = "own", "another's", "nobody's", "own and closed", "in the trash"
PRIVATE = "another's own"
OF_CUSTOMER, INTERNAL = "of the own customer", "internal"
ONESELF, INACTIVE, USED, NOTHING = "oneself", "inactive", "in use", "unknown"

# What can be sent to a ticket instead of the example.
TAKE, HAND_ON, RELEASE, REOPEN, REWORD = "take", "hand on", "release", "reopen", "reword"

SEGUIDOR = f"{TIQUETS}/{{id}}/seguidores/{{id_usuario}}"

# (operation and what is sent, thing, what it is refused with, the permission whose holders are not refused):
# the first that fits counts; where none does, the policy's own rule about the thing.
RULES = (
    ("POST */tickets/{id}/restaurar", TRASHED, None, None),
    ("* /api/tickets/tickets/{id}*", TRASHED, "tiquet_no_encontrado", None),
    ("* /api/tickets/tickets/{id}*", "of an unknown ticket", "tiquet_no_encontrado", None),
    ("* /api/tickets/tickets/{id}/comentarios/{id_comentario}", NOTHING, "comentario_no_encontrado", None),
    ("* /api/tickets/tickets/{id}/adjuntos/{id_adjunto}*", NOTHING, "adjunto_no_encontrado", None),
    ("* /api/tickets/tickets/{id}/com*", "of another ticket", "comentario_no_encontrado", None),
    ("* /api/tickets/tickets/{id}/adj*", "of another ticket", "adjunto_no_encontrado", None),
    ("* /api/tickets/tickets/{id}/relaciones/*", NOTHING, "relacion_no_encontrada", None),
    ("* /api/tickets/tickets/{id}/relaciones/*", "of another ticket", "relacion_no_encontrada", None),
    ("* /api/tickets/tickets/{id}/relaciones/*", "to one in the trash", "relacion_no_encontrada", None),
    (f"* {SEGUIDOR}", NOTHING, "seguidor_no_encontrado", None),
    (f"* {SEGUIDOR}", "of another ticket", "seguidor_no_encontrado", None),
    ("* /api/tickets/tickets/{id}*", NOTHING, "tiquet_no_encontrado", None),
    ("* /api/auth/sesiones/{id}", OWN, None, None),
    ("* /api/auth/sesiones/{id}", "*", "sesion_no_encontrada", None),
    ("* /api/auth/tokens/{id}", OWN, None, None),
    ("DELETE /api/auth/segundo-factor", "*", "segundo_factor_no_encontrado", None),
    ("POST /api/auth/segundo-factor/confirmar", "*", "segundo_factor_no_encontrado", None),
    ("* /api/auth/tokens/{id}", "*", "token_no_encontrado", None),
    ("* /api/users/{id}*", NOTHING, "usuario_no_encontrado", None),
    ("* /api/clientes/{id}*", NOTHING, "cliente_no_encontrado", None),
    ("* /api/empleados/{id}*", NOTHING, "empleado_no_encontrado", None),
    ("* /api/tickets/vistas/{id}", PRIVATE, "vista_no_encontrada", None),
    ("* /api/tickets/vistas/{id}", NOTHING, "vista_no_encontrada", None),
    ("* /api/webhooks/{id}/entregas/{id_entrega}*", NOTHING, "entrega_no_encontrada", None),
    ("* /api/webhooks/{id}/entregas/{id_entrega}*", "of another webhook", "entrega_no_encontrada", None),
    ("* /api/webhooks/{id}*", NOTHING, "webhook_no_encontrado", None),
    ("* /api/webhooks/{id}*", "of an unknown webhook", "webhook_no_encontrado", None),
    ("* /api/tickets/*/{id}", NOTHING, "fila_no_encontrada", None),
    ("POST */tickets/{id}/restaurar", "*", "no_esta_en_la_papelera", None),
    ("POST */tickets/{id}/seguidores*", "*", None, None),  # Whoever names nobody follows itself.
    ("* */tickets/{id}/seguidores/yo", "*", None, None),
    ("POST */tickets/{id}/tomar", ANOTHERS, "tiquet_ya_asignado", None),
    ("POST */tickets/{id}/soltar", FREE, "transicion_no_permitida", None),
    ("POST */tickets/{id}/soltar", OF_CUSTOMER, "transicion_no_permitida", None),
    ("POST */tickets/{id}/soltar", CLOSED, "transicion_no_permitida", None),
    ("POST */tickets/{id}/transiciones", CLOSED, "transicion_no_permitida", None),
    ("POST */tickets/{id}/fusionar", CLOSED, "transicion_no_permitida", None),
    (f"* {HAND_ON}", CLOSED, "transicion_no_permitida", None),
    (f"* {RELEASE}", CLOSED, "transicion_no_permitida", None),
    (f"* {REOPEN}", CLOSED, "permiso_denegado", Permiso.REABRIR_CERRADO),
    ("GET /api/tickets/*/{id}", INACTIVE, "fila_no_encontrada", Permiso.VER_INACTIVO),
    ("GET /api/users/{id}", INACTIVE, "usuario_no_encontrado", Permiso.VER_DATOS_DE_USUARIO),
    ("POST /api/users/{id}/password", ONESELF, "clave_propia", None),
    ("DELETE /api/users/{id}/segundo-factor", ONESELF, "segundo_factor_propio", None),
    ("DELETE /api/users/{id}", ONESELF, "ultimo_administrador", None),
    ("DELETE *", USED, "en_uso", None),
)


# The contract's table, so that the policy from which all else is derived does not widen unseen.
OF_AN_ADMINISTRADOR = {
    *("tiquet.eliminar", "tiquet.ver_papelera", "tiquet.restaurar", "tiquet.importar"),
    *("auditoria.ver", "webhook.administrar", "correo.recibir"),
    *("catalogo.administrar", "persona.eliminar", "usuario.ver_datos", "usuario.administrar"),
    *("persona.exportar", "persona.anonimizar"),
}
OF_A_SOLICITANTE = {
    *("propio", "tiquet.ver", "tiquet.crear", "tiquet.editar", "tiquet.mover", "tiquet.reabrir_cerrado"),
    *("comentario.ver", "comentario.crear", "comentario.editar", "comentario.eliminar", "catalogo.ver"),
    *("adjunto.ver", "adjunto.crear", "adjunto.eliminar"),
}
OF_NO_TECHNICIAN = OF_AN_ADMINISTRADOR | {"tiquet.reabrir_cerrado"}


def test_the_policy_gives_each_role_what_the_contract_says():
    held = {role: {p.value for p, (roles, _) in POLITICA.items() if role in roles} for role in ROLES}

    assert held["Administrador"] == {permiso.value for permiso in POLITICA}
    assert held["Técnico"] == held["Administrador"] - OF_NO_TECHNICIAN
    assert held["Solicitante"] == OF_A_SOLICITANTE


@dataclass(frozen=True)
class Visit:
    """One call of the matrix, and with which code it is to be refused, if it is."""

    operation: str
    thing: str
    sends: str
    path: str
    body: dict | None
    headers: dict[str, str]
    codigo: str | None

    def __str__(self):
        return " · ".join(filter(None, (self.operation, self.thing, self.sends)))


class World:
    """One caller, and things of all kinds as they stand to it."""

    def __init__(self, role):
        self.role = role
        self.cliente = ClienteFactory().id
        asks_for = {"id_cliente": self.cliente} if role == "Solicitante" else {}
        self.yo = caller(**ROLES[role], **asks_for)
        self.third = quien("Técnico").id
        self.spare = tiquet()
        self.headers = {} if role == "nobody" else self.yo.headers
        self.actor = Actor(self.yo.id, ROLES[role]["tipo_usuario"])
        UsuarioFactory(email="jadmin@gmail.com", password_hash=HASH_DE_EJEMPLO)  # whom the example signs in
        self.things = self.tickets() | {
            f"{USERS}/{{id}}": {
                ONESELF: (self.yo.id,),
                ANOTHERS: (self.third,),
                INACTIVE: (UsuarioFactory(activo=False).id,),
                NOTHING: (UNKNOWN,),
            },
            f"{VISTAS}/{{id}}": {
                OWN: MAKERS[f"{VISTAS}/{{id}}"](id_usuario=self.yo.id, compartida=False),
                ANOTHERS: MAKERS[f"{VISTAS}/{{id}}"](id_usuario=self.third),
                PRIVATE: MAKERS[f"{VISTAS}/{{id}}"](id_usuario=self.third, compartida=False),
                NOTHING: (UNKNOWN,),
            },
            f"{AUTH}sesiones/{{id}}": {
                OWN: make_session(self.yo.id),
                ANOTHERS: make_session(self.third),
                CLOSED: make_session(self.yo.id, fin=utcnow()),
                NOTHING: (UNKNOWN_SESSION,),
            },
            f"{AUTH}tokens/{{id}}": {
                OWN: MAKERS[f"{AUTH}tokens/{{id}}"](id_usuario=self.yo.id),
                ANOTHERS: MAKERS[f"{AUTH}tokens/{{id}}"](id_usuario=self.third),
                NOTHING: (UNKNOWN,),
            },
        }
        self.things |= self.webhooks()
        for path, campo in POINTERS.items():
            make = MAKERS[path]
            used = make()
            tiquet(**{campo: used[0]})
            self.things[path] = {USED: used, "unused": make(), INACTIVE: make(activo=False)}
            self.things[path][NOTHING] = (UNKNOWN,)

    def webhooks(self):
        webhook, other = make_delivery(), make_delivery()
        return {
            f"{WEBHOOKS}/{{id}}": {FREE: webhook[:1], NOTHING: (UNKNOWN,)},
            f"{WEBHOOKS}/{{id}}/entregas/{{id_entrega}}": {
                FREE: webhook,
                "of another webhook": (webhook[0], other[1]),
                "of an unknown webhook": (UNKNOWN, webhook[1]),
                NOTHING: (webhook[0], UNKNOWN),
            },
        }

    def tickets(self):
        """Tickets and comments: path of an item -> thing -> the ids in the path."""
        now, holder = utcnow(), self.yo.id if self.actor.es_personal else UsuarioFactory().id
        mine = {"id_usuario_creador": self.yo.id, "id_usuario_asignado": holder, "id_estado": 2}
        kinds = {
            OWN: mine,
            ANOTHERS: {"id_usuario_asignado": self.third, "id_estado": 2},
            OF_CUSTOMER: {"id_cliente": self.cliente},
            FREE: {},
            CLOSED: mine | {"id_estado": 6, "fecha_cierre": now, "motivo_cierre": "resuelto"},
            TRASHED: mine | {"fecha_eliminacion": now},
        }
        ids = {thing: tiquet(**fields) for thing, fields in kinds.items()}

        def comment(on, **fields):
            return ComentarioFactory(**{"id_tiquet": ids[on], "es_interno": False} | fields).id

        def file(on, **fields):
            return adjunto(id_tiquet=ids[on], **fields).id

        def related(one, other):
            return RelacionFactory(id_tiquet=ids[one], id_relacionado=ids[other]).id

        def follower(on, id):
            return make_follower(id_tiquet=ids[on], id_usuario=id)

        internal = comment(OWN, id_autor=self.yo.id, es_interno=True)
        return {
            f"{TIQUETS}/{{id}}": {thing: (id,) for thing, id in ids.items()} | {NOTHING: (UNKNOWN,)},
            f"{TIQUETS}/{{id}}/comentarios/{{id_comentario}}": self.below(ids, comment)
            | {INTERNAL: (ids[OWN], internal)},
            f"{TIQUETS}/{{id}}/adjuntos/{{id_adjunto}}": self.below(ids, file)
            | {INTERNAL: (ids[OWN], file(OWN, id_autor=self.yo.id, id_comentario=internal))},
            f"{TIQUETS}/{{id}}/relaciones/{{id_relacion}}": {
                OWN: (ids[OWN], related(OWN, FREE)),
                ANOTHERS: (ids[OWN], related(ANOTHERS, OWN)),
                "of another ticket": (ids[OWN], related(FREE, ANOTHERS)),
                "to one in the trash": (ids[OWN], related(OWN, TRASHED)),
                TRASHED: (ids[TRASHED], related(TRASHED, FREE)),
                "of an unknown ticket": (UNKNOWN, related(CLOSED, OWN)),
                NOTHING: (ids[OWN], UNKNOWN),
            },
            SEGUIDOR: {
                OWN: follower(OWN, self.yo.id),
                ANOTHERS: follower(OWN, self.third),
                "of another ticket": (ids[OWN], follower(ANOTHERS, UsuarioFactory().id)[1]),
                TRASHED: follower(TRASHED, self.yo.id),
                "of an unknown ticket": (UNKNOWN, self.yo.id),
                NOTHING: (ids[OWN], UNKNOWN),
            },
        }

    def below(self, ids, make):
        """Things that belong to tickets."""
        own = make(OWN, id_autor=self.yo.id)
        return {
            OWN: (ids[OWN], own),
            ANOTHERS: (ids[OWN], make(OWN)),
            "of another ticket": (ids[OWN], make(ANOTHERS)),
            TRASHED: (ids[TRASHED], make(TRASHED)),
            "of an unknown ticket": (UNKNOWN, own),
            NOTHING: (ids[OWN], UNKNOWN),
        }

    def objects_of(self, path):
        """What a path can be about: thing -> the path to it."""
        item = item_of(path)
        return {thing: filled(path, ids) for thing, ids in self.things[item].items()} if item else {"": path}

    def bodies_of(self, operation, about, thing):
        """What an operation is sent: its example, and to a ticket what moves it."""
        to = {TAKE: self.yo.id, HAND_ON: self.third, RELEASE: None}
        reopening = {REOPEN: {"id_estado": 2}} if thing == CLOSED else {}
        match operation.split():
            case ["POST", path] if path.endswith("/asignar"):
                return {sends: {"id_usuario": to[sends]} for sends in (TAKE, HAND_ON)}
            case ["PUT" | "PATCH", path] if path == f"{TIQUETS}/{{id}}":
                moves = {sends: {"id_usuario_asignado": id} for sends, id in to.items()}
                return {"": example_of(about), REWORD: {"titulo": "Otro título"}} | moves | reopening
            case ["POST", path] if path.endswith("/relaciones"):
                return {"": {"tipo": "relacionado", "id_tiquet": self.spare}}
            case ["POST", path] if path.endswith("/fusionar"):
                return {"": {"id_destino": self.spare}}
            case ["POST", path] if path.endswith("/transiciones") and reopening:
                return {"": example_of(about), REOPEN: {"accion": "reabrir"}}
        return {"": example_of(about)}

    def headers_for(self, about):
        if about.get("security") == [{"refresco": []}] and self.headers:
            return bearer(refresh_token(self.yo))
        return self.headers

    def visits(self, app):
        """All calls of this caller: every operation on every thing."""
        for operation, about in operations(app):
            headers = self.headers_for(about)
            for thing, path in self.objects_of(operation.split()[1]).items():
                for sends, body in self.bodies_of(operation, about, thing).items():
                    codigo = self.refusal(operation, about, thing, sends)
                    yield Visit(operation, thing, sends, path, body, headers, codigo)

    def refusal(self, operation, about, thing, sends):
        """The code with which a call is to be refused; None if it is to succeed."""
        at_the_gate = self.at_the_gate(operation, about)
        if at_the_gate or "x-permiso" not in about:
            return at_the_gate
        asked = (OWN, ANOTHERS, FREE, CLOSED, OF_CUSTOMER, INTERNAL)
        if not self.actor.es_personal and f" {TIQUETS}/" in operation and thing in asked:
            return self.refusal_to_who_asks(operation, thing, sends)
        for which, name, codigo, unless in RULES:
            if fnmatchcase(f"{operation} {sends}".strip(), which) and fnmatchcase(thing, name):
                return None if unless and allows(unless, self.actor) else codigo
        if sends in (TAKE, HAND_ON, RELEASE):
            return self.refusal_to_assign(thing, sends)
        policy = Permiso(about["x-permiso"])
        return None if allows(policy, self.actor, self.stand_in(thing)) else "permiso_denegado"

    def at_the_gate(self, operation, about):
        """The refusal for which nobody looks at the thing: for who calls, and its role."""
        if operation.endswith("/login/segundo-factor"):
            return "desafio_invalido"  # That of the example has expired, if it ever was one.
        if "/oidc/" in operation:  # There is no issuer here, and the example's code is nobody's.
            of_each = {"inicio": "sso_no_configurado", "retorno": "datos_invalidos"}
            return of_each.get(operation.rpartition("/")[2], "sso_codigo_invalido")
        if operation.endswith("/restablecer"):
            return "recuperacion_invalida"
        if about.get("security") == []:
            return None
        if self.role == "nobody":
            return "token_ausente"
        if self.role == "a deactivated user":
            return "sesion_terminada"
        if "x-permiso" not in about:
            return None  # It asks for a refresh token, not for a role.
        if self.actor.tipo_usuario not in POLITICA[Permiso(about["x-permiso"])][0]:
            return "permiso_denegado"
        temporary = ROLES[self.role].get("debe_cambiar_clave") and AUTH not in operation
        return "cambio_de_clave_requerido" if temporary else None

    def refusal_to_who_asks(self, operation, thing, sends):
        """It sees what it opened or what is its customer's; the words are for it to change, and the end."""
        method, path = operation.split()[0], operation.partition("{id}")[2]
        if "{" in path:  # something that belongs to a ticket of its own
            if thing == INTERNAL:
                return "comentario_no_encontrado" if "comentarios" in path else "adjunto_no_encontrado"
            return "permiso_denegado" if thing == ANOTHERS and method != "GET" else None
        if thing in (ANOTHERS, FREE):
            return "tiquet_no_encontrado"
        if method == "GET":
            return None
        if path in ("/comentarios", "/adjuntos"):
            return "transicion_no_permitida" if (path, thing) == ("/comentarios", CLOSED) else None
        allowed = (OWN, REWORD) if path == "" else (CLOSED, REOPEN)
        return None if (thing, sends) == allowed else "permiso_denegado"

    def refusal_to_assign(self, thing, sends):
        """Whoever leaves a ticket as it is, is not refused; to take another's is a conflict first."""
        before = self.stand_in(thing)
        after = {TAKE: self.yo.id, HAND_ON: self.third, RELEASE: None}[sends]
        if after == before.id_usuario_asignado or allows(Permiso.ASIGNAR_TIQUET, self.actor, before):
            return None
        return "tiquet_ya_asignado" if sends == TAKE else "permiso_denegado"

    def stand_in(self, thing):
        """What the policy looks at in a ticket, a view, or what belongs to a ticket."""
        whose = {ANOTHERS: self.third, FREE: None, OF_CUSTOMER: None}.get(thing, self.yo.id)
        return SimpleNamespace(id_usuario_asignado=whose, id_autor=whose, id_usuario=whose)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_policy_says_of_each_route_and_object(
    app, client, session, role, record_testsuite_property
):
    world = World(role)
    by_operation = defaultdict(list)
    for visit in world.visits(app):
        by_operation[visit.operation].append(visit)
    statuses = {operation: success_of(about) for operation, about in operations(app)}
    wrong, outcomes, before = {}, Counter(), snapshot(LOG)
    for operation, visits in by_operation.items():
        mark, denied, bodies = last_event(), 0, defaultdict(set)
        for visit in visits:
            expected = ESTADO_DE[visit.codigo] if visit.codigo else statuses[operation]
            with nullcontext() if visit.codigo else undone():
                answer = client.open(
                    visit.path, method=operation.split()[0], json=visit.body, headers=visit.headers
                )
            told = (answer.status_code, answer.json["codigo"] if answer.status_code >= 400 else None)
            if told != (expected, visit.codigo):
                wrong[str(visit)] = f"{told}, not {(expected, visit.codigo)}"
            if answer.status_code == 404:
                bodies[visit.codigo].add(repr(answer.json | {"instance": None, "id_solicitud": None}))
            denied += expected == 403
            outcomes[expected] += 1
        if any(len(some) > 1 for some in bodies.values()):
            wrong[f"{operation}: what may not be seen is not as what is not there"] = bodies
        if snapshot(LOG) != before:
            wrong[f"{operation}: a refusal changed something"] = before = snapshot(LOG)
        if [event["accion"] for event in events_after(mark)] != ["acceso.denegado"] * denied:
            wrong[f"{operation}: its refusals are not in the log once each"] = events_after(mark)

    for status, count in outcomes.items():
        record_testsuite_property(f"{role} {status}", count)
    assert wrong == {}


# The faults that a request can have, each with its status, in the order in which they are told.
FAULTS = {
    "nobody": (401,),
    "role": (403,),
    "form": (400, 422),
    "unknown": (404,),
    "stale": (412,),
    "in use": (409,),
}


def faults_of(operation, about):
    """Which of the faults a request for this operation can have."""
    path, guarded = operation.split()[1], "x-permiso" in about
    possible = {
        "nobody": guarded,
        "role": guarded and "Solicitante" not in POLITICA[Permiso(about["x-permiso"])][0],
        "form": True,
        "unknown": "{" in path,
        "stale": "If-Match" in parameters_of(about),
        "in use": operation.startswith("DELETE") and path in POINTERS,
    }
    return [fault for fault in FAULTS if possible[fault]]


def test_of_several_faults_the_first_in_the_order_of_refusals_is_told(app, client, session):
    world = World("Administrador")
    callers = {"nobody": {}, "role": caller("Solicitante").headers}
    wrong, before = {}, snapshot(LOG)

    for operation, about in operations(app):
        method, path = operation.split()
        objects, body, faults = world.objects_of(path), example_of(about), faults_of(operation, about)
        for first in range(len(faults)):
            has = faults[first:]
            malformed = {"no_hay": 1} if "form" in has else {}
            answer = client.open(
                objects[NOTHING] if "unknown" in has else next(iter(objects.values())),
                method=method,
                json=None if body is None else body | malformed,
                query_string=malformed if body is None else {},
                headers=callers.get(has[0], world.headers) | ({"If-Match": STALE} if "stale" in has else {}),
            )
            if answer.status_code not in FAULTS[has[0]]:
                wrong[f"{operation} · {', '.join(has)}"] = answer.status_code

    assert wrong == {}
    assert snapshot(LOG) == before


COMENTARIO = f"{TIQUETS}/{{id}}/comentarios/{{id_comentario}}"
TWO_WRONG = {"password_actual": "no es esta", "password_nuevo": "corta"}


@pytest.mark.parametrize(
    ("operation", "body", "codigo"),
    [
        ("POST /api/auth/me/password", TWO_WRONG, "datos_invalidos"),
        (f"PUT {COMENTARIO}", {"mensaje": ""}, "datos_invalidos"),
        (f"PUT {COMENTARIO}", {"mensaje": "Otro"}, "permiso_denegado"),
        (f"DELETE {COMENTARIO}", None, "permiso_denegado"),
    ],
)
def test_what_is_forbidden_on_a_thing_comes_behind_its_form_and_before_its_version(
    client, session, operation, body, codigo
):
    world, (method, path) = World("Técnico"), operation.split()
    things = world.objects_of(path)
    headers = world.headers | {"If-Match": STALE}

    answer = client.open(things.get(ANOTHERS, path), method=method, json=body, headers=headers)

    assert (answer.status_code, answer.json["codigo"]) == (ESTADO_DE[codigo], codigo)


SEES = ["Administrador", "Técnico", "Solicitante"]


@pytest.mark.parametrize("role", SEES)
def test_what_a_role_sees_on_its_own_is_what_its_lists_show_and_count(app, client, session, role):
    world = World(role)
    items = [
        operation.split()[1]
        for operation, about in operations(app)
        if operation.startswith("GET ") and operation.endswith("}")
        if allows(Permiso(about["x-permiso"]), world.actor)
    ]

    def get(path):
        return client.get(path, headers=world.headers)

    for item in items:
        listed = {}  # path of an item -> the row of its list
        for rows in {address.rpartition("/")[0] for address in world.objects_of(item).values()}:
            if get(rows).status_code == 200:
                page = get(rows).json
                listed |= {f"{rows}/{row['id']}": row for row in page["data"]}
                assert (page["paginacion"]["total"], page["paginacion"]["siguiente"]) == (
                    len(page["data"]),
                    None,
                )
        assert listed, item
        assert {path: get(path).json for path in listed} == listed
        seen = {path for path in world.objects_of(item).values() if get(path).status_code == 200}
        assert seen == set(listed) & set(world.objects_of(item).values())


# A figure of the dashboard, and the parameter of the list that asks for the same tickets.
FIGURES = {
    "por_estado": "id_estado",
    "por_criticidad": "id_criticidad",
    "por_prioridad": "id_prioridad",
    "por_categoria": "id_categoria",
    "por_ubicacion": "id_ubicacion",
    "por_tecnico": "id_usuario_asignado",
}
TOTALS = {
    "total": "",
    "abiertos": "tipo_estado=nuevo&tipo_estado=en_proceso&tipo_estado=en_espera",
    "cerrados": "tipo_estado=cerrado",
    "sin_asignar": "id_usuario_asignado=ninguno",
}


@pytest.mark.parametrize("role", SEES)
def test_the_figures_count_what_the_list_of_the_same_role_holds(client, session, role):
    world = World(role)

    def get(path):
        return client.get(f"/api/tickets/{path}", headers=world.headers).json

    def total(query):
        return get(f"tickets?{query}")["paginacion"]["total"]

    stats = get("dashboard/stats")

    assert {name: stats[name] for name in TOTALS} == {name: total(query) for name, query in TOTALS.items()}
    for figure, campo in FIGURES.items():
        counted = {row["id"]: row["cantidad"] for row in stats[figure] if row["cantidad"]}
        rest = stats["sin_asignar"] if figure == "por_tecnico" else 0
        assert counted == {id: total(f"{campo}={id}") for id in counted}
        assert sum(counted.values()) + rest == stats["total"], figure


def test_an_administrator_alone_lists_the_trash_and_it_holds_what_the_other_list_lacks(client, session):
    world, path = World("Administrador"), f"{TIQUETS}?papelera=true"
    trashed = world.things[f"{TIQUETS}/{{id}}"][TRASHED]

    listed = client.get(path, headers=world.headers).json
    mark = last_event()
    refused = client.get(path, headers=quien("Técnico").headers)

    assert tuple(row["id"] for row in listed["data"]) == trashed
    assert listed["paginacion"]["total"] == 1
    assert (refused.status_code, refused.json["permiso"]) == (403, Permiso.VER_PAPELERA.value)
    assert [event["accion"] for event in events_after(mark)] == ["acceso.denegado"]
