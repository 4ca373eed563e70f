"""Editing and erasing comments: by whom, and what is left of what they said."""

from collections import Counter

import pytest

from app.extensions import db
from app.models import LogTransaccional
from tests import factories
from tests.factories import quien
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"


@pytest.fixture
def comment(client, tecnico):
    """The address of a technician's comment, and of its ticket."""
    ticket = f"{TICKETS}/{factories.tiquet()}"
    made = client.post(f"{ticket}/comentarios", json={"mensaje": "Lo miro"}, headers=tecnico.headers)
    return made.headers["Location"], ticket


def events(accion):
    return [event.cambios for event in db.session.query(LogTransaccional).filter_by(accion=accion)]


def test_an_author_edits_its_comment_and_the_log_keeps_what_it_said(client, tecnico, comment):
    address, ticket = comment
    before = client.get(ticket, headers=tecnico.headers).json

    answer = client.put(address, json={"mensaje": "Ya está"}, headers=tecnico.headers)

    assert (answer.json["mensaje"], answer.json["version"]) == ("Ya está", 2)
    assert answer.json["fecha_edicion"] is not None
    [changes] = events("comentario.actualizado")
    assert {"campo": "mensaje", "anterior": "Lo miro", "nuevo": "Ya está"} in changes
    assert client.get(ticket, headers=tecnico.headers).json == before


def test_a_whole_comment_can_be_sent_back_and_only_its_text_be_changed(client, tecnico, comment):
    shown = client.get(comment[0], headers=tecnico.headers).json

    same = client.put(comment[0], json=shown, headers=tecnico.headers)
    other = client.put(comment[0], json=shown | {"es_interno": False}, headers=tecnico.headers)

    assert same.json == shown
    assert other.json["errores"]["es_interno"][0]["codigo"] == "solo_lectura"
    assert events("comentario.actualizado") == []


def test_erasing_leaves_a_trace_and_the_right_count(client, tecnico, comment):
    address, ticket = comment

    assert client.delete(address, headers=tecnico.headers).status_code == 204

    assert client.get(address, headers=tecnico.headers).json["codigo"] == "comentario_no_encontrado"
    assert client.get(ticket, headers=tecnico.headers).json["numero_comentarios"] == 0
    [gone] = events("comentario.eliminado")
    assert {"campo": "mensaje", "anterior": "Lo miro", "nuevo": None} in gone
    [count] = events("tiquet.comentario_eliminado")
    assert count == [{"campo": "numero_comentarios", "anterior": 1, "nuevo": 0}]


@pytest.mark.parametrize(("role", "status"), [("Técnico", 403), ("Administrador", 200)])
def test_another_may_change_it_only_as_an_administrator(client, comment, role, status):
    other = quien(role)

    assert client.patch(comment[0], json={"mensaje": "Otra"}, headers=other.headers).status_code == status
    erased = client.delete(comment[0], headers=other.headers).status_code
    assert erased == (204 if status == 200 else 403)


def test_an_edit_of_what_was_edited_meanwhile_is_told(client, admin, tecnico, comment):
    etag = client.get(comment[0], headers=tecnico.headers).headers["ETag"]
    client.put(comment[0], json={"mensaje": "De otra persona"}, headers=admin.headers)

    late = client.put(comment[0], json={"mensaje": "Mío"}, headers=tecnico.headers | {"If-Match": etag})

    assert (late.status_code, late.json["modificado_por"]["id"]) == (412, admin.id)
    assert "mensaje" in late.json["campos"]


def test_a_comment_of_a_ticket_in_the_trash_can_be_neither_changed_nor_erased(client, admin, comment):
    address, ticket = comment
    client.delete(ticket, headers=admin.headers)

    for answer in (
        client.put(address, json={"mensaje": "x"}, headers=admin.headers),
        client.delete(address, headers=admin.headers),
    ):
        assert (answer.status_code, answer.json["codigo"]) == (404, "tiquet_no_encontrado")


def test_the_count_is_right_while_many_comment_and_erase(committed):
    author = quien("Administrador")
    ticket = f"{TICKETS}/{factories.tiquet()}/comentarios"

    def work(number):
        mine = committed.test_client()
        made = mine.post(ticket, json={"mensaje": f"De {number}"}, headers=author.headers)
        if number % 2:
            return mine.delete(made.headers["Location"], headers=author.headers).status_code
        return made.status_code

    assert Counter(at_once(12, work)) == {201: 6, 204: 6}
    client = committed.test_client()
    shown = client.get(ticket.removesuffix("/comentarios"), headers=author.headers).json
    assert shown["numero_comentarios"] == 6
    assert client.get(ticket, headers=author.headers).json["paginacion"]["total"] == 6
