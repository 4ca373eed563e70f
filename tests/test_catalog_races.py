"""Catalogs that change while others use them: no broken reference, no rule undone, nobody's yesterday."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.models import CATALOGOS, Tiquet, UsuarioCategoria
from app.queries.access import sessions
from app.services.catalog import touch_catalogs
from app.utils.writes import idempotency
from tests import factories
from tests.catalogs import CATALOGS, NECESARIAS, add_row, rows
from tests.client import ApiClient
from tests.conftest import config_for, disconnect, empty_tables
from tests.factories import NUEVO
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
RONDAS = 10


@pytest.fixture(autouse=True)
def catalogs_as_they_were(committed: Flask) -> Iterator[None]:
    """Undo what a test does to the rows that all tests share."""
    tables = [model.__table__ for model in CATALOGOS.values()]
    before = {table: [dict(row) for row in db.session.execute(table.select()).mappings()] for table in tables}
    db.session.rollback()
    yield
    empty_tables()
    for table in reversed(tables):
        seeded = [row["id"] for row in before[table]]
        if "id_padre" in table.c:
            db.session.execute(table.update().values(id_padre=None))
        db.session.execute(table.delete().where(table.c.id.not_in(seeded)))
        for row in before[table]:
            db.session.execute(table.update().where(table.c.id == row["id"]).values(row))
    touch_catalogs()
    db.session.commit()


@pytest.fixture
def elsewhere(committed: Flask, database_url: str) -> Iterator[Any]:
    """A client of another worker, whose memory is its own."""
    worker = create_app(config_for(database_url))
    worker.test_client_class = ApiClient
    yield worker.test_client()
    with worker.app_context():
        disconnect()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Do something once, after the next writing request was authenticated and before its unit of work."""

    def meanwhile(work: Any) -> None:
        left = [work]

        def run(*args: Any) -> Any:
            while left:
                left.pop()()
            return real(*args)

        real = idempotency.run
        monkeypatch.setattr(idempotency, "run", run)

    return meanwhile


@pytest.fixture
def row(call, admin):
    """Add a row to a catalog; answers its path and id."""

    def row(name: str, nombre: str, **fields: Any) -> tuple[str, int]:
        id = add_row(call, admin, name, nombre, **fields)["id"]
        return rows(name, id), id

    return row


def told(answers):
    """How many answered with each status, and code if they were refused; rows have a ``codigo`` too."""
    return Counter((a.status_code, a.json["codigo"] if a.status_code >= 400 else None) for a in answers)


# Between sign-in and unit of work


def test_a_ticket_that_went_to_a_new_row_meanwhile_can_be_changed(call, admin, tecnico, meanwhile, elsewhere):
    path = f"{TICKETS}/{factories.tiquet()}"
    call(tecnico, "GET", path)

    def move():
        nueva = elsewhere.post(f"{CATALOGS}/categorias", json={"nombre": "Nube"}, headers=admin.headers).json
        moved = elsewhere.put(path, json={"id_categoria": nueva["id"]}, headers=admin.headers)
        assert moved.status_code == 200

    meanwhile(move)
    answer = call(tecnico, "PUT", path, {"titulo": "Otro título"})

    assert answer.status_code == 200, answer.json
    assert (answer.json["titulo"], answer.json["categoria"]["nombre"]) == ("Otro título", "Nube")


@pytest.mark.parametrize(
    ("method", "body", "codigo"),
    [("DELETE", None, "no_existe"), ("PUT", {"activo": False}, "inactivo")],
    ids=["erased", "retired"],
)
def test_a_row_that_went_meanwhile_is_not_taken(
    call, admin, tecnico, meanwhile, elsewhere, row, method, body, codigo
):
    path, id = row("ubicaciones", "Anexo")
    call(tecnico, "GET", path)
    meanwhile(lambda: elsewhere.open(path, method=method, json=body, headers=admin.headers))

    answer = call(tecnico, "POST", TICKETS, NUEVO | {"id_ubicacion": id})

    assert answer.status_code == 422
    assert answer.json["errores"]["id_ubicacion"][0]["codigo"] == codigo


def test_a_row_that_came_back_meanwhile_is_taken(call, admin, tecnico, meanwhile, elsewhere, row):
    path, id = row("ubicaciones", "Anexo")
    call(admin, "PUT", path, {"activo": False})
    call(tecnico, "GET", path)
    meanwhile(lambda: elsewhere.put(path, json={"activo": True}, headers=admin.headers))

    answer = call(tecnico, "POST", TICKETS, NUEVO | {"id_ubicacion": id})

    assert answer.status_code == 201, answer.json
    assert answer.json["ubicacion"]["nombre"] == "Anexo"


def test_a_category_that_gives_out_its_tickets_since_gives_out_this_one(
    call, admin, tecnico, meanwhile, elsewhere, row
):
    path, id = row("categorias", "Nube")
    db.session.add(UsuarioCategoria(id_usuario=admin.id, id_categoria=id))
    db.session.commit()
    call(tecnico, "GET", path)
    meanwhile(lambda: elsewhere.put(path, json={"asignacion": "rotativa"}, headers=admin.headers))

    answer = call(tecnico, "POST", TICKETS, NUEVO | {"id_categoria": id})

    assert (answer.status_code, answer.json["id_usuario_asignado"]) == (201, admin.id)


def test_the_default_of_a_new_ticket_is_the_one_that_it_is_now(call, admin, tecnico, meanwhile, elsewhere):
    call(tecnico, "GET", rows("prioridades"))
    meanwhile(
        lambda: elsewhere.put(
            f"{rows('prioridades')}/3", json={"predeterminado": True}, headers=admin.headers
        )
    )

    answer = call(tecnico, "POST", TICKETS, NUEVO)

    assert (answer.status_code, answer.json["id_prioridad"], answer.json["version"]) == (201, 3, 1)
    db.session.rollback()
    assert db.session.query(Tiquet).count() == 1  # The try that went by the old default left nothing.


# Between who asks and what is read


@pytest.fixture
def once_known(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Do something once, after the next who reads alone was told from others."""

    def once_known(work: Any) -> None:
        left = [work]

        def holder(*args: Any) -> Any:
            found = real(*args)
            while left:
                left.pop()()
            return found

        real = sessions.holder_alone
        monkeypatch.setattr(sessions, "holder_alone", holder)

    return once_known


@pytest.mark.parametrize(
    ("name", "field", "shown"),
    [
        ("prioridades", "id_prioridad", "prioridad"),
        ("estados", "id_estado", "estado"),
        ("ubicaciones", "id_ubicacion", "ubicacion"),
    ],
)
@pytest.mark.parametrize("query", ["", "?orden=prioridad", "?id_categoria=1&orden=-prioridad"])
@pytest.mark.parametrize(
    ("role", "came_before"), [("Técnico", True), ("Solicitante", True), ("Solicitante", False)]
)
def test_a_page_knows_a_row_that_is_newer_than_who_asks(
    call, admin, once_known, elsewhere, name, field, shown, query, role, came_before
):
    quien = factories.quien(role)
    id = factories.tiquet(id_categoria=1, id_usuario_creador=quien.id)

    def seen(quien=quien):
        answer = call(quien, "GET", f"{TICKETS}{query}")
        assert answer.status_code == 200, answer.json
        return [tiquet[shown]["nombre"] for tiquet in answer.json["data"] if tiquet["id"] == id]

    before = seen(quien if came_before else admin)

    def move():
        body = {"nombre": "Nueva", **NECESARIAS.get(name, {})}
        nueva = elsewhere.post(rows(name), json=body, headers=admin.headers).json["id"]
        moved = elsewhere.put(f"{TICKETS}/{id}", json={field: nueva}, headers=admin.headers)
        assert moved.status_code == 200, moved.json

    once_known(move)

    # It was read with who asks, and so before it; after it, where it was not known whose page it would be.
    assert seen() == (before if came_before else ["Nueva"])
    assert seen() == ["Nueva"]


@pytest.mark.parametrize("role", ["Técnico", "Solicitante"])
def test_a_ticket_knows_a_row_that_is_newer_than_who_asks(call, admin, once_known, elsewhere, role):
    quien = factories.quien(role)
    path = f"{TICKETS}/{factories.tiquet(id_usuario_creador=quien.id)}"
    before = call(quien, "GET", path).json["categoria"]["nombre"]

    def move():
        nueva = elsewhere.post(f"{CATALOGS}/categorias", json={"nombre": "Nube"}, headers=admin.headers).json
        moved = elsewhere.put(path, json={"id_categoria": nueva["id"]}, headers=admin.headers)
        assert moved.status_code == 200

    once_known(move)
    answer = call(quien, "GET", path)

    # Staff's was read with who asks, and so before it; the other's after it.
    expected = "Nube" if role == "Solicitante" else before
    assert (answer.status_code, answer.json["categoria"]["nombre"]) == (200, expected)
    assert call(quien, "GET", path).json["categoria"]["nombre"] == "Nube"


# At once


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("categorias", "id_categoria"),
        ("problemas", "id_problema"),
        ("prioridades", "id_prioridad"),
        ("estados", "id_estado"),
    ],
)
def test_a_row_is_erased_or_taken_but_never_both(committed, call, admin, tecnico, row, name, field):
    for ronda in range(RONDAS // 2):
        path, id = row(name, f"Fugaz {ronda}")

        def work(number, path=path, body=NUEVO | {field: id}):
            mine = committed.test_client()
            if number:
                return mine.post(TICKETS, json=body, headers=tecnico.headers)
            return mine.delete(path, headers=admin.headers)

        erased, *opened = at_once(3, work)

        if erased.status_code == 204:
            assert told(opened) == {(422, "datos_invalidos"): 2}
            assert {name for answer in opened for name in answer.json["errores"]} == {field}
            assert call(tecnico, "GET", path).status_code == 404
        else:
            assert erased.status_code == 409
            assert erased.json["codigo"] in ("en_uso", "referencia_en_conflicto")
            assert {answer.status_code for answer in opened} == {201}
            for answer in opened:
                shown = call(tecnico, "GET", f"{TICKETS}/{answer.json['id']}").json
                assert shown[field] == id


def test_two_locations_that_move_into_each_other_at_once_make_no_ring(committed, call, admin, row):
    (one, id_one), (other, id_other) = row("ubicaciones", "Una"), row("ubicaciones", "Otra")
    moves = [(one, id_other), (other, id_one)]

    for _ in range(RONDAS):

        def work(number):
            path, inside = moves[number]
            return committed.test_client().put(path, json={"id_padre": inside}, headers=admin.headers)

        answers = at_once(2, work)

        assert told(answers) == {(200, None): 1, (422, "datos_invalidos"): 1}
        refused = next(answer for answer in answers if answer.status_code == 422)
        assert refused.json["errores"]["id_padre"][0]["codigo"] == "ciclo"
        for path, _ in moves:
            call(admin, "PUT", path, {"id_padre": None})


def test_a_default_and_its_end_at_once_leave_an_active_default(committed, call, admin, row):
    """One marks a row as the default while another retires it."""
    path, _id = row("prioridades", "Inmediata", nivel=9)

    for _ in range(RONDAS):
        bodies = [{"predeterminado": True}, {"activo": False}]

        def work(number, bodies=bodies):
            return committed.test_client().put(path, json=bodies[number], headers=admin.headers)

        answers = at_once(2, work)

        assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 422])
        filas = call(admin, "GET", f"{CATALOGS}/prioridades").json["data"]
        assert [fila["activo"] for fila in filas if fila["predeterminado"]] == [True]
        call(admin, "PUT", f"{CATALOGS}/prioridades/2", {"predeterminado": True})
        call(admin, "PUT", path, {"activo": True})


def test_of_many_who_mark_a_default_at_once_one_is_it(committed, call, events, admin):
    def work(number):
        path = f"{CATALOGS}/prioridades/{number + 1}"
        return committed.test_client().put(path, json={"predeterminado": True}, headers=admin.headers)

    answers = at_once(4, work)

    assert told(answers) == {(200, None): 4}
    filas = call(admin, "GET", f"{CATALOGS}/prioridades").json["data"]
    assert sum(fila["predeterminado"] for fila in filas) == 1
    marks = [e.cambios[0]["nuevo"] for e in events("prioridad.actualizado") if e.cambios]
    assert marks.count(True) == marks.count(False)


def test_the_last_active_states_of_a_type_do_not_go_at_once(committed, call, admin):
    states = [f"{CATALOGS}/estados/3", f"{CATALOGS}/estados/4"]
    table = CATALOGOS["estados"].__table__  # No default, as after an import: then only the count guards them.
    db.session.execute(table.update().where(table.c.id == 3).values(predeterminado=False))
    touch_catalogs()
    db.session.commit()

    for _ in range(RONDAS):

        def work(number):
            body = {"activo": False}
            return committed.test_client().put(states[number], json=body, headers=admin.headers)

        answers = at_once(2, work)

        assert told(answers) == {(200, None): 1, (409, "ultimo_de_su_tipo"): 1}
        assert sum(call(admin, "GET", path).json["activo"] for path in states) == 1
        for path in states:
            call(admin, "PUT", path, {"activo": True})


def test_rows_of_one_name_at_once_are_one(committed, call, admin):
    def work(_number):
        body = {"nombre": "Nube"}
        return committed.test_client().post(f"{CATALOGS}/categorias", json=body, headers=admin.headers)

    answers = at_once(6, work)

    assert told(answers) == {(201, None): 1, (409, "ya_existe"): 5}
    filas = call(admin, "GET", f"{CATALOGS}/categorias").json["data"]
    assert [fila["nombre"] for fila in filas].count("Nube") == 1
