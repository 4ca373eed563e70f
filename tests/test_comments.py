"""The conversation about a ticket, and what it moves of the ticket."""

from collections import Counter

import pytest
from sqlalchemy import insert

from app.extensions import db
from app.models import Comentarios
from tests import factories
from tests.client import codes
from tests.rows import INICIO, pages
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
PUBLICO = {"mensaje": "Se cambió el tóner.", "es_interno": False}
CONTADO = ("numero_comentarios", "fecha_primera_respuesta", "fecha_actualizacion")
NADIE = 2147483647


@pytest.fixture
def tiquet(session):
    return f"{TICKETS}/{factories.tiquet()}"


def test_a_comment_is_answered_as_it_is_shown_and_listed(call, tecnico, tiquet):
    nombre = "{nombre} {apellido}".format(**call(tecnico, "GET", "/api/auth/me").json)

    answer = call(tecnico, "POST", f"{tiquet}/comentarios", {"mensaje": "  Línea 1\nLínea 2 😀 "})

    assert answer.status_code == 201, answer.json
    assert answer.json == {
        "id": answer.json["id"],
        "id_tiquet": int(tiquet.rpartition("/")[2]),
        "autor": {"id": tecnico.id, "nombre": nombre},
        **dict.fromkeys(("id_cliente", "cliente", "id_empleado", "empleado")),
        "mensaje": "Línea 1\nLínea 2 😀",
        "es_interno": True,
        "fecha_creacion": answer.json["fecha_creacion"],
        "fecha_edicion": None,
        "version": 1,
        "adjuntos": [],
    }
    assert answer.headers["Location"] == f"{tiquet}/comentarios/{answer.json['id']}"
    shown = call(tecnico, "GET", answer.headers["Location"])
    assert (shown.json, shown.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert (
        call(tecnico, "GET", answer.headers["Location"], If_None_Match=shown.headers["ETag"]).status_code
        == 304
    )
    listed = call(tecnico, "GET", f"{tiquet}/comentarios").json
    assert listed["data"] == [answer.json]
    assert listed["paginacion"]["total"] == 1


@pytest.mark.parametrize(
    ("body", "errores"),
    [
        ({}, {"mensaje": ["requerido"]}),
        ({"mensaje": " \n "}, {"mensaje": ["longitud"]}),
        ({"mensaje": "x" * 10_001}, {"mensaje": ["longitud"]}),
        ({"mensaje": "a\x00b"}, {"mensaje": ["caracteres"]}),
        ({"mensaje": "Hola", "es_interno": "no"}, {"es_interno": ["tipo"]}),
        ({"mensaje": "Hola", "es_interno": None}, {"es_interno": ["nulo"]}),
        ({"mensaje": "Hola", "id_autor": 1}, {"id_autor": ["desconocido"]}),
        ({"mensaje": "Hola", "id_tiquet": 1}, {"id_tiquet": ["desconocido"]}),
        ({"mensaje": "Hola", "fecha_creacion": "2026-01-31T10:00:00Z"}, {"fecha_creacion": ["desconocido"]}),
        ({"mensaje": "Hola", "version": 7}, {"version": ["desconocido"]}),
    ],
)
def test_a_faulty_comment_is_refused_and_not_counted(call, tecnico, tiquet, body, errores):
    answer = call(tecnico, "POST", f"{tiquet}/comentarios", body)

    assert (answer.status_code, codes(answer)) == (422, errores)
    assert call(tecnico, "GET", tiquet).json["numero_comentarios"] == 0


def test_a_comment_moves_the_tickets_count_and_etag_but_not_its_version(call, events, admin, tecnico, tiquet):
    before = call(tecnico, "GET", tiquet)

    comment = call(admin, "POST", f"{tiquet}/comentarios", PUBLICO).json

    after = call(tecnico, "GET", tiquet, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    moved = {name: after.json[name] for name in CONTADO}
    assert after.json == before.json | moved
    instant = comment["fecha_creacion"]
    assert moved == {"numero_comentarios": 1} | dict.fromkeys(CONTADO[1:], instant)
    assert (before.headers["ETag"][:3], after.headers["ETag"][:3]) == ('"1.', '"1.')
    id = after.json["id"]
    (written,) = events("comentario.creado")
    assert written[:4] == (admin.id, comment["id"], id, 1)
    (told,) = events("tiquet.comentado")
    assert told[:4] == (admin.id, id, id, 1)
    assert told.cambios == [
        {"campo": "numero_comentarios", "anterior": 0, "nuevo": 1},
        {"campo": "fecha_primera_respuesta", "anterior": None, "nuevo": instant},
    ]


def test_the_first_public_comment_of_staff_is_the_first_answer(call, tecnico, tiquet):
    def first_answer(**body):
        comment = call(tecnico, "POST", f"{tiquet}/comentarios", {"mensaje": "Hola", **body}).json
        return comment["fecha_creacion"], call(tecnico, "GET", tiquet).json["fecha_primera_respuesta"]

    assert first_answer()[1] is None
    assert first_answer(es_interno=True)[1] is None
    public, first = first_answer(es_interno=False)
    assert first == public
    assert first_answer(es_interno=False)[1] == first


@pytest.mark.parametrize("whole", [False, True])
def test_a_comment_does_not_make_what_somebody_else_has_read_stale(call, admin, tecnico, tiquet, whole):
    read = call(tecnico, "GET", tiquet)
    call(admin, "POST", f"{tiquet}/comentarios", PUBLICO)
    body = (read.json if whole else {}) | {"titulo": "Otro título"}

    answer = call(tecnico, "PUT", tiquet, body, If_Match=read.headers["ETag"])

    assert answer.status_code == 200, answer.json
    assert (answer.json["titulo"], answer.json["version"]) == ("Otro título", 2)
    assert answer.json["numero_comentarios"] == 1
    assert answer.json["fecha_primera_respuesta"] is not None


@pytest.mark.parametrize("name", CONTADO)
def test_what_a_comment_moves_cannot_be_written_by_itself(call, tecnico, tiquet, name):
    answer = call(tecnico, "PUT", tiquet, {"titulo": "Otro título", name: "2026-01-31T10:00:00Z"})

    assert (answer.status_code, codes(answer)) == (422, {name: ["solo_lectura"]})


def test_a_comment_read_before_another_change_is_still_stale(call, admin, tecnico, tiquet):
    read = call(tecnico, "GET", tiquet)
    call(admin, "POST", f"{tiquet}/comentarios", PUBLICO)
    call(admin, "PUT", tiquet, {"id_prioridad": 3})

    answer = call(tecnico, "PUT", tiquet, read.json, If_Match=read.headers["ETag"])

    assert (answer.status_code, answer.json["campos"]) == (412, ["id_prioridad"])
    assert answer.json["modificado_por"]["id"] == admin.id


@pytest.mark.parametrize("limite", [1, 2, 3, 7, 200])
@pytest.mark.parametrize("orden", [None, "fecha_creacion", "-fecha_creacion"])
def test_a_conversation_is_read_in_order_page_by_page(call, client, tecnico, tiquet, limite, orden):
    id = int(tiquet.rpartition("/")[2])
    row = {"id_tiquet": id, "id_autor": tecnico.id, "mensaje": "x", "version": 1, "fecha_creacion": INICIO}
    db.session.execute(insert(Comentarios), [{**row, "es_interno": n % 2 == 0} for n in range(7)])
    db.session.commit()
    query = {"orden": orden} if orden else {}

    found = list(pages(client, tecnico.headers, query, limite, f"{tiquet}/comentarios"))

    ids = [row["id"] for page in found for row in page["data"]]
    assert ids == sorted(ids, reverse=orden == "-fecha_creacion")
    assert len(ids) == 7
    assert {page["paginacion"]["total"] for page in found} == {7}


def test_a_cursor_of_one_conversation_is_none_of_another(call, tecnico, tiquet):
    for _ in range(2):
        call(tecnico, "POST", f"{tiquet}/comentarios", PUBLICO)
    other = f"{TICKETS}/{factories.tiquet()}"
    cursor = call(tecnico, "GET", f"{tiquet}/comentarios?limite=1").json["paginacion"]["siguiente"]

    answer = call(tecnico, "GET", f"{other}/comentarios?limite=1&cursor={cursor}")

    assert (answer.status_code, answer.json["codigo"]) == (400, "cursor_invalido")


def test_a_comment_is_found_under_its_own_ticket_only(call, tecnico, tiquet):
    other = f"{TICKETS}/{factories.tiquet()}"
    id = call(tecnico, "POST", f"{tiquet}/comentarios", PUBLICO).json["id"]

    for path, codigo in (
        (f"{other}/comentarios/{id}", "comentario_no_encontrado"),
        (f"{tiquet}/comentarios/{NADIE}", "comentario_no_encontrado"),
        (f"{TICKETS}/{NADIE}/comentarios/{id}", "tiquet_no_encontrado"),
    ):
        answer = call(tecnico, "GET", path)
        assert (answer.status_code, answer.json["codigo"]) == (404, codigo)
    assert call(tecnico, "GET", f"{other}/comentarios").json["data"] == []


@pytest.mark.parametrize("gone", ["unknown", "trashed"])
def test_a_ticket_that_is_not_there_has_no_conversation(call, admin, tiquet, gone):
    id = call(admin, "POST", f"{tiquet}/comentarios", PUBLICO).json["id"]
    call(admin, "DELETE", tiquet)
    path = f"{tiquet if gone == 'trashed' else f'{TICKETS}/{NADIE}'}/comentarios"

    for method, where, body in (
        ("GET", path, None),
        ("GET", f"{path}/{id}", None),
        ("POST", path, PUBLICO),
    ):
        answer = call(admin, method, where, body)
        assert (answer.status_code, answer.json["codigo"]) == (404, "tiquet_no_encontrado")


def test_a_conversation_comes_back_with_its_ticket(call, admin, tiquet):
    comment = call(admin, "POST", f"{tiquet}/comentarios", PUBLICO).json
    call(admin, "DELETE", tiquet)

    assert call(admin, "POST", f"{tiquet}/restaurar").json["numero_comentarios"] == 1
    assert call(admin, "GET", f"{tiquet}/comentarios").json["data"] == [comment]


def test_the_same_key_comments_once(call, events, tecnico, tiquet):
    first, again = (
        call(tecnico, "POST", f"{tiquet}/comentarios", PUBLICO, Idempotency_Key="una vez") for _ in range(2)
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.data, first.headers["ETag"]) == (again.data, again.headers["ETag"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert call(tecnico, "GET", tiquet).json["numero_comentarios"] == 1
    assert len(events("comentario.creado")) == 1
    other = f"{TICKETS}/{factories.tiquet()}/comentarios"
    elsewhere = call(tecnico, "POST", other, PUBLICO, Idempotency_Key="una vez")
    assert (elsewhere.status_code, elsewhere.json["codigo"]) == (422, "clave_reutilizada")


def test_sixty_comments_by_twelve_at_once_are_all_counted(committed, call, events, tecnico, tiquet):
    def work(writer):
        mine = committed.test_client()
        bodies = ({"mensaje": f"{writer}-{n}", "es_interno": n % 2 == 0} for n in range(5))
        path = f"{tiquet}/comentarios"
        return [mine.post(path, json=body, headers=tecnico.headers) for body in bodies]

    answers = [answer for some in at_once(12, work) for answer in some]

    assert Counter(answer.status_code for answer in answers) == {201: 60}
    shown = call(tecnico, "GET", tiquet).json
    assert (shown["numero_comentarios"], shown["version"]) == (60, 1)
    assert len(events("comentario.creado")) == 60
    assert db.session.query(Comentarios).count() == 60
    counts = [change["nuevo"] for event in events("tiquet.comentado") for change in event.cambios]
    assert sorted(n for n in counts if isinstance(n, int)) == list(range(1, 61))
    firsts = [instant for instant in counts if isinstance(instant, str)]
    assert firsts == [shown["fecha_primera_respuesta"]]
    assert firsts[0] in {a.json["fecha_creacion"] for a in answers if not a.json["es_interno"]}


def test_comments_and_changes_at_once_lose_nothing_and_are_never_stale(committed, call, tecnico, tiquet):
    """Everybody comments; one changes the ticket again and again, each time as it just answered."""
    etag = call(tecnico, "GET", tiquet).headers["ETag"]

    def work(number):
        mine, known, answers = committed.test_client(), etag, []
        for n in range(5):
            if number:
                answers.append(mine.post(f"{tiquet}/comentarios", json=PUBLICO, headers=tecnico.headers))
                continue
            headers = {**tecnico.headers, "If-Match": known}
            answers.append(mine.put(tiquet, json={"titulo": f"Título {n}"}, headers=headers))
            known = answers[-1].headers.get("ETag", known)
        return Counter(answer.status_code for answer in answers)

    assert sum(at_once(6, work), Counter()) == {200: 5, 201: 25}
    shown = call(tecnico, "GET", tiquet).json
    assert (shown["titulo"], shown["version"], shown["numero_comentarios"]) == ("Título 4", 6, 25)
    assert shown["fecha_primera_respuesta"] is not None
