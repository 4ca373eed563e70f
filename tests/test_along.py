"""One ticket is read by the statement that tells who asks, and by no other way than it is read alone."""

from dataclasses import replace

import pytest

from app.extensions import db
from app.models import Sesion, Usuario, utcnow
from app.permissions import SISTEMA
from app.queries import along
from app.queries.along import Leido
from app.queries.desk import tickets as queries
from tests import factories
from tests.rows import LISTA
from tests.statements import noted


@pytest.fixture
def ver(client):
    """Asks for one ticket; the answer and how many statements it took."""

    def ask(quien, id, **query):
        with noted() as statements:
            answer = client.get(f"{LISTA}/{id}", query_string=query, headers=quien.headers)
        return answer, len(statements)

    return ask


@pytest.mark.parametrize("rol", ["Administrador", "Técnico"])
def test_staff_gets_a_ticket_by_one_statement(client, ver, rol):
    quien, id = factories.quien(rol), factories.tiquet()
    client.get(f"{LISTA}/{id}", headers=quien.headers)  # The catalogs are known from here on.

    answer, taken = ver(quien, id)

    assert (answer.status_code, taken) == (200, 1)
    listed = client.get(LISTA, headers=quien.headers).json["data"]
    assert answer.json == next(tiquet for tiquet in listed if tiquet["id"] == id)


def test_what_is_not_there_is_not_found_by_one_statement(client, ver, tecnico):
    trashed = factories.tiquet(fecha_eliminacion=utcnow())
    client.get(f"{LISTA}/{trashed}", headers=tecnico.headers)

    for id in (trashed, 10**9):
        answer, taken = ver(tecnico, id)
        assert (answer.status_code, answer.json["codigo"], taken) == (404, "tiquet_no_encontrado", 1)


def test_who_is_not_staff_gets_what_it_may_see_and_no_more(client, ver):
    cliente = factories.ClienteFactory().id
    yo = factories.quien("Solicitante", id_cliente=cliente)
    suyo, ajeno = factories.tiquet(id_cliente=cliente), factories.tiquet()
    client.get(f"{LISTA}/{suyo}", headers=yo.headers)

    answer, taken = ver(yo, suyo)
    assert (answer.status_code, answer.json["id"], taken) == (200, suyo, 2)
    answer, taken = ver(yo, ajeno)
    assert (answer.status_code, answer.json["codigo"], taken) == (404, "tiquet_no_encontrado", 2)


def test_whose_session_has_ended_gets_nothing(ver):
    quien, id = factories.quien("Técnico"), factories.tiquet()
    db.session.get(Sesion, quien.sid).fin = utcnow()
    db.session.commit()

    answer, _ = ver(quien, id)

    assert (answer.status_code, answer.json["codigo"]) == (401, "sesion_terminada")


def test_who_has_to_change_the_password_gets_nothing(ver):
    quien, id = factories.quien("Técnico"), factories.tiquet()
    db.session.get(Usuario, quien.id).debe_cambiar_clave = True
    db.session.commit()

    answer, _ = ver(quien, id)

    assert (answer.status_code, answer.json["codigo"]) == (403, "cambio_de_clave_requerido")


def test_what_was_read_along_answers_the_same_question_once():
    uno, otro = factories.tiquet(), factories.tiquet()
    asked = queries.along_for_staff(uno)
    public = queries.item_statement(queries.NOT_IN_TRASH, False)
    actor = replace(SISTEMA, along=Leido(asked, "as it was"))

    assert along.scalar(actor, asked.statement, {"id": otro}).id == otro
    assert along.scalar(actor, public, {"id": uno}).id == uno
    assert along.scalar(actor, asked.statement, {"id": uno}) == "as it was"
    assert along.scalar(actor, asked.statement, {"id": uno}).id == uno
