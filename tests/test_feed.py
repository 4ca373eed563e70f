"""The change feed: whoever follows it has what the lists have, and hears of nothing else."""

import random
from typing import Any

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import LogTransaccional
from app.services.log import purging, sequencer
from app.utils import cursors
from tests import factories
from tests.factories import NUEVO
from tests.test_chain import plant
from tests.threads import at_once
from tests.world import between_requests

FEED = "/api/cambios"
TICKETS = "/api/tickets/tickets"


def get(client: Any, quien: factories.Quien, **query: Any) -> Any:
    answer = client.get(FEED, query_string=query, headers=quien.headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def walk(client: Any, quien: factories.Quien, **query: Any) -> list[dict[str, Any]]:
    """All events from a place on, page by page."""
    events = []
    while (page := get(client, quien, **query))["data"]:
        events += page["data"]
        query["desde"] = page["siguiente"]
    return events


def actions(events: list[dict[str, Any]]) -> list[str]:
    return [event["accion"] for event in events]


def test_a_page_tells_what_happened_with_the_ticket_as_it_stands(client, tecnico):
    created = client.post(TICKETS, json=NUEVO, headers=tecnico.headers).json
    path = f"{TICKETS}/{created['id']}"
    client.put(path, json={"titulo": "Otro título"}, headers=tecnico.headers)

    page = get(client, tecnico)

    now = client.get(path, headers=tecnico.headers).json
    assert actions(page["data"]) == ["tiquet.creado", "tiquet.actualizado"]
    assert [event["objeto"] for event in page["data"]] == [now, now]
    last = page["data"][1]
    assert {name: last[name] for name in ("secuencia", "entidad", "id_entidad", "id_tiquet")} == {
        "secuencia": 2,
        "entidad": "tiquet",
        "id_entidad": created["id"],
        "id_tiquet": created["id"],
    }
    assert last["cambios"] == [
        {"campo": "titulo", "anterior": "Problema con impresora", "nuevo": "Otro título"}
    ]
    assert "ip" not in last
    assert get(client, tecnico, desde=page["siguiente"])["data"] == []


def test_a_comment_comes_as_it_stands_and_goes_with_a_tombstone(client, tecnico):
    path = f"{TICKETS}/{factories.tiquet()}/comentarios"
    ids = [
        client.post(path, json={"mensaje": text}, headers=tecnico.headers).json["id"]
        for text in ("Uno", "Dos")
    ]
    client.put(f"{path}/{ids[0]}", json={"mensaje": "Otro"}, headers=tecnico.headers)
    client.delete(f"{path}/{ids[1]}", headers=tecnico.headers)

    events = [event for event in walk(client, tecnico) if event["entidad"] == "comentario"]

    whole = client.get(f"{path}/{ids[0]}", headers=tecnico.headers).json
    assert {event["id_entidad"]: event["objeto"] for event in events} == {ids[0]: whole, ids[1]: None}


@pytest.mark.parametrize("limite", [1, 2, 3, 200])
def test_a_walk_meets_every_number_once_and_in_order(client, admin, limite):
    plant(23)

    events = walk(client, admin, limite=limite)

    assert [event["secuencia"] for event in events] == [*range(1, 24)]


def test_the_ticket_in_the_trash_is_a_tombstone_and_comes_back(client, admin, tecnico):
    path = f"{TICKETS}/{factories.tiquet()}"
    client.put(path, json={"titulo": "Secreto"}, headers=tecnico.headers)
    client.post(f"{path}/comentarios", json={"mensaje": "Secreto"}, headers=tecnico.headers)
    client.delete(path, headers=admin.headers)

    thrown = {quien.id: walk(client, quien) for quien in (admin, tecnico)}
    client.post(f"{path}/restaurar", headers=admin.headers)
    back = walk(client, tecnico)

    assert actions(thrown[tecnico.id]) == actions(thrown[admin.id])
    assert {event["objeto"] for events in thrown.values() for event in events} == {None}
    assert "Secreto" in str(thrown[admin.id])
    assert "Secreto" not in str(thrown[tecnico.id])
    assert actions(back)[-1] == "tiquet.restaurado"
    assert back[-1]["objeto"] == client.get(path, headers=tecnico.headers).json


def test_an_administrator_sees_all_and_a_technician_what_is_about_tickets(client, admin, tecnico):
    client.post("/api/auth/login", json={"email": tecnico.email, "password": factories.CLAVE})
    client.post(TICKETS, json=NUEVO, headers=tecnico.headers)
    client.put("/api/tickets/prioridades/1", json={"nivel": 8}, headers=admin.headers)
    client.put(f"/api/users/{tecnico.id}", json={"telefono": "1"}, headers=admin.headers)
    client.post("/api/tickets/vistas", json={"nombre": "Mía", "filtros": {}}, headers=admin.headers)
    client.post("/api/clientes", json={"nombre": "Ana"}, headers=admin.headers)
    client.delete(f"{TICKETS}/1", headers=tecnico.headers)

    assert actions(walk(client, admin)) == [
        *("sesion.iniciada", "tiquet.creado", "prioridad.actualizado", "usuario.actualizado"),
        *("vista.creado", "cliente.creado", "acceso.denegado"),
    ]
    assert actions(walk(client, tecnico)) == ["tiquet.creado", "prioridad.actualizado"]


def test_a_requester_has_no_feed(client):
    answer = client.get(FEED, headers=factories.quien("Solicitante").headers)

    assert (answer.status_code, answer.json["permiso"]) == (403, "cambio.ver")


def test_a_page_of_what_the_caller_may_not_see_is_passed_by(client, tecnico, monkeypatch):
    monkeypatch.setattr("app.queries.log.feed.VENTANA", 4)
    plant(11, entidad="sesion", accion="sesion.iniciada")
    plant(1)
    plant(7, entidad="sesion", accion="sesion.iniciada")

    first = get(client, tecnico, limite=3)
    rest = get(client, tecnico, desde=first["siguiente"])

    assert [event["secuencia"] for event in first["data"]] == [12]
    assert rest["data"] == []
    assert cursors_say(client, rest["siguiente"]) == 19


def cursors_say(client: Any, cursor: str) -> int:
    with client.application.app_context():
        return cursors.feed_place(cursor)


def test_now_is_behind_all_that_was_committed(client, tecnico):
    plant(5)
    start = get(client, tecnico, desde="ahora")
    assert start["data"] == []
    plant(2)

    assert [event["secuencia"] for event in get(client, tecnico, desde=start["siguiente"])["data"]] == [6, 7]


def test_what_many_have_left_without_numbers_is_numbered_before_the_page_is_read(client, admin, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 3)
    monkeypatch.setattr(sequencer, "EN_UNA_PETICION", 6)
    plant(10, entidad="sesion", accion="sesion.iniciada")
    plant(1)

    seen = get(client, factories.quien("Técnico"))

    assert [event["secuencia"] for event in seen["data"]] == [11]


def test_a_page_that_cannot_be_known_to_be_empty_is_a_503(client, tecnico, monkeypatch):
    monkeypatch.setattr("app.services.log.feed.monotonic", lambda: float("inf"))
    plant(1)

    answer = client.get(FEED, headers=tecnico.headers)

    assert (answer.status_code, answer.json["codigo"]) == (503, "base_de_datos_ocupada")
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("broken", ["x", "AHORA", "MTIz.x", ".", "-1", "0"])
def test_a_cursor_that_is_none_of_ours_is_refused(client, tecnico, broken):
    answer = client.get(FEED, query_string={"desde": broken}, headers=tecnico.headers)

    assert (answer.status_code, answer.json["codigo"]) == (400, "cursor_invalido")


def test_a_cursor_of_another_list_or_of_the_future_is_refused(client, tecnico):
    for _ in range(2):
        factories.tiquet()
    listed = client.get(f"{TICKETS}?limite=1", headers=tecnico.headers).json["paginacion"]["siguiente"]
    with client.application.app_context():
        ahead = cursors.feed_cursor(1)

    for cursor in (listed, ahead):
        answer = client.get(FEED, query_string={"desde": cursor}, headers=tecnico.headers)
        assert (answer.status_code, answer.json["codigo"]) == (400, "cursor_invalido")


def test_a_cursor_from_before_a_purge_is_gone(client, admin):
    plant(6)
    places = [get(client, admin, limite=n)["siguiente"] for n in (1, 2, 3)]
    with client.application.app_context():
        start = cursors.feed_cursor(0)
    purge(2)

    def asked(desde: str) -> Any:
        return client.get(FEED, query_string={"desde": desde}, headers=admin.headers)

    for gone in (start, places[0]):
        assert (asked(gone).status_code, asked(gone).json["codigo"]) == (410, "cursor_purgado")
    assert [event["secuencia"] for event in asked(places[1]).json["data"]] == [3, 4, 5, 6, 7]
    assert [event["secuencia"] for event in asked(places[2]).json["data"]] == [4, 5, 6, 7]
    assert [event["secuencia"] for event in get(client, admin)["data"]] == [3, 4, 5, 6, 7]

    purge(6)
    assert asked(places[2]).status_code == 410
    assert [event["accion"] for event in get(client, admin)["data"]] == ["auditoria.purgada"] * 2


def purge(secuencia: int) -> None:
    hash = db.session.scalar(sa.select(LogTransaccional.hash).where(LogTransaccional.secuencia == secuencia))
    with between_requests():
        purging.purge(secuencia, hash)


def test_whoever_follows_among_writers_has_in_the_end_what_the_list_has(app, committed):
    admin = factories.quien("Administrador")
    writers = 8

    def write(number: int) -> None:
        mine = app.test_client()
        chance = random.Random(number)
        ids: list[int] = []
        for turn in range(12):
            if not ids or chance.random() < 0.4:
                ids.append(mine.post(TICKETS, json=NUEVO, headers=admin.headers).json["id"])
                continue
            path = f"{TICKETS}/{chance.choice(ids)}"
            match chance.randrange(4):
                case 0:
                    mine.put(path, json={"titulo": f"Título {turn}"}, headers=admin.headers)
                case 1:
                    mine.post(f"{path}/comentarios", json={"mensaje": "Sí"}, headers=admin.headers)
                case 2:
                    mine.delete(path, headers=admin.headers)
                case 3:
                    mine.post(f"{path}/restaurar", headers=admin.headers)

    def follow() -> tuple[dict[int, Any], list[int]]:
        """A client that is lost now and then, and goes on with the last cursor that it kept."""
        mine, chance = app.test_client(), random.Random(99)
        kept: dict[str, Any] = {"state": {}, "query": {}}
        numbers: list[int] = []
        while True:
            page = get(mine, admin, limite=chance.randint(1, 20), **kept["query"])
            if chance.random() < 0.2:
                continue  # It died before it kept anything.
            apply(kept["state"], page["data"])
            numbers += [event["secuencia"] for event in page["data"]]
            kept["query"] = {"desde": page["siguiente"]}
            if not page["data"] and len(done) == writers:
                return kept["state"], numbers

    done: list[int] = []

    def work(number: int) -> Any:
        with app.app_context():
            if number == writers:
                return follow()
            write(number)
            done.append(number)
            return None

    *_, (state, numbers) = at_once(writers + 1, work)

    client = app.test_client()
    listed = {one["id"]: one for one in all_tickets(client, admin)}
    assert state == listed
    assert len(listed) > writers
    assert numbers == [*range(1, len(numbers) + 1)]


def apply(state: dict[int, Any], events: list[dict[str, Any]]) -> None:
    """What a follower does with a page."""
    for event in events:
        if event["entidad"] == "tiquet" and event["objeto"]:
            state[event["id_entidad"]] = event["objeto"]
        elif event["entidad"] == "tiquet":
            state.pop(event["id_entidad"], None)


def all_tickets(client: Any, quien: factories.Quien) -> list[dict[str, Any]]:
    found, query = [], {"limite": 200}
    while True:
        page = client.get(TICKETS, query_string=query, headers=quien.headers).json
        found += page["data"]
        if page["paginacion"]["siguiente"] is None:
            return found
        query["cursor"] = page["paginacion"]["siguiente"]


@pytest.mark.mariadb  # SQLite has one writer at a time.
def test_what_is_committed_late_is_not_passed_by(app, committed):
    """An event whose id is lower, but which is committed after others were told, comes behind them."""
    admin = factories.quien("Administrador")
    client = app.test_client()
    with db.engine.connect() as slow:
        values = {
            "id_evento": "tarde-0",
            "tipo_actor": "sistema",
            "accion": "tiquet.tardio",
            "entidad": "tiquet",
            "cambios": [],
            "origen": "cli",
        }
        slow.execute(sa.insert(LogTransaccional).values(values))
        plant(2)
        first = get(client, admin)
        slow.commit()

    rest = get(client, admin, desde=first["siguiente"])

    assert [event["secuencia"] for event in first["data"]] == [1, 2]
    assert [(event["secuencia"], event["accion"]) for event in rest["data"]] == [(3, "tiquet.tardio")]
