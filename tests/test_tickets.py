"""Tickets through HTTP."""

from tests.factories import NUEVO
from tests.rows import LISTA


def test_five_fields_are_enough_to_open_a_ticket(client, tecnico):
    answer = client.post("/api/tickets/tickets", json=NUEVO, headers=tecnico.headers)

    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"] == f"/api/tickets/tickets/{answer.json['id']}"
    assert answer.json["estado"] == {"id": 1, "nombre": "Abierto", "tipo": "nuevo", "color": "#2563EB"}
    assert answer.json["prioridad"]["nombre"] == "Normal"
    assert answer.json["version"] == 1
    assert client.get(answer.headers["Location"], headers=tecnico.headers).json == answer.json


def test_any_text_comes_back_as_it_was_sent(call, tecnico):
    """The database packs a ticket as JSON: whatever has a meaning there has none in a text."""
    odd = "«ñ» \"entre comillas\" 'y' \\ \\n \\u0041 / <b> {[,:]} %s %(x)s 😀\ufffd é \U0010fffd"
    body = NUEVO | {
        "titulo": odd,
        "descripcion": f"{odd}\n\t{odd}",
        "etiquetas": ['a\\"b', "ñ,😀"],
    }
    body |= {"origen_externo": "otra", "id_externo": odd}

    created = call(tecnico, "POST", LISTA, body)
    listed = call(tecnico, "GET", LISTA).json["data"]

    assert created.status_code == 201, created.json
    assert created.json == created.json | body
    assert listed == [created.json]
