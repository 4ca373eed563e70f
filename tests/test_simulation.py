"""``?simular=true``: refuses and tells all that the real write would, and leaves nothing."""

import json

import pytest

from tests import factories
from tests.client import codes, document_of, operations
from tests.factories import NUEVO, quien
from tests.test_events import ALL_CASES, Call, denial, told
from tests.world import LOG, TIQUETS, caller, events_after, last_event, parameters_of, snapshot, success_of
from tests.writes import CASES, REFUSALS, TIQUET, Case

TRIED = {"query_string": {"simular": "true"}}
# Of what a ticket shows, what is another's with every try.
MOVING = {"id", "numero"}


def is_simulable(app, operation):
    return "simular" in parameters_of(dict(operations(app))[operation])


def still(thing):
    """A ticket or a change, but for what no two tries have in common."""
    return {k: v for k, v in thing.items() if k not in MOVING and not k.startswith("fecha_")}


def test_every_write_of_a_ticket_can_be_tried_and_nothing_else(app):
    below = ("restaurar", "asignar", "tomar", "soltar", "transiciones")

    assert {name for name in CASES if is_simulable(app, name)} == {
        f"POST {TIQUETS}",
        f"POST {TIQUETS}/lote",
        f"POST {TIQUETS}/importar",
        *(f"{method} {TIQUETS}/{{id}}" for method in ("PUT", "PATCH", "DELETE")),
        *(f"POST {TIQUETS}/{{id}}/{name}" for name in below),
    }


@pytest.mark.parametrize(("operation", "case"), ALL_CASES)
def test_a_try_tells_what_the_real_write_does_and_leaves_nothing(app, client, session, operation, case):
    if not is_simulable(app, operation):
        assert Call(app, client, operation, case).send(**TRIED).status_code == 422
        return
    call = Call(app, client, operation, case)
    both = {"Idempotency-Key": "de prueba", "X-Request-Id": "de-prueba"}
    before = snapshot()

    tried = call.send(more=both, **TRIED)

    told_last = json.loads(tried.text.splitlines()[-1])
    assert (tried.status_code, told_last["simulacion"]) == (200, True), tried.text
    assert "ETag" not in tried.headers
    assert snapshot() == before
    mark = last_event()
    done = call.send(more=both)
    assert done.status_code == success_of(call.about)
    assert "Idempotent-Replayed" not in done.headers
    if operation.endswith("/importar"):
        assert told_last == {"simulacion": True} | json.loads(done.text.splitlines()[-1])
        return
    if operation.endswith("/lote"):
        assert tried.json["data"] == done.json["data"]
        return
    events = [told(event)["cambios"] for event in events_after(mark) if event["entidad"] == "tiquet"]
    foretold = {c["campo"]: (c["anterior"], c["nuevo"]) for c in tried.json["cambios"]}
    assert [still(foretold)] == ([still(one) for one in events] or [{}])
    admin = quien("Administrador")
    where = f"{TIQUETS}?papelera=true" if operation.startswith("DELETE") else None
    shown = client.get(where, headers=admin.headers).json["data"][0] if where else done.json
    assert still(tried.json["tiquet"]) | {"permisos": []} == still(shown) | {"permisos": []}


@pytest.mark.parametrize("operation", REFUSALS)
def test_a_try_is_refused_as_the_real_write_is(app, client, session, operation):
    if not is_simulable(app, operation):
        return
    admin = caller("Administrador")
    for row in REFUSALS[operation]:
        call = Call(app, client, operation, row, admin if row.role == "Administrador" else None)
        if row.planted:
            row.planted(*call.ids)
        before, mark = snapshot(LOG), last_event()

        tried = call.send(**TRIED)

        assert tried.status_code == row.status, tried.json
        expected = [denial(tried, call.yo)] if row.status == 403 else []
        assert [told(event) for event in events_after(mark)] == expected
        assert snapshot(LOG) == before
        real = call.send()
        own = {"id_solicitud": None, "resultados": None}
        assert real.json | own == tried.json | own


def test_a_forbidden_item_of_a_tried_batch_is_in_the_log(app, client, session):
    body = {"ids": [TIQUET], "accion": "eliminar"}
    call = Call(app, client, f"POST {TIQUETS}/lote", Case((), body, role="Técnico"))
    before, mark = snapshot(LOG), last_event()

    tried = call.send(**TRIED).json

    assert tried["data"][0]["problema"]["status"] == 403
    assert [event["accion"] for event in events_after(mark)] == ["acceso.denegado"]
    assert snapshot(LOG) == before


def test_a_try_is_refused_with_a_stale_version_and_told_when_it_is_merged(client, tecnico):
    path = f"{TIQUETS}/{factories.tiquet()}"
    seen = {"If-Match": client.get(path, headers=tecnico.headers).headers["ETag"]} | tecnico.headers
    client.put(path, json={"titulo": "Otro"}, headers=tecnico.headers)

    refused = client.put(f"{path}?simular=true", json={"id_prioridad": 3}, headers=seen)
    merged = client.put(f"{path}?simular=true", json={"id_prioridad": 3}, headers=seen | {"Prefer": "merge"})

    assert (refused.status_code, merged.headers["Preference-Applied"]) == (412, "merge")
    assert (merged.json["tiquet"]["titulo"], merged.json["tiquet"]["version"]) == ("Otro", 3)
    assert client.get(path, headers=tecnico.headers).json["version"] == 2


@pytest.mark.parametrize("value", ["si", "1", "", "TRUE"])
def test_the_parameter_is_true_or_false(client, tecnico, value):
    answer = client.post(TIQUETS, json=NUEVO, query_string={"simular": value}, headers=tecnico.headers)

    assert (answer.status_code, codes(answer)) == (422, {"simular": ["tipo"]})


def test_what_is_not_simulated_is_done(client, tecnico):
    answer = client.post(f"{TIQUETS}?simular=false", json=NUEVO, headers=tecnico.headers)

    assert answer.status_code == 201
    assert client.get(answer.headers["Location"], headers=tecnico.headers).json == answer.json


def test_the_document_tells_of_both_answers(app):
    answers = document_of(app)["paths"][TIQUETS]["post"]["responses"]

    assert {"200", "201"} <= set(answers)
    assert answers["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Simulacion")
