"""The trash: what goes into it is gone for everybody, and comes back as it was."""

from collections import Counter
from datetime import timedelta

import pytest

from tests import factories
from tests.factories import NUEVO
from tests.rows import INICIO, plant, walk
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
NADIE = 2147483647
RONDAS = 10


@pytest.fixture
def tiquet(session):
    return f"{TICKETS}/{factories.tiquet()}"


@pytest.fixture
def papelera(client, admin):
    """The ids in the trash, page by page."""

    def papelera(limite=200, **query):
        return walk(client, admin.headers, {"papelera": "true", **query}, limite)

    return papelera


def test_the_trash_is_an_administrators(call, events, tecnico):
    answer = call(tecnico, "GET", f"{TICKETS}?papelera=true")

    assert (answer.status_code, answer.json["permiso"]) == (403, "tiquet.ver_papelera")
    assert answer.json["roles"] == ["Administrador"]
    assert len(events("acceso.denegado")) == 1
    assert call(tecnico, "GET", f"{TICKETS}?papelera=false").status_code == 200


def test_a_technician_neither_discards_nor_restores(call, admin, tecnico, tiquet):
    assert call(tecnico, "DELETE", tiquet).status_code == 403
    call(admin, "DELETE", tiquet)

    answer = call(tecnico, "POST", f"{tiquet}/restaurar")

    assert (answer.status_code, answer.json["permiso"]) == (403, "tiquet.restaurar")


def test_a_ticket_is_in_the_list_or_in_the_trash(call, client, admin, tecnico, tiquet, papelera):
    id = int(tiquet.rpartition("/")[2])
    other = factories.tiquet()

    assert call(admin, "DELETE", tiquet).status_code == 204

    assert (papelera(), walk(client, tecnico.headers, {}, 50)) == ([id], [other])
    (shown,) = call(admin, "GET", f"{TICKETS}?papelera=true").json["data"]
    assert shown["fecha_eliminacion"] == shown["fecha_actualizacion"]
    assert (shown["version"], shown["transiciones_permitidas"]) == (2, [])
    assert shown["permisos"] == ["tiquet.ver_papelera", "tiquet.restaurar"]


def test_a_ticket_in_the_trash_is_nowhere_else(call, admin, tecnico, tiquet):
    etag = call(admin, "GET", tiquet).headers["ETag"]
    call(admin, "DELETE", tiquet)

    for quien, method, path, body in (
        (admin, "GET", tiquet, None),
        (tecnico, "GET", tiquet, None),
        (tecnico, "PUT", tiquet, {"titulo": "Otro título"}),
        (tecnico, "PATCH", tiquet, {"id_estado": 2}),
        (admin, "PUT", tiquet, {}),
        (admin, "DELETE", tiquet, None),
        (tecnico, "GET", f"{tiquet}/comentarios", None),
        (tecnico, "POST", f"{tiquet}/comentarios", {"mensaje": "Hola"}),
    ):
        answer = call(quien, method, path, body)
        assert (answer.status_code, answer.json["codigo"]) == (404, "tiquet_no_encontrado"), (method, path)
    assert call(admin, "PUT", tiquet, {"titulo": "Otro"}, If_Match=etag).status_code == 404
    assert call(admin, "GET", tiquet, If_None_Match=etag).status_code == 404


def test_a_restored_ticket_is_as_it_was(call, events, admin, tecnico):
    body = {"etiquetas": ["red", "vpn"], "id_cliente": factories.ClienteFactory().id, "id_estado": 2}
    before = call(tecnico, "POST", TICKETS, {**NUEVO, **body}).json
    path = f"{TICKETS}/{before['id']}"
    call(admin, "DELETE", path)

    answer = call(admin, "POST", f"{path}/restaurar")

    assert answer.status_code == 200, answer.json
    assert answer.headers["ETag"].startswith('"3.')
    changed = {"version": 3, **{name: answer.json[name] for name in ("fecha_actualizacion", "permisos")}}
    assert answer.json == before | changed
    assert answer.json["permisos"] == call(admin, "GET", path).json["permisos"]
    assert call(tecnico, "GET", path).json == before | {**changed, "permisos": before["permisos"]}
    labelled = call(tecnico, "GET", f"{TICKETS}?etiqueta=vpn").json["data"]
    assert [row["id"] for row in labelled] == [before["id"]]
    (discarded,), (restored,) = events("tiquet.eliminado"), events("tiquet.restaurado")
    instant = discarded.cambios[0]["nuevo"]
    assert discarded.cambios == [{"campo": "fecha_eliminacion", "anterior": None, "nuevo": instant}]
    assert restored.cambios == [{"campo": "fecha_eliminacion", "anterior": instant, "nuevo": None}]
    assert (restored.id_usuario, restored.id_tiquet, restored.version_resultante) == (
        admin.id,
        before["id"],
        3,
    )


@pytest.mark.parametrize(
    ("id", "status", "codigo"), [(None, 409, "no_esta_en_la_papelera"), (NADIE, 404, "tiquet_no_encontrado")]
)
def test_what_is_not_in_the_trash_cannot_come_back(call, admin, id, status, codigo):
    answer = call(admin, "POST", f"{TICKETS}/{id or factories.tiquet()}/restaurar")

    assert (answer.status_code, answer.json["codigo"]) == (status, codigo)


def test_restoring_takes_no_fields(call, admin, tiquet):
    call(admin, "DELETE", tiquet)

    answer = call(admin, "POST", f"{tiquet}/restaurar", {"titulo": "Otro título"})

    assert answer.json["errores"]["titulo"][0]["codigo"] == "desconocido"
    assert call(admin, "POST", f"{tiquet}/restaurar", {}).status_code == 200


def test_the_same_key_restores_once(call, admin, tiquet):
    call(admin, "DELETE", tiquet)
    first, again = (call(admin, "POST", f"{tiquet}/restaurar", Idempotency_Key="una vez") for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_stale_discard_is_refused(call, admin, tecnico, tiquet):
    etag = call(admin, "GET", tiquet).headers["ETag"]
    call(tecnico, "PUT", tiquet, {"titulo": "Otro título"})

    answer = call(admin, "DELETE", tiquet, If_Match=etag)

    assert (answer.status_code, answer.json["campos"]) == (412, ["titulo"])
    assert call(admin, "GET", tiquet).status_code == 200


@pytest.mark.parametrize("limite", [1, 2, 5, 200])
@pytest.mark.parametrize("orden", [None, "-fecha_eliminacion", "fecha_eliminacion", "fecha_creacion"])
def test_the_trash_is_read_in_order_page_by_page(papelera, limite, orden):
    gone = [INICIO + timedelta(hours=n % 3) for n in range(7)]
    filas = plant(
        [
            {"fecha_eliminacion": when, "fecha_creacion": INICIO - timedelta(days=n % 2)}
            for n, when in enumerate(gone)
        ]
        + [{}]
    )
    column = (orden or "-fecha_eliminacion").lstrip("-")
    keys = [column] if column == "fecha_creacion" else [column, "fecha_creacion"]
    wanted = sorted(filas[:-1], key=lambda fila: (*(fila[key] for key in keys), fila["id"]))
    if (orden or "-").startswith("-"):
        wanted.reverse()

    assert papelera(limite, **({"orden": orden} if orden else {})) == [fila["id"] for fila in wanted]


@pytest.mark.parametrize(
    "filtro",
    [
        {"id_categoria": 2},
        {"id_estado": 3},
        {"tipo_estado": "en_espera"},
        {"etiqueta": "red"},
        {"id_usuario_asignado": "ninguno", "id_categoria": 2},
        {"id_estado": [1, 3], "etiqueta": ["red", "vpn"]},
        {"creado_desde": "2026-03-02T00:00:00Z"},
    ],
    ids=lambda filtro: "+".join(filtro),
)
def test_the_trash_can_be_filtered_as_the_list(papelera, filtro):
    gone = {"fecha_eliminacion": INICIO}
    tomorrow = {"fecha_creacion": INICIO + timedelta(days=1)}
    wanted = {"id_categoria": 2, "id_estado": 3, "etiquetas": ["red"], **tomorrow}
    (match, *_others) = plant([gone | wanted, gone, wanted, {}])

    assert papelera(**filtro) == [match["id"]]


def test_an_order_of_the_trash_is_none_of_the_list(call, tecnico):
    answer = call(tecnico, "GET", f"{TICKETS}?orden=-fecha_eliminacion")

    assert answer.status_code == 422
    assert answer.json["errores"]["orden"][0]["codigo"] == "solo_en_la_papelera"


def test_figures_and_totals_follow(call, admin, tiquet):
    def figures():
        stats = call(admin, "GET", "/api/tickets/dashboard/stats").json
        lists = [
            call(admin, "GET", f"{TICKETS}?papelera={p}").json["paginacion"]["total"]
            for p in ("false", "true")
        ]
        hardware = next(row["cantidad"] for row in stats["por_categoria"] if row["id"] == 1)
        return stats["total"], stats["abiertos"], stats["sin_asignar"], hardware, *lists

    factories.tiquet()
    assert figures() == (2, 2, 2, 2, 2, 0)
    call(admin, "DELETE", tiquet)
    assert figures() == (1, 1, 1, 1, 1, 1)
    call(admin, "POST", f"{tiquet}/restaurar")
    assert figures() == (2, 2, 2, 2, 2, 0)


def test_of_eight_that_restore_a_ticket_one_does(committed, call, events, admin, tiquet):
    call(admin, "DELETE", tiquet)

    answers = at_once(
        8, lambda _n: committed.test_client().post(f"{tiquet}/restaurar", headers=admin.headers)
    )

    told = Counter((answer.status_code, answer.json.get("codigo")) for answer in answers)
    assert told == {(200, None): 1, (409, "no_esta_en_la_papelera"): 7}
    assert len(events("tiquet.restaurado")) == 1
    assert call(admin, "GET", tiquet).json["version"] == 3


def test_discarding_and_restoring_at_once_leaves_one_story(committed, call, events, admin, tiquet):
    """Each round two discard and two restore: what succeeds alternates, and the last of it stands."""

    def work(number):
        mine = committed.test_client()
        if number % 2:
            return mine.delete(tiquet, headers=admin.headers).status_code
        return mine.post(f"{tiquet}/restaurar", headers=admin.headers).status_code

    answers = Counter(code for _ in range(RONDAS) for code in at_once(4, work))

    assert set(answers) <= {200, 204, 404, 409}
    discarded, restored = len(events("tiquet.eliminado")), len(events("tiquet.restaurado"))
    assert (answers[204], answers[200]) == (discarded, restored)
    assert discarded - restored in (0, 1)
    stands = call(admin, "GET", tiquet)
    assert stands.status_code == (404 if discarded > restored else 200)
    if stands.status_code == 200:
        assert stands.json["version"] == 1 + discarded + restored
