"""How many statements each list, item and write takes, authentication included: what grows is seen here."""

from typing import Any

import pytest

from app.models import utcnow
from tests import factories
from tests.client import Form
from tests.conftest import CATALOGS
from tests.rows import LISTA
from tests.statements import noted
from tests.world import WEBHOOKS

CLAVE = {"password": "tres tigres en el trigal"}
ROSA = {"email": "rosa@example.org", "nombre": "Rosa", "apellido": "Lima", "tipo_usuario": "Técnico"}
PERSONA = {"nombre": "Rosa", "apellido": "Lima", "id_ubicacion": 1}
COMENTARIOS = f"{LISTA}/{{tiquet}}/comentarios"
ADJUNTOS = f"{LISTA}/{{tiquet}}/adjuntos"
RELACIONES = f"{LISTA}/{{tiquet}}/relaciones"
HISTORIAL = f"{LISTA}/{{tiquet}}/historial"
WEBHOOK, ENTREGAS = f"{WEBHOOKS}/{{webhook}}", f"{WEBHOOKS}/{{webhook}}/entregas"
SEGUIDORES = f"{LISTA}/{{tiquet}}/seguidores"

# One tells who asks. A write tells what the catalogs are, locks, changes, shows and logs.
REQUESTS: list[tuple[int, str, str, Any]] = [
    (2, "GET", "/api/users/{usuario}", None),
    (6, "POST", "/api/users", ROSA | CLAVE),
    (7, "POST", "/api/users", ROSA | CLAVE | {"categorias": [1, 2, 3]}),
    (6, "PUT", "/api/users/{usuario}", {"telefono": "555 0101"}),
    (8, "PUT", "/api/users/{usuario}", {"categorias": [1, 2, 3]}),
    (7, "PUT", "/api/users/{usuario}", {"tipo_usuario": "Administrador"}),
    (7, "POST", "/api/users/{usuario}/password", CLAVE),
    (3, "GET", "/api/users/{usuario}/tickets-abiertos", None),
    (5, "POST", "/api/users/{usuario}/tickets-abiertos", {"id_usuario": None}),
    (4, "POST", "/api/users/{usuario}/desbloquear", {}),
    (2, "GET", "/api/auth/sesiones/{sesion}", None),
    (4, "DELETE", "/api/auth/sesiones/{sesion}", None),
    (2, "GET", "/api/auth/tokens/{token}", None),
    (4, "POST", "/api/auth/tokens", {"nombre": "Panel", "alcances": ["tickets:leer"]}),
    (4, "DELETE", "/api/auth/tokens/{token}", None),
    (2, "GET", "/api/auth/segundo-factor", None),
    (4, "DELETE", "/api/users/{usuario}/segundo-factor", None),
    (3, "POST", "/api/auth/logout-todas", {}),
    (9, "DELETE", "/api/users/{usuario}", None),
    (2, "GET", "/api/clientes/{cliente}", None),
    (5, "POST", "/api/clientes", PERSONA),
    (6, "PUT", "/api/clientes/{cliente}", PERSONA),
    (4, "PUT", "/api/clientes/{cliente}", {}),
    (5, "DELETE", "/api/clientes/{cliente}", None),
    (2, "GET", "/api/empleados/{empleado}", None),
    (5, "POST", "/api/empleados", PERSONA),
    (6, "PUT", "/api/empleados/{empleado}", PERSONA),
    (5, "DELETE", "/api/empleados/{empleado}", None),
    (1, "GET", "/api/tickets/catalogos", None),
    (1, "GET", "/api/tickets/ubicaciones", None),
    (1, "GET", "/api/tickets/ubicaciones/{ubicacion}", None),
    (7, "POST", "/api/tickets/ubicaciones", {"nombre": "Sede vieja"}),
    (7, "PUT", "/api/tickets/ubicaciones/{ubicacion}", {"orden": 5}),
    # What a reference names is read anew, all the catalogs, and the tree for cycles.
    (8 + len(CATALOGS) + 1, "PUT", "/api/tickets/ubicaciones/{ubicacion}", {"id_padre": 1}),
    (7, "DELETE", "/api/tickets/ubicaciones/{ubicacion}", None),
    # A comment is read with its files.
    (4, "GET", f"{COMENTARIOS}/{{comentario}}", None),
    (10, "POST", COMENTARIOS, {"mensaje": "Listo", "es_interno": False}),
    (10, "PUT", f"{COMENTARIOS}/{{comentario}}", {"mensaje": "Listo"}),
    (9, "DELETE", f"{COMENTARIOS}/{{comentario}}", None),
    (3, "GET", f"{ADJUNTOS}/{{adjunto}}", None),
    (4, "GET", f"{ADJUNTOS}/{{adjunto}}/contenido", None),
    # The ticket and how much its files take are read before they are stored, and again when it is locked.
    (9, "POST", ADJUNTOS, Form(archivo=("a.txt", b"a"))),
    (6, "DELETE", f"{ADJUNTOS}/{{adjunto}}", None),
    (1, "POST", "/api/cambios/pase", {}),
    (2, "GET", "/api/tickets/vistas/{vista}", None),
    (4, "POST", "/api/tickets/vistas", {"nombre": "Mías", "filtros": {"id_usuario_asignado": "yo"}}),
    (5, "PUT", "/api/tickets/vistas/{vista}", {"nombre": "Mías"}),
    (4, "DELETE", "/api/tickets/vistas/{vista}", None),
    (2, "GET", WEBHOOK, None),
    # How far the log is numbered.
    (5, "POST", WEBHOOKS, {"url": "https://example.org/", "eventos": ["*"]}),
    (5, "PUT", WEBHOOK, {"eventos": ["tiquet.creado"]}),
    (6, "PUT", WEBHOOK, {"activo": True}),  # What waits is to wait no longer.
    (4, "DELETE", WEBHOOK, None),
    (5, "POST", f"{WEBHOOK}/rotar", {}),
    (6, "POST", f"{WEBHOOK}/probar", {}),
    (3, "GET", f"{WEBHOOK}/entregas/{{entrega}}", None),
    # The delivery, what it begins with, and its place among those of its ticket.
    (10, "POST", f"{WEBHOOK}/entregas/{{entrega}}/reenviar", {}),
    (8, "POST", f"{WEBHOOK}/entregas/reenviar", {"estado": "entregada"}),
    (3, "GET", f"{RELACIONES}/{{relacion}}", None),
    # The lock and the pair; what is there already, and for a parent what lies above and below.
    (9, "POST", RELACIONES, {"tipo": "relacionado", "id_tiquet": "otro"}),
    (12, "POST", RELACIONES, {"tipo": "padre", "id_tiquet": "otro"}),
    (7, "DELETE", f"{RELACIONES}/{{relacion}}", None),
    # What belongs to it goes with it, in statements that do not grow with the comments.
    (26, "POST", f"{LISTA}/{{tiquet}}/fusionar", {"id_destino": "otro"}),
    (7, "POST", SEGUIDORES, {}),
    (5, "DELETE", f"{SEGUIDORES}/{{seguidor}}", None),
    (3, "DELETE", f"{SEGUIDORES}/yo", None),
    (7, "POST", f"{LISTA}/{{tiquet}}/tomar", {}),
    (4, "DELETE", f"{LISTA}/{{tiquet}}", None),
    (5, "POST", f"{LISTA}/{{tirado}}/restaurar", {}),
]
# The same as a Solicitante, whose ticket it is and whose customer's.
REQUESTS_OF_WHO_ASKS: list[tuple[int, str, str, Any]] = [
    (2, "GET", f"{LISTA}/{{suyo}}", None),
    (2, "GET", f"{LISTA}/{{suyo}}/transiciones", None),
    (1, "GET", LISTA, None),
    (4, "GET", f"{LISTA}/{{suyo}}/comentarios", None),
    (10, "GET", "/api/tickets/dashboard/stats", None),
    (5, "POST", LISTA, factories.NUEVO),
    (7, "PUT", f"{LISTA}/{{suyo}}", {"titulo": "Otro título"}),
    # To answer is a change of the ticket, with a lock, an event and catalogs of its own.
    (11, "POST", f"{LISTA}/{{suyo}}/comentarios", {"mensaje": "Sigue igual"}),
]
# Who asks, the rows, and for the first of several pages their number; below a ticket, that too.
LISTS = [
    (2, "/api/users", {}),
    (2, "/api/users", {"q": "ro", "activo": "true", "id_categoria": 1}),
    (2, "/api/auth/sesiones", {}),
    (2, "/api/auth/tokens", {}),
    (2, "/api/clientes", {}),
    (2, "/api/clientes", {"q": "ro li", "activo": "true", "id_ubicacion": 1}),
    (2, "/api/empleados", {}),
    (2, LISTA, {"papelera": "true"}),
    (2, LISTA, {"papelera": "true", "id_estado": 1, "orden": "prioridad"}),
    (4, COMENTARIOS, {}),
    (3, ADJUNTOS, {}),
    (2, "/api/tickets/vistas", {}),
    (2, WEBHOOKS, {}),
    (3, ENTREGAS, {}),
    (3, ENTREGAS, {"estado": "entregada"}),
    (3, RELACIONES, {}),
    (2, "/api/auditoria", {}),
    (2, "/api/auditoria", {"entidad": ["tiquet", "comentario"], "desde": "2026-01-01T00:00:00Z"}),
    (4, HISTORIAL, {}),  # Those who are named in its changes are one more.
    (3, SEGUIDORES, {}),
]
# Who asks, whether anything waits for its number, the ends of the log, events, tickets and comments each at
# once, the epoch of the catalogs, and the files of the comments.
OF_THE_FEED = 8


@pytest.fixture
def ids(client, admin):
    """One of each kind, by what stands for it in a path; the catalogs are in memory."""

    def made(path, body):
        return client.post(path, json=body, headers=admin.headers).json["id"]

    tiquet = factories.tiquet()
    ids = {
        "tiquet": tiquet,
        "seguidor": factories.SeguidorFactory(id_tiquet=tiquet).id_usuario,
        "tirado": factories.tiquet(fecha_eliminacion=utcnow()),
        "vista": factories.VistaFactory().id,
        "webhook": (webhook := factories.WebhookFactory(activo=False).id),
        "entrega": factories.EntregaFactory(id_webhook=webhook, secuencia=1, id_tiquet=tiquet).id,
        "usuario": factories.UsuarioFactory().id,
        "cliente": factories.ClienteFactory().id,
        "empleado": factories.EmpleadoFactory().id,
        "ubicacion": made("/api/tickets/ubicaciones", {"nombre": "Sede nueva"}),
        "adjunto": factories.adjunto(id_tiquet=tiquet).id,
        "sesion": factories.signed_in(admin.id)[0],
        "token": factories.TokenFactory(id_usuario=admin.id).id,
        "comentario": made(COMENTARIOS.format(tiquet=tiquet), {"mensaje": "Se reinició"}),
        "otro": factories.tiquet(),
        "relacion": made(RELACIONES.format(tiquet=tiquet), {"tipo": "hijo", "id_tiquet": factories.tiquet()}),
    }
    client.get("/api/tickets/catalogos", headers=admin.headers)
    return ids


@pytest.mark.parametrize(("count", "method", "path", "body"), REQUESTS, ids=str)
def test_an_item_and_a_write_take_so_many_statements(client, admin, ids, count, method, path, body):
    if body and "otro" in body.values():
        body = {name: ids["otro"] if value == "otro" else value for name, value in body.items()}
    with noted() as statements:
        answer = client.open(path.format(**ids), method=method, json=body, headers=admin.headers)

    assert answer.status_code < 300, answer.json
    assert len(statements) == count, statements


@pytest.mark.parametrize(("count", "method", "path", "body"), REQUESTS_OF_WHO_ASKS, ids=str)
def test_a_requester_takes_so_many_statements_too(client, admin, ids, count, method, path, body):
    yo = factories.quien("Solicitante", id_cliente=ids["cliente"])
    suyo = factories.tiquet(id_usuario_creador=yo.id)
    factories.tiquet(id_cliente=ids["cliente"])
    client.post(f"{LISTA}/{suyo}/comentarios", json={"mensaje": "No funciona"}, headers=yo.headers)

    test_an_item_and_a_write_take_so_many_statements(client, yo, {"suyo": suyo}, count, method, path, body)


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("kinds", "method", "path", "body"),
    [
        ("SELECT INSERT BEGIN", "POST", LISTA, factories.NUEVO),
        (
            "SELECT SELECT INSERT BEGIN",
            "POST",
            LISTA,
            factories.NUEVO | {"id_usuario_asignado": 1, "id_estado": 2},
        ),
        ("SELECT SELECT UPDATE BEGIN", "PUT", f"{LISTA}/{{tiquet}}", {"id_prioridad": 3}),
        ("SELECT SELECT UPDATE INSERT", "DELETE", f"{LISTA}/{{tiquet}}", None),
    ],
)
def test_what_a_ticket_needs_besides_and_the_answer_are_one_trip(
    client, admin, ids, kinds, method, path, body
):
    if body and "id_usuario_asignado" in body:
        body = body | {"id_usuario_asignado": admin.id}
    with noted(trips=True) as statements:
        answer = client.open(path.format(**ids), method=method, json=body, headers=admin.headers)

    assert answer.status_code < 300, answer.json
    assert [statement.split()[0] for statement, _ in statements] == kinds.split()


@pytest.mark.parametrize(("count", "path", "query"), LISTS, ids=str)
def test_a_page_takes_so_many_statements_however_long_it_is(client, admin, ids, count, path, query):
    for _ in range(4):
        factories.signed_in(admin.id)
        factories.TokenFactory(id_usuario=admin.id)
        usuario = factories.UsuarioFactory(nombre="Rosa").id
        client.put(f"/api/users/{usuario}", json={"categorias": [1]}, headers=admin.headers)
        factories.SeguidorFactory(id_tiquet=ids["tiquet"], id_usuario=usuario)
        factories.ClienteFactory(**PERSONA)
        factories.EmpleadoFactory(**PERSONA)
        factories.tiquet(fecha_eliminacion=utcnow())
        client.post(COMENTARIOS.format(**ids), json={"mensaje": "Nada nuevo"}, headers=admin.headers)
        factories.adjunto(id_tiquet=ids["tiquet"])
        factories.VistaFactory()
        factories.WebhookFactory()
        factories.EntregaFactory(id_webhook=ids["webhook"])
        factories.RelacionFactory(id_tiquet=ids["tiquet"])

    def read(**page):
        with noted() as statements:
            answer = client.get(path.format(**ids), query_string=query | page, headers=admin.headers)
        return answer.json, len(statements)

    first, taken = read(limite=3)
    # Where one index has all that is asked for, the page counts itself; elsewhere that is one more.
    counting = 0 if (path, query) == (LISTA, {"papelera": "true"}) else 1
    assert (len(first["data"]), taken) == (3, count + counting)
    rest, taken = read(limite=3, cursor=first["paginacion"]["siguiente"])
    assert rest["data"]
    assert taken == count
    whole, taken = read()
    assert len(whole["data"]) > 3
    assert taken == count


@pytest.mark.parametrize("limite", [3, 200])
def test_a_page_of_the_feed_takes_so_many_statements_however_long_it_is(client, admin, ids, limite):
    for _ in range(4):
        client.post(COMENTARIOS.format(**ids), json={"mensaje": "Nada nuevo"}, headers=admin.headers)
        other = client.post(LISTA, json=factories.NUEVO, headers=admin.headers).json["id"]
        client.post(COMENTARIOS.format(tiquet=other), json={"mensaje": "Uno"}, headers=admin.headers)
    place = client.get("/api/cambios?limite=4", headers=admin.headers).json["siguiente"]

    with noted() as statements:
        page = client.get(f"/api/cambios?limite={limite}&desde={place}", headers=admin.headers).json

    assert len(page["data"]) >= 3
    assert len(statements) == OF_THE_FEED, statements
