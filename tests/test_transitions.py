"""Named actions and assignment, against the table of the contract."""

from collections import Counter

import pytest

from app.transitions import DESTINOS, NOMBRABLES
from tests import factories
from tests.factories import quien
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
CON = {"resolver": {"resolucion": "Se cambió el tóner"}, "cancelar": {"motivo": "Ya no hace falta"}}
# From -> action -> where it leads; the contract's table, written again on purpose.
ABIERTO = {"pedir_datos": "en_espera", "resolver": "resuelto", "cancelar": "cerrado"}
TABLA = {
    "nuevo": ABIERTO | {"responder": "nuevo"},
    "en_proceso": ABIERTO | {"responder": "en_proceso"},
    "en_espera": ABIERTO | {"responder": "en_proceso"},
    "resuelto": {
        "responder": "en_proceso",
        "reabrir": "en_proceso",
        "resolver": "resuelto",
        "cerrar": "cerrado",
    },
    "cerrado": {"reabrir": "en_proceso"},
}


@pytest.fixture
def do(client):
    """An action of somebody's on a ticket."""

    def do(who, id, accion, **more):
        body = {"accion": accion, **CON.get(accion, {}), **more}
        return client.post(f"{TICKETS}/{id}/transiciones", json=body, headers=who.headers)

    return do


@pytest.fixture
def hand(client):
    """``asignar``, ``tomar`` or ``soltar``."""

    def hand(who, id, how, **body):
        return client.post(f"{TICKETS}/{id}/{how}", json=body, headers=who.headers)

    return hand


@pytest.mark.parametrize("desde", TABLA)
@pytest.mark.parametrize("accion", NOMBRABLES)
def test_an_action_leads_where_the_table_says(do, admin, desde, accion):
    id = tiquet_en(desde)

    answer = do(admin, id, accion)

    if accion in TABLA[desde]:
        assert answer.status_code == 200, answer.json
        assert answer.json["estado"]["tipo"] == TABLA[desde][accion]
    else:
        assert (answer.status_code, answer.json["codigo"]) == (409, "transicion_no_permitida")
        assert set(answer.json["transiciones_permitidas"]) == set(TABLA[desde])


@pytest.mark.parametrize("desde", TABLA)
@pytest.mark.parametrize("role", ["Administrador", "Técnico", "Solicitante"])
def test_what_is_told_to_be_possible_is_possible_and_nothing_else(client, do, desde, role):
    who = quien(role)

    def tiquet():
        return tiquet_en(desde, id_usuario_creador=who.id)

    told = client.get(f"{TICKETS}/{tiquet()}/transiciones", headers=who.headers).json["data"]

    possible = {accion for accion in NOMBRABLES if do(who, tiquet(), accion).status_code == 200}
    assert {step["accion"] for step in told} == possible
    assert {step["accion"]: step["tipo_destino"] for step in told} == {
        accion: DESTINOS[desde, accion] for accion in possible
    }
    assert {step["accion"]: step["requiere"] for step in told if step["requiere"]} == {
        accion: list(CON[accion]) for accion in possible if accion in CON
    }


def test_each_action_stamps_its_times(do, tecnico):
    id = factories.tiquet()

    resolved = do(tecnico, id, "resolver").json
    closed = do(tecnico, id, "cerrar").json

    assert resolved["fecha_resolucion"] is not None
    assert resolved["id_usuario_asignado"] == tecnico.id
    assert closed["fecha_cierre"] is not None
    assert (closed["motivo_cierre"], closed["fecha_resolucion"]) == ("resuelto", resolved["fecha_resolucion"])


@pytest.mark.parametrize("accion", ["reabrir", "responder"])
def test_going_back_to_work_is_counted_and_clears_the_end(do, tecnico, accion):
    answer = do(tecnico, tiquet_en("resuelto"), accion).json

    assert (answer["veces_reabierto"], answer["fecha_resolucion"], answer["resolucion"]) == (1, None, None)


def test_cancelling_tells_why_and_resolves_nothing(do, tecnico):
    answer = do(tecnico, factories.tiquet(), "cancelar", motivo_cierre="duplicado").json

    assert (answer["motivo_cierre"], answer["resolucion"]) == ("duplicado", "Ya no hace falta")
    assert answer["fecha_resolucion"] is None


def test_what_is_cancelled_for_no_other_reason_is_closed_as_cancelled(do, tecnico):
    assert do(tecnico, factories.tiquet(), "cancelar").json["motivo_cierre"] == "cancelado"


def test_a_technician_who_may_not_reopen_is_told_who_may(do, tecnico):
    answer = do(tecnico, tiquet_en("cerrado"), "reabrir")

    assert (answer.status_code, answer.json["roles"]) == (403, ["Administrador", "Solicitante"])


def test_a_resolution_can_be_written_again_without_another_resolving(do, tecnico):
    id = tiquet_en("resuelto")
    before = do(tecnico, id, "resolver").json

    again = do(tecnico, id, "resolver", resolucion="Se cambió el rodillo").json

    assert again["resolucion"] == "Se cambió el rodillo"
    assert again["fecha_resolucion"] == before["fecha_resolucion"]


def test_a_state_of_the_right_type_can_be_named(do, tecnico):
    assert do(tecnico, factories.tiquet(), "pedir_datos", id_estado=4).json["id_estado"] == 4
    wrong = do(tecnico, factories.tiquet(), "pedir_datos", id_estado=2)
    unknown = do(tecnico, factories.tiquet(), "pedir_datos", id_estado=999)

    assert wrong.json["errores"]["id_estado"][0]["codigo"] == "de_otro_tipo"
    assert "«en_espera»" in wrong.json["errores"]["id_estado"][0]["mensaje"]
    assert unknown.json["errores"]["id_estado"][0]["codigo"] == "no_existe"


def test_what_stays_in_its_type_stays_in_its_state(do, tecnico):
    waiting = tiquet_en("en_espera", id_estado=4)

    assert do(tecnico, waiting, "pedir_datos").json["id_estado"] == 4


def test_which_state_it_is_is_not_for_those_to_say_who_ask(do):
    who = quien("Solicitante")
    id = tiquet_en("en_espera", id_usuario_creador=who.id)

    refused = do(who, id, "responder", id_estado=2)

    assert (refused.status_code, refused.json["permiso"]) == (403, "tiquet.gestionar")
    assert do(who, id, "responder").status_code == 200


def test_a_refused_action_is_named_with_the_type_that_it_does_not_go_with(do, admin):
    detail = do(admin, tiquet_en("resuelto"), "pedir_datos").json["detail"]

    assert "«resuelto»" in detail
    assert "«pedir_datos»" in detail


@pytest.mark.parametrize(
    ("body", "errores"),
    [
        ({}, {"accion": "requerido"}),
        ({"accion": "volar"}, {"accion": "opcion"}),
        ({"accion": "cancelar"}, {"motivo": "requerido"}),
        ({"accion": "resolver"}, {"resolucion": "resolucion_requerida"}),
        ({"accion": "cerrar", "resolucion": "x"}, {"resolucion": "no_es_de_esta_accion"}),
        ({"accion": "resolver", "resolucion": "x", "motivo": "x"}, {"motivo": "no_es_de_esta_accion"}),
    ],
    ids=str,
)
def test_an_action_without_what_it_needs_is_refused(client, tecnico, body, errores):
    answer = client.post(f"{TICKETS}/{factories.tiquet()}/transiciones", json=body, headers=tecnico.headers)

    assert answer.status_code == 422
    assert {campo: fallas[0]["codigo"] for campo, fallas in answer.json["errores"].items()} == errores


def test_taking_starts_work_and_releasing_ends_it(hand, tecnico):
    id = factories.tiquet()

    taken = hand(tecnico, id, "tomar").json
    again = hand(tecnico, id, "tomar").json
    free = hand(tecnico, id, "soltar").json

    assert (taken["id_usuario_asignado"], taken["estado"]["tipo"]) == (tecnico.id, "en_proceso")
    assert again == taken
    assert (free["usuario_asignado"], free["estado"]["tipo"]) == (None, "nuevo")


@pytest.mark.parametrize(
    ("desde", "how", "hacia"),
    [
        ("nuevo", "asignar", "en_proceso"),
        ("en_proceso", "asignar", "en_proceso"),
        ("en_espera", "asignar", "en_proceso"),
        ("en_proceso", "soltar", "nuevo"),
        ("en_espera", "soltar", "nuevo"),
    ],
)
def test_to_change_hands_leads_where_the_table_says(hand, admin, tecnico, desde, how, hacia):
    id = tiquet_en(desde, id_usuario_asignado=None if desde == "nuevo" else tecnico.id)

    answer = hand(admin, id, how, **({"id_usuario": admin.id} if how == "asignar" else {})).json

    assert (answer["estado"]["tipo"], answer["id_usuario_asignado"]) == (
        hacia,
        admin.id if how == "asignar" else None,
    )


@pytest.mark.parametrize("role", ["Administrador", "Técnico"])
def test_taking_what_somebody_has_says_who(hand, tecnico, role):
    id = tiquet_en("en_proceso", id_usuario_asignado=tecnico.id)

    answer = hand(quien(role), id, "tomar")

    assert (answer.status_code, answer.json["codigo"]) == (409, "tiquet_ya_asignado")


def test_a_technician_hands_on_only_what_it_has_or_nobody_has(hand, admin, tecnico):
    other = quien("Técnico")
    theirs = tiquet_en("en_proceso", id_usuario_asignado=other.id)

    assert hand(tecnico, theirs, "asignar", id_usuario=admin.id).status_code == 403
    assert hand(tecnico, theirs, "soltar").status_code == 403
    assert hand(other, theirs, "asignar", id_usuario=tecnico.id).json["id_usuario_asignado"] == tecnico.id
    assert hand(admin, theirs, "asignar", id_usuario=other.id).json["id_usuario_asignado"] == other.id


def test_only_active_staff_is_given_a_ticket(hand, admin):
    gone = factories.UsuarioFactory(activo=False).id

    answer = hand(admin, factories.tiquet(), "asignar", id_usuario=gone)

    assert answer.json["errores"]["id_usuario"][0]["codigo"] == "usuario_no_asignable"


@pytest.mark.parametrize("how", ["asignar", "tomar", "soltar"])
@pytest.mark.parametrize("tipo", ["resuelto", "cerrado"])
def test_a_finished_ticket_changes_no_hands(hand, admin, how, tipo):
    body = {"id_usuario": admin.id} if how == "asignar" else {}
    id = tiquet_en(tipo, id_usuario_asignado=None)

    assert hand(admin, id, how, **body).json["codigo"] == "transicion_no_permitida"


def test_of_fifty_who_take_a_ticket_at_once_one_gets_it(committed):
    id = factories.tiquet()
    staff = [quien("Técnico") for _ in range(50)]

    def work(number):
        return committed.test_client().post(f"{TICKETS}/{id}/tomar", headers=staff[number].headers)

    answers = at_once(50, work)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    winner = next(
        answer.json["usuario_asignado"]["nombre"] for answer in answers if answer.status_code == 200
    )
    assert {winner in answer.json["detail"] for answer in answers if answer.status_code == 409} == {True}
