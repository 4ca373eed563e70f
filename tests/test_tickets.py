"""Tickets through HTTP."""

from tests.factories import NUEVO


def test_five_fields_are_enough_to_open_a_ticket(client, tecnico):
    answer = client.post("/api/tickets/tickets", json=NUEVO, headers=tecnico.headers)

    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"] == f"/api/tickets/tickets/{answer.json['id']}"
    assert answer.json["estado"] == {"id": 1, "nombre": "Abierto", "tipo": "nuevo", "color": "#2563EB"}
    assert answer.json["prioridad"]["nombre"] == "Normal"
    assert answer.json["version"] == 1
    assert client.get(answer.headers["Location"], headers=tecnico.headers).json == answer.json
