"""A ticket or a page is read by the statement that tells who asks, and is what it would be read alone."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from app.extensions import db
from app.models import Sesion, Usuario, utcnow
from app.permissions import SISTEMA
from app.prepared import prepared
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


@pytest.fixture
def listar(client):
    """Asks for a page; the answer and how many statements it took."""

    def ask(quien, **query):
        client.get(LISTA, query_string=query, headers=quien.headers)  # The catalogs are known from here on.
        with noted() as statements:
            answer = client.get(LISTA, query_string=query, headers=quien.headers)
        return answer, len(statements)

    return ask


@pytest.mark.parametrize("rol", ["Administrador", "Técnico"])
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"limite": 2},
        {"id_usuario_asignado": "yo"},
        {"id_estado": ["1", "2"], "orden": "-prioridad"},
        {"tipo_estado": "nuevo", "orden": "fecha_actualizacion"},
    ],
    ids=str,
)
def test_staff_gets_a_page_by_one_statement_as_a_program_gets_it_by_its_own(listar, rol, query):
    quien = factories.quien(rol)
    for number in range(4):
        factories.tiquet(id_usuario_asignado=quien.id if number % 2 else None, id_estado=1)

    answer, taken = listar(quien, **query)
    of_program, _ = listar(factories.programa(quien.id, "tickets:leer"), **query)

    assert (answer.status_code, taken, of_program.status_code) == (200, 1, 200), of_program.json
    assert answer.json["data"]
    assert told(answer) == told(of_program)


def told(answer):
    """The tickets of a page, less what a program may not do to them, and its total."""
    by_role = ("permisos", "transiciones_permitidas")
    shown = [
        {key: value for key, value in tiquet.items() if key not in by_role} for tiquet in answer.json["data"]
    ]
    return shown, answer.json["paginacion"]["total"]


def test_who_is_not_staff_gets_a_page_of_what_it_may_see_by_one_statement_from_the_second_on(client, listar):
    cliente = factories.ClienteFactory().id
    yo = factories.quien("Solicitante", id_cliente=cliente)
    suyos = [factories.tiquet(id_usuario_creador=yo.id), factories.tiquet(id_cliente=cliente)]
    factories.tiquet()
    client.get(LISTA, headers=factories.quien("Técnico").headers)  # The catalogs are known from here on.

    with noted() as statements:
        first = client.get(LISTA, headers=yo.headers)
    answer, taken = listar(yo)

    assert (first.status_code, len(statements)) == (200, 2)
    assert (answer.status_code, taken) == (200, 1)
    assert first.json == answer.json
    assert [tiquet["id"] for tiquet in answer.json["data"]] == suyos[::-1]


@pytest.mark.parametrize(
    ("becoming", "sees"),
    [
        ({"id_cliente": None}, ("suyo",)),
        ({"tipo_usuario": "Técnico", "id_cliente": None}, ("ajeno", "de_cliente", "suyo")),
    ],
    ids=["without its customer", "a technician"],
)
def test_who_has_become_another_gets_the_page_of_who_it_is(client, listar, becoming, sees):
    cliente = factories.ClienteFactory().id
    yo = factories.quien("Solicitante", id_cliente=cliente)
    ids = {
        "suyo": factories.tiquet(id_usuario_creador=yo.id),
        "de_cliente": factories.tiquet(id_cliente=cliente),
        "ajeno": factories.tiquet(),
    }
    before, _ = listar(yo)
    db.session.execute(update(Usuario).where(Usuario.id == yo.id).values(**becoming))
    db.session.commit()

    first = client.get(LISTA, headers=yo.headers)
    after, taken = listar(yo)

    assert [tiquet["id"] for tiquet in before.json["data"]] == [ids["de_cliente"], ids["suyo"]]
    assert [tiquet["id"] for tiquet in first.json["data"]] == [ids[name] for name in sees]
    assert (after.json, taken) == (first.json, 1)


def test_the_trash_is_never_read_along(listar, admin, tecnico):
    trashed = factories.tiquet(fecha_eliminacion=utcnow())

    answer, taken = listar(admin, papelera="true")
    assert ([tiquet["id"] for tiquet in answer.json["data"]], taken) == ([trashed], 2)
    answer, _ = listar(tecnico, papelera="true")
    assert (answer.status_code, answer.json["codigo"]) == (403, "permiso_denegado")


@pytest.mark.parametrize(
    ("query", "status"),
    [({"no_hay": "1"}, 422), ({"limite": "0"}, 422), ({"orden": "nada"}, 422), ({"cursor": "nada"}, 400)],
    ids=str,
)
def test_what_is_wrong_with_a_page_is_told_to_who_may_know(listar, query, status):
    quien = factories.quien("Técnico")
    answer, taken = listar(quien, **query)
    assert (answer.status_code, taken) == (status, 1)

    db.session.get(Sesion, quien.sid).fin = utcnow()
    db.session.commit()
    answer, _ = listar(quien, **query)
    assert (answer.status_code, answer.json["codigo"]) == (401, "sesion_terminada")


def test_what_was_read_along_answers_the_same_question_once():
    uno, otro = factories.tiquet(), factories.tiquet()
    asked = queries.along_for_staff(uno)
    public = queries.item_statement(queries.NOT_IN_TRASH, False)
    actor = replace(SISTEMA, along=Leido(asked, "as it was"))

    assert along.scalar(actor, asked.statement, {"id": otro}).id == otro
    assert along.scalar(actor, public, {"id": uno}).id == uno
    assert along.scalar(actor, asked.statement, {"id": uno}) == "as it was"
    assert along.scalar(actor, asked.statement, {"id": uno}).id == uno


def test_for_all_who_see_by_the_same_columns_a_statement_is_compiled_once(client):
    def compiled_for(_number):
        """How many statements somebody's requests have compiled, who was not here before."""
        cliente = factories.ClienteFactory().id
        yo = factories.quien("Solicitante", id_cliente=cliente)
        suyo, ajeno = factories.tiquet(id_cliente=cliente), factories.tiquet()
        before = prepared.cache_info().misses
        assert client.get(f"{LISTA}/{suyo}", headers=yo.headers).json["id"] == suyo
        assert client.get(f"{LISTA}/{ajeno}", headers=yo.headers).status_code == 404
        assert client.post(LISTA, json=factories.NUEVO, headers=yo.headers).status_code == 201
        assert client.get(LISTA, headers=yo.headers).json["paginacion"]["total"] == 2
        return prepared.cache_info().misses - before

    compiled_for(0)

    assert [compiled_for(number) for number in (1, 2)] == [0, 0]
