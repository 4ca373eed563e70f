"""A Solicitante: what it sees, what it may say and do, and that nothing tells it of what it may not see."""

import random
from collections import Counter
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import update

from app.extensions import db
from app.models import Comentarios, Tiquet, Usuario, utcnow
from app.schemas.desk.tickets import ORDENES
from tests import factories
from tests.client import codes, operations
from tests.factories import NUEVO, quien
from tests.rows import INICIO, LISTA, mixed, people, plant, walk, wanted
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once

USERS = "/api/users"
HOLA = {"mensaje": "Sigue sin funcionar"}
PUBLICO = {"mensaje": "Se cambió el tóner.", "es_interno": False}
SECRETO = "El jefe no lo quiere pagar"
INTERNO = {"mensaje": SECRETO}
AJENOS = {"id_cliente": factories.ClienteFactory, "id_empleado": factories.EmpleadoFactory}
ROSA = {
    "email": "rosa@example.org",
    "nombre": "Rosa",
    "apellido": "Lima",
    "password": "tres tigres en el trigal",
    "tipo_usuario": "Solicitante",
}


@pytest.fixture
def solicitante(session):
    return quien("Solicitante")


def suyo(who, tipo="nuevo", **fields):
    """The path of a ticket that somebody opened."""
    return f"{LISTA}/{tiquet_en(tipo, id_usuario_creador=who.id, **fields)}"


def refusal(answer):
    """A refusal without what differs from request to request."""
    return answer.status_code, answer.json | {"instance": None, "id_solicitud": None}


# What it sees


@pytest.mark.parametrize("campo", AJENOS)
def test_a_ticket_that_it_opens_is_its_customers_too_and_all_who_ask_for_them_see_it(call, campo):
    id = AJENOS[campo]().id
    one, other = (quien("Solicitante", **{campo: id}) for _ in range(2))
    stranger = quien("Solicitante")

    answer = call(one, "POST", LISTA, NUEVO)

    assert answer.status_code == 201, answer.json
    assert (answer.json[campo], answer.json["id_usuario_creador"]) == (id, one.id)
    path = answer.headers["Location"]
    shown = call(other, "GET", path).json
    assert shown == answer.json | {"permisos": shown["permisos"]}
    assert set(answer.json["permisos"]) - set(shown["permisos"]) == {"tiquet.editar"}
    assert call(stranger, "GET", path).status_code == 404


def test_what_is_anothers_is_as_if_it_were_not_there(call, solicitante):
    theirs, unknown = suyo(quien("Solicitante"), "resuelto"), f"{LISTA}/2147483647"
    comment = call(quien("Técnico"), "POST", f"{theirs}/comentarios", PUBLICO).json["id"]

    for method, below, body in (
        ("GET", "", None),
        ("PUT", "", {"titulo": "Otro título"}),
        ("GET", "/comentarios", None),
        ("POST", "/comentarios", HOLA),
        ("POST", "/comentarios", HOLA | {"es_interno": True}),
        ("GET", f"/comentarios/{comment}", None),
        ("PUT", f"/comentarios/{comment}", HOLA),
        ("DELETE", f"/comentarios/{comment}", None),
        ("GET", "/adjuntos", None),
        ("GET", "/transiciones", None),
        ("POST", "/transiciones", {"accion": "cerrar"}),
        ("POST", "/transiciones", {"accion": "resolver", "resolucion": "Ya"}),
    ):
        refused = call(solicitante, method, theirs + below, body)
        assert refused.status_code == 404, (method, below)
        assert refusal(refused) == refusal(call(solicitante, method, unknown + below, body))


def test_the_trash_is_closed_to_it(call, solicitante):
    path = suyo(solicitante, fecha_eliminacion=utcnow())

    assert call(solicitante, "GET", path).status_code == 404
    assert call(solicitante, "GET", LISTA).json["data"] == []
    assert call(solicitante, "GET", f"{LISTA}?papelera=true").status_code == 403


def test_its_list_in_any_order_and_by_any_filter_is_that_of_what_it_sees(client, session):
    gente = people()
    chance, hours = random.Random(3), [INICIO + timedelta(hours=n) for n in range(9)]
    yo = quien("Solicitante", id_cliente=gente["id_cliente"][0])
    gente["id_usuario_creador"].append(yo.id)
    filas = [
        # Staff wrote internal comments after the last change of some.
        fila | {"fecha_actualizacion_publica": chance.choice([None, *hours])}
        for fila in mixed(200, gente)
    ]
    # What it sees: among all its own, and of each as it sees it.
    seen = [
        fila | {"fecha_actualizacion": fila["fecha_actualizacion_publica"] or fila["fecha_actualizacion"]}
        for fila in plant(filas)
        if yo.id == fila["id_usuario_creador"] or fila["id_cliente"] == gente["id_cliente"][0]
    ]
    for orden in ORDENES:
        for filtro in (
            {},
            {"id_estado": [1, 3]},
            {"id_prioridad": [2, 4]},
            {"id_estado": [1, 2], "id_prioridad": [2, 3]},
            {"id_usuario_asignado": ["ninguno"]},
            {"id_usuario_creador": ["yo"]},
            {"id_usuario_creador": [gente["id_usuario_creador"][0]]},
            {"id_cliente": [gente["id_cliente"][0]]},
            {"id_cliente": [gente["id_cliente"][1]]},
            {"etiqueta": ["red", "vpn"]},
            {"actualizado_desde": "2026-03-01T20:00:00Z"},
            {"creado_desde": "2026-03-01T15:00:00Z", "id_categoria": [1]},
        ):
            query = filtro | {"orden": orden}
            there = wanted(seen, query, yo.id)
            assert walk(client, yo.headers, query, 7) == there, query
            first = client.get(LISTA, query_string=query | {"limite": 1}, headers=yo.headers).json
            assert first["paginacion"]["total"] == len(there), query


def test_the_total_of_its_list_is_exact_up_to_a_thousand(client, session):
    cliente = factories.ClienteFactory().id
    yo = quien("Solicitante", id_cliente=cliente)
    plant([{"id_usuario_creador": yo.id, "id_cliente": cliente if n % 2 else None} for n in range(600)])
    plant([{"id_cliente": cliente} for _ in range(400)])

    def pagination():
        return client.get(LISTA, headers=yo.headers).json["paginacion"]

    exact = pagination()
    plant([{"id_cliente": cliente}])

    assert (exact["total"], exact["total_exacto"]) == (1000, True)
    assert (pagination()["total"], pagination()["total_exacto"]) == (1000, False)


def test_it_sees_the_catalogs_without_what_is_no_longer_in_use(call, solicitante, tecnico):
    old = factories.fila("categorias", activo=False)

    for path in ("categorias", "catalogos"):
        body = call(solicitante, "GET", f"/api/tickets/{path}").json
        rows = body["data"] if path == "categorias" else body["categorias"]
        assert rows
        assert {row["activo"] for row in rows} == {True}
    assert call(solicitante, "GET", "/api/tickets/categorias?activo=false").json["data"] == []
    assert call(solicitante, "GET", f"/api/tickets/categorias/{old}").status_code == 404
    assert call(tecnico, "GET", f"/api/tickets/categorias/{old}").status_code == 200
    refused = call(solicitante, "POST", LISTA, NUEVO | {"id_categoria": old})
    assert (refused.status_code, codes(refused)) == (422, {"id_categoria": ["no_existe"]})


def test_the_dashboard_names_nobody_but_who_has_its_tickets(call, solicitante, tecnico):
    suyo(solicitante, "en_proceso", id_usuario_asignado=tecnico.id)
    quien("Técnico")

    stats = call(solicitante, "GET", "/api/tickets/dashboard/stats").json

    assert [(row["id"], row["cantidad"]) for row in stats["por_tecnico"]] == [(tecnico.id, 1)]


# What it may say


@pytest.mark.parametrize(
    "more",
    [
        {"id_estado": 2},
        {"id_prioridad": 4},
        {"id_usuario_asignado": 1},
        {"etiquetas": ["vpn"]},
        {"resolucion": "Ya"},
        {"origen_externo": "x", "id_externo": "1"},
        {"id_cliente": 1},
        {"id_empleado": 2147483647},
    ],
    ids=str,
)
def test_what_is_for_staff_to_say_it_may_not_say_of_a_new_ticket(call, solicitante, more):
    answer = call(solicitante, "POST", LISTA, NUEVO | more)

    assert (answer.status_code, answer.json["permiso"]) == (403, "tiquet.gestionar")
    assert call(solicitante, "GET", LISTA).json["data"] == []


@pytest.mark.parametrize("campo", AJENOS)
def test_its_own_customer_may_be_named_even_when_inactive_and_no_other(call, campo):
    id, other = AJENOS[campo](activo=False).id, AJENOS[campo]().id
    yo = quien("Solicitante", **{campo: id})

    named = call(yo, "POST", LISTA, NUEVO | {campo: id})
    empty = call(yo, "POST", LISTA, NUEVO | dict.fromkeys([*AJENOS, "id_usuario_asignado"]))

    assert (named.status_code, named.json[campo]) == (201, id)
    assert (empty.status_code, empty.json[campo]) == (201, id)
    assert call(yo, "POST", LISTA, NUEVO | {campo: other}).status_code == 403


def test_it_rewords_what_it_opened_while_that_is_open(call, solicitante, tecnico):
    path = suyo(solicitante)
    call(tecnico, "POST", f"{path}/comentarios", INTERNO)
    read = call(solicitante, "GET", path)

    whole = call(
        solicitante, "PUT", path, read.json | {"titulo": "Otro título"}, If_Match=read.headers["ETag"]
    )
    refused = call(solicitante, "PATCH", path, {"titulo": "Otro más", "id_prioridad": 4})
    call(tecnico, "POST", f"{path}/transiciones", {"accion": "resolver", "resolucion": "Ya"})
    late = call(solicitante, "PUT", path, {"titulo": "Otro más"})

    assert (whole.status_code, whole.json["titulo"]) == (200, "Otro título")
    assert (refused.status_code, refused.json["permiso"]) == (403, "tiquet.gestionar")
    assert (late.status_code, late.json["permiso"]) == (403, "tiquet.editar")
    assert call(solicitante, "GET", path).json["titulo"] == "Otro título"


# What its comments do


@pytest.mark.parametrize(
    ("desde", "hacia"),
    [
        ("nuevo", "nuevo"),
        ("en_proceso", "en_proceso"),
        ("en_espera", "en_proceso"),
        ("resuelto", "en_proceso"),
    ],
)
def test_its_comment_is_public_and_answers(call, events, solicitante, desde, hacia):
    path = suyo(solicitante, desde)

    answer = call(solicitante, "POST", f"{path}/comentarios", HOLA)

    assert (answer.status_code, answer.json["es_interno"]) == (201, False)
    shown = call(solicitante, "GET", path).json
    moved = desde != hacia
    assert (shown["estado"]["tipo"], shown["version"]) == (hacia, 1 + moved)
    assert (shown["veces_reabierto"], shown["resolucion"]) == (int(desde == "resuelto"), None)
    assert (shown["numero_comentarios"], shown["fecha_primera_respuesta"]) == (1, None)
    assert len(events("tiquet.actualizado")) == moved
    (told,) = events("tiquet.comentado")
    assert told.version_resultante == shown["version"]


def test_it_cannot_answer_what_is_closed_but_reopen_it(call, solicitante):
    path = suyo(solicitante, "cerrado")

    refused = call(solicitante, "POST", f"{path}/comentarios", HOLA)

    assert (refused.status_code, refused.json["codigo"]) == (409, "transicion_no_permitida")
    assert refused.json["transiciones_permitidas"] == ["reabrir"]
    assert call(solicitante, "GET", f"{path}/comentarios").json["data"] == []
    reopened = call(solicitante, "POST", f"{path}/transiciones", {"accion": "reabrir"})
    assert (reopened.status_code, reopened.json["veces_reabierto"]) == (200, 1)
    assert call(solicitante, "POST", f"{path}/comentarios", HOLA).status_code == 201


def test_what_is_closed_for_long_stays_closed(call, solicitante):
    path = suyo(solicitante, "cerrado", fecha_cierre=utcnow() - timedelta(days=14, seconds=1))

    refused = call(solicitante, "POST", f"{path}/transiciones", {"accion": "reabrir"})

    assert (refused.status_code, refused.json["codigo"]) == (409, "plazo_de_reapertura_vencido")
    assert call(solicitante, "GET", path).json["transiciones_permitidas"] == []


def test_it_confirms_what_was_resolved(call, solicitante):
    answer = call(solicitante, "POST", f"{suyo(solicitante, 'resuelto')}/transiciones", {"accion": "cerrar"})

    assert (answer.status_code, answer.json["estado"]["tipo"]) == (200, "cerrado")
    assert answer.json["motivo_cierre"] == "resuelto"


def test_an_internal_comment_is_not_for_it_to_write(call, solicitante):
    path = f"{suyo(solicitante)}/comentarios"

    refused = call(solicitante, "POST", path, HOLA | {"es_interno": True})

    assert (refused.status_code, refused.json["permiso"]) == (403, "comentario.interno")
    assert call(solicitante, "GET", path).json["data"] == []


def test_its_own_comments_are_its_to_change_and_others_are_not(call, solicitante, tecnico):
    path = f"{suyo(solicitante)}/comentarios"
    own = call(solicitante, "POST", path, HOLA).headers["Location"]
    other = call(tecnico, "POST", path, PUBLICO).headers["Location"]

    assert call(solicitante, "PUT", own, {"mensaje": "Ya funciona"}).json["mensaje"] == "Ya funciona"
    for method, body in (("PUT", HOLA), ("DELETE", None)):
        assert call(solicitante, method, other, body).status_code == 403
    assert call(solicitante, "DELETE", own).status_code == 204
    assert call(solicitante, "GET", path.removesuffix("/comentarios")).json["numero_comentarios"] == 1


def test_answers_and_closings_at_once_end_in_one_order(committed):
    """Whoever answers a resolved ticket opens it again; whoever comes after its closing is refused."""
    solicitante, tecnico = quien("Solicitante"), quien("Técnico")
    path = suyo(solicitante, "resuelto")

    def work(number):
        mine = committed.test_client()
        if number % 2:
            return mine.post(f"{path}/comentarios", json=HOLA, headers=solicitante.headers).status_code
        return (
            mine.post(f"{path}/transiciones", json={"accion": "cerrar"}, headers=tecnico.headers).status_code
            + 1000
        )

    statuses = Counter(at_once(12, work))

    shown = committed.test_client().get(path, headers=solicitante.headers).json
    assert shown["numero_comentarios"] == statuses[201]
    if statuses[1200]:  # It was closed first: nobody could answer any more.
        assert (statuses, shown["estado"]["tipo"]) == ({1200: 1, 1409: 5, 409: 6}, "cerrado")
    else:
        assert (statuses, shown["veces_reabierto"]) == ({201: 6, 1409: 6}, 1)


# What nothing may tell


def everything(app, client, quien, ids):
    """All that it can read, as it comes: path -> status, ETag and body."""
    found = {}
    for operation, about in operations(app):
        method, path = operation.split()
        if method != "GET" or about.get("security") == []:
            continue
        for name, some in ids.items():
            path = path.replace(f"{{{name}}}", str(some))
        queries = [f"?orden={orden}" for orden in ORDENES] if path == LISTA else [""]
        for query in (*queries, "?actualizado_desde=2026-01-01T00:00:00Z") if path == LISTA else queries:
            answer = client.get(path + query, headers=quien.headers)
            body = answer.json if answer.is_json else answer.data
            if answer.status_code >= 400:
                body = refusal(answer)
            found[path + query] = (answer.status_code, answer.headers.get("ETag"), body)
    return found


def test_nothing_that_it_reads_is_otherwise_for_what_staff_says_among_itself(
    app, client, call, solicitante, tecnico
):
    path = suyo(solicitante, "en_proceso", id_usuario_asignado=tecnico.id)
    suyo(solicitante)  # Sorted by its last change, this one is first.
    call(solicitante, "POST", f"{path}/comentarios", HOLA)
    call(tecnico, "POST", f"{path}/comentarios", PUBLICO)
    call(solicitante, "POST", suyo(solicitante) + "/comentarios", HOLA)
    before_id = client.get(LISTA, headers=solicitante.headers).json["data"][-1]["id"]
    assert path.endswith(f"/{before_id}")

    def read(internal, file):
        return everything(
            app, client, solicitante, {"id": before_id, "id_comentario": internal, "id_adjunto": file}
        )

    before = read(2147483647, 2147483647)
    staff = call(tecnico, "GET", path).json

    internal = call(tecnico, "POST", f"{path}/comentarios", INTERNO).json["id"]
    file = client.post(
        f"{path}/adjuntos",
        data={"archivo": (BytesIO(SECRETO.encode()), "presupuesto.txt"), "id_comentario": str(internal)},
        headers=tecnico.headers,
    ).json["data"][0]["id"]
    assert call(tecnico, "GET", path).json["numero_comentarios"] == staff["numero_comentarios"] + 1
    assert call(tecnico, "GET", path).json["numero_adjuntos"] == staff["numero_adjuntos"] + 1

    def unchanged():
        shown = read(internal, file)
        as_unknown = {
            where.replace(f"comentarios/{internal}", "comentarios/2147483647").replace(
                f"adjuntos/{file}", "adjuntos/2147483647"
            ): what
            for where, what in shown.items()
        }
        assert as_unknown == before

    unchanged()
    call(tecnico, "PUT", f"{path}/comentarios/{internal}", {"mensaje": SECRETO * 2})
    unchanged()
    assert call(tecnico, "DELETE", f"{path}/adjuntos/{file}").status_code == 204
    unchanged()
    assert call(tecnico, "DELETE", f"{path}/comentarios/{internal}").status_code == 204
    unchanged()
    assert call(tecnico, "GET", path).json["fecha_actualizacion"] > before[path][2]["fecha_actualizacion"]


def test_what_all_may_see_moves_what_it_reads_also_after_an_internal_comment(call, solicitante, tecnico):
    path = suyo(solicitante)
    call(tecnico, "POST", f"{path}/comentarios", INTERNO)
    still = call(solicitante, "GET", path).json
    call(tecnico, "POST", f"{path}/comentarios", PUBLICO)
    spoken = call(solicitante, "GET", path).json
    call(tecnico, "POST", f"{path}/comentarios", INTERNO)
    call(tecnico, "PUT", path, {"id_prioridad": 4})
    changed = call(solicitante, "GET", path).json

    assert still["fecha_actualizacion"] < spoken["fecha_actualizacion"] < changed["fecha_actualizacion"]
    assert (still["numero_comentarios"], spoken["numero_comentarios"]) == (0, 1)
    assert changed["fecha_actualizacion"] == call(tecnico, "GET", path).json["fecha_actualizacion"]


def test_a_stale_version_tells_nothing_of_what_staff_says_among_itself(
    client, call, solicitante, admin, tecnico
):
    path = suyo(solicitante)
    read = call(solicitante, "GET", path)
    call(admin, "PUT", path, {"id_prioridad": 4})
    internal = call(tecnico, "POST", f"{path}/comentarios", INTERNO).json["id"]
    sent = {"archivo": (BytesIO(b"x"), "a.txt"), "id_comentario": str(internal)}
    assert client.post(f"{path}/adjuntos", data=sent, headers=tecnico.headers).status_code == 201

    stale = call(solicitante, "PUT", path, {"titulo": "Otro título"}, If_Match=read.headers["ETag"])

    assert (stale.status_code, stale.json["campos"]) == (412, ["id_prioridad"])
    assert stale.json["modificado_por"]["id"] == admin.id


def test_another_ticket_that_it_belongs_to_is_not_told(call, solicitante):
    path = suyo(solicitante, id_tiquet_padre=factories.tiquet())

    assert call(solicitante, "GET", path).json["id_tiquet_padre"] is None
    assert call(solicitante, "PUT", path, call(solicitante, "GET", path).json).status_code == 200


def test_what_a_ticket_was_merged_into_is_not_told(call, solicitante, tecnico):
    path, other = suyo(solicitante), factories.tiquet()

    assert call(tecnico, "POST", f"{path}/fusionar", {"id_destino": other}).status_code == 200

    shown = call(solicitante, "GET", path).json
    assert (shown["motivo_cierre"], shown["id_tiquet_fusionado"]) == ("fusionado", None)
    assert shown["resolucion"] == "Fusionado con otro tiquet."
    assert shown["transiciones_permitidas"] == []


@pytest.mark.parametrize("es_interno", [True, False])
def test_what_is_merged_into_its_ticket_it_sees_less_what_is_internal(call, solicitante, tecnico, es_interno):
    path, other = suyo(solicitante), f"{LISTA}/{factories.tiquet()}"
    call(tecnico, "POST", f"{other}/comentarios", {"mensaje": SECRETO, "es_interno": es_interno})
    before = call(solicitante, "GET", path)

    merged = call(tecnico, "POST", f"{other}/fusionar", {"id_destino": int(path.rpartition("/")[2])})

    assert (merged.status_code, merged.json["numero_comentarios"]) == (200, 1)
    after = call(solicitante, "GET", path)
    assert (after.headers["ETag"] == before.headers["ETag"]) == es_interno
    assert after.json["numero_comentarios"] == (0 if es_interno else 1)


def test_how_much_room_hidden_files_take_is_not_told(client, solicitante):
    path = suyo(solicitante)
    id = int(path.rpartition("/")[2])
    internal = factories.ComentarioFactory(id_tiquet=id, es_interno=True).id
    factories.AdjuntoFactory(
        id_tiquet=id, id_comentario=internal, bytes=200 * 1024 * 1024, sha256="0" * 64, objeto="lleno"
    )

    answer = client.post(
        f"{path}/adjuntos", data={"archivo": (BytesIO(b"x"), "a.txt")}, headers=solicitante.headers
    )

    assert answer.status_code == 201, answer.json


def test_a_technician_who_becomes_a_requester_loses_sight_at_once(call, session, tecnico):
    path = suyo(tecnico)
    internal = call(tecnico, "POST", f"{path}/comentarios", INTERNO).headers["Location"]
    other = f"{LISTA}/{factories.tiquet(id_usuario_asignado=tecnico.id)}"
    db.session.execute(update(Usuario).where(Usuario.id == tecnico.id).values(tipo_usuario="Solicitante"))
    db.session.commit()

    assert call(tecnico, "GET", path).json["numero_comentarios"] == 0
    for hidden in (internal, other):
        assert call(tecnico, "GET", hidden).status_code == 404
    assert call(tecnico, "DELETE", internal).status_code == 404
    assert db.session.query(Comentarios).count() == 1


# Whom it asks for


@pytest.mark.parametrize("campo", AJENOS)
def test_an_administrator_says_for_whom_a_requester_asks_and_it_reads_that(call, admin, campo):
    id = AJENOS[campo]().id
    created = call(admin, "POST", USERS, ROSA | {campo: id})
    assert (created.status_code, created.json[campo]) == (201, id)
    path = created.headers["Location"]

    yo = factories.Quien(created.json["id"], "", *factories.signed_in(created.json["id"]))
    assert call(yo, "GET", "/api/auth/me").json[campo] == id
    theirs = f"{LISTA}/{factories.tiquet(**{campo: id})}"
    assert call(yo, "GET", theirs).status_code == 200
    cleared = call(admin, "PUT", path, {campo: None})

    assert (cleared.status_code, cleared.json[campo]) == (200, None)
    assert call(yo, "GET", theirs).status_code == 404
    refused = call(yo, "PUT", "/api/auth/me", {campo: id})
    assert (refused.status_code, codes(refused)) == (422, {campo: ["solo_lectura"]})


def made(campo, value):
    """The id of a new customer or employee, where a body says only what it is like."""
    return AJENOS[campo](activo=value == "activo").id if str(value).endswith("activo") else value


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("body", "errores"),
    [
        ({"id_cliente": 2147483647}, {"id_cliente": ["no_existe"]}),
        ({"id_empleado": "inactivo"}, {"id_empleado": ["inactivo"]}),
        ({"id_cliente": "activo", "id_empleado": "activo"}, {"id_empleado": ["un_solo_solicitante"]}),
        ({"id_cliente": "activo", "tipo_usuario": "Técnico"}, {"id_cliente": ["solo_de_solicitante"]}),
        (
            {"id_empleado": "activo", "tipo_usuario": "Administrador"},
            {"id_empleado": ["solo_de_solicitante"]},
        ),
        ({"categorias": [1]}, {"categorias": ["solo_del_personal"]}),
    ],
    ids=str,
)
def test_a_user_has_nothing_but_what_is_of_its_role(call, admin, method, body, errores):
    body = {name: made(name, value) for name, value in body.items()}
    if method == "POST":
        answer = call(admin, method, USERS, ROSA | body)
    else:
        id = factories.UsuarioFactory(tipo_usuario="Solicitante").id
        answer = call(admin, method, f"{USERS}/{id}", body)

    assert (answer.status_code, codes(answer)) == (422, errores)


def test_another_role_takes_that_nothing_of_the_old_one_is_left(call, admin):
    cliente = factories.ClienteFactory().id
    path = f"{USERS}/{factories.UsuarioFactory(tipo_usuario='Solicitante', id_cliente=cliente).id}"

    kept = call(admin, "PUT", path, {"tipo_usuario": "Técnico"})
    cleared = call(admin, "PUT", path, {"tipo_usuario": "Técnico", "id_cliente": None, "categorias": [1]})
    back = call(admin, "PUT", path, {"tipo_usuario": "Solicitante"})

    assert (kept.status_code, codes(kept)) == (422, {"id_cliente": ["solo_de_solicitante"]})
    assert (cleared.status_code, cleared.json["categorias"]) == (200, [1])
    assert (back.status_code, codes(back)) == (422, {"categorias": ["solo_del_personal"]})


def test_a_customer_for_whom_somebody_asks_is_not_erased(call, admin):
    cliente = factories.ClienteFactory().id
    quien("Solicitante", id_cliente=cliente)

    answer = call(admin, "DELETE", f"/api/clientes/{cliente}")

    assert (answer.status_code, answer.json["usos"]) == (409, 1)


def test_what_it_opens_stays_its_own_when_staff_says_for_whom_it_is(call, solicitante, tecnico):
    path = call(solicitante, "POST", LISTA, NUEVO).headers["Location"]

    call(tecnico, "PUT", path, {"id_cliente": factories.ClienteFactory().id})

    assert call(solicitante, "GET", path).status_code == 200
    assert db.session.query(Tiquet).count() == 1
