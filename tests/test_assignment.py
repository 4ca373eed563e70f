"""Categories that give out their new tickets by themselves."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import transaction
from app.extensions import db
from app.models import Tiquet, UsuarioCategoria, utcnow
from app.queries.desk import assignment as queries
from tests import factories
from tests.factories import NUEVO, UsuarioFactory, quien
from tests.plans import TIQUETS, plant_tickets, reading
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once

TICKETS, CATEGORIAS = "/api/tickets/tickets", "/api/tickets/categorias"
MODOS = ("rotativa", "menos_carga")


def serve(categoria, *ids, **fields):
    """Let users serve a category."""
    db.session.add_all(UsuarioCategoria(id_usuario=id, id_categoria=categoria, **fields) for id in ids)
    db.session.commit()


def crew(categoria, count, **fields):
    """So many who serve it."""
    ids = [UsuarioFactory(**fields).id for _ in range(count)]
    serve(categoria, *ids)
    return ids


@pytest.fixture
def opened(call, tecnico):
    """The ids of those who are given new tickets of a category, one after the other."""

    def opened(categoria, count=1, **fields):
        answers = [
            call(tecnico, "POST", TICKETS, NUEVO | {"id_categoria": categoria} | fields) for _ in range(count)
        ]
        return [answer.json["id_usuario_asignado"] for answer in answers]

    return opened


def test_a_category_tells_how_it_gives_out_its_tickets(call, admin):
    made = call(admin, "POST", CATEGORIAS, {"nombre": "Nube"}).json
    path = f"{CATEGORIAS}/{made['id']}"

    assert made["asignacion"] == "ninguna"
    assert call(admin, "PUT", path, {"asignacion": "rotativa"}).json["asignacion"] == "rotativa"
    assert call(admin, "GET", path).json["asignacion"] == "rotativa"


def test_in_turn_each_gets_the_next_ticket_and_who_got_none_yet_comes_first(opened):
    categoria = factories.fila("categorias", asignacion="rotativa")
    first, second = crew(categoria, 2)

    assert opened(categoria, 3) == [first, second, first]
    (third,) = crew(categoria, 1)
    assert opened(categoria, 4) == [third, second, first, third]


def test_a_turn_is_not_lost_when_the_categories_of_a_user_change(call, admin, opened):
    categoria, other = (factories.fila("categorias", asignacion="rotativa") for _ in range(2))
    first, second = (UsuarioFactory().id for _ in range(2))
    for id in (first, second):
        call(admin, "PUT", f"/api/users/{id}", {"categorias": [categoria]})
    assert opened(categoria) == [first]

    call(admin, "PUT", f"/api/users/{first}", {"categorias": [other, categoria]})

    assert opened(categoria) == [second]
    assert opened(other) == [first]


def test_a_clock_that_is_ahead_elsewhere_does_not_keep_anybodys_turn(opened):
    categoria = factories.fila("categorias", asignacion="rotativa")
    ahead, behind = (UsuarioFactory().id for _ in range(2))
    serve(categoria, ahead, ultima_asignacion=utcnow() + timedelta(hours=1))
    serve(categoria, behind, ultima_asignacion=utcnow())

    assert opened(categoria, 4) == [behind, ahead, behind, ahead]


def test_by_load_whoever_has_the_fewest_open_tickets_gets_the_next(opened):
    categoria = factories.fila("categorias", asignacion="menos_carga")
    busy, free = crew(categoria, 2)
    for tipo in ("nuevo", "en_proceso", "en_espera"):
        tiquet_en(tipo, id_usuario_asignado=busy)
    for tipo in ("resuelto", "cerrado", "cerrado", "cerrado", "cerrado"):
        tiquet_en(tipo, id_usuario_asignado=free)
    for _ in range(4):
        tiquet_en("en_proceso", id_usuario_asignado=free, fecha_eliminacion=utcnow())

    assert opened(categoria, 5) == [free, free, free, busy, free]


@pytest.mark.parametrize("asignacion", MODOS)
def test_nobody_gets_it_who_is_away_gone_no_staff_or_of_another_category(opened, asignacion):
    categoria = factories.fila("categorias", asignacion=asignacion)
    for fields in ({"disponible": False}, {"activo": False}, {"tipo_usuario": "Solicitante"}):
        crew(categoria, 1, **fields)
    crew(1, 1)

    assert opened(categoria) == [None]
    (administrador,) = crew(categoria, 1, tipo_usuario="Administrador")
    assert opened(categoria, 2) == [administrador] * 2


def test_a_ticket_that_is_given_out_is_being_worked_on_and_one_event_says_all(call, events, tecnico):
    categoria = factories.fila("categorias", asignacion="rotativa")
    (who,) = crew(categoria, 1)

    made = call(tecnico, "POST", TICKETS, NUEVO | {"id_categoria": categoria})

    tiquet = made.json
    assert (tiquet["estado"]["tipo"], tiquet["id_usuario_asignado"], tiquet["version"]) == (
        "en_proceso",
        who,
        1,
    )
    assert tiquet["fecha_asignacion"] is not None
    (event,) = events("tiquet.creado")
    told = {change["campo"]: change["nuevo"] for change in event.cambios}
    assert (told["id_usuario_asignado"], told["id_estado"]) == (who, tiquet["id_estado"])
    assert events("tiquet.actualizado") == events("seguidor.creado") == []
    listed = call(tecnico, "GET", f"{made.headers['Location']}/seguidores").json["data"]
    assert {row["id_usuario"]: row["motivo"] for row in listed} == {tecnico.id: "creador", who: "asignado"}


def test_what_names_its_assignee_or_is_not_new_is_not_given_out(opened, tecnico):
    categoria = factories.fila("categorias", asignacion="rotativa")
    first, second = crew(categoria, 2)

    assert opened(categoria, id_usuario_asignado=second) == [second]
    assert opened(categoria, id_estado=3) == [None]
    assert opened(categoria, id_estado=5, resolucion="Se cambió el tóner") == [tecnico.id]
    assert opened(categoria, id_usuario_asignado=None) == [first]
    assert opened(categoria, id_estado=1) == [second]


def test_moving_a_ticket_into_the_category_gives_it_to_nobody(call, tecnico):
    categoria = factories.fila("categorias", asignacion="rotativa")
    crew(categoria, 1)

    moved = call(tecnico, "PUT", f"{TICKETS}/{factories.tiquet()}", {"id_categoria": categoria})

    assert (moved.json["id_categoria"], moved.json["id_usuario_asignado"]) == (categoria, None)


def test_a_refused_ticket_takes_nobodys_turn(call, opened, tecnico):
    categoria = factories.fila("categorias", asignacion="rotativa")
    first, _second = crew(categoria, 2)

    refused = call(tecnico, "POST", TICKETS, NUEVO | {"id_categoria": categoria, "id_ubicacion": 999})

    assert refused.status_code == 422
    assert opened(categoria) == [first]


def open_at_once(app, categoria, creators, count):
    """Whom so many tickets of a category are given to that are opened at once, and how often."""
    body = NUEVO | {"id_categoria": categoria}

    def work(number):
        who = creators[number % len(creators)]
        return app.test_client().post(TICKETS, json=body, headers=who.headers)

    answers = at_once(count, work)
    assert Counter(answer.status_code for answer in answers) == {201: count}
    return Counter(answer.json["id_usuario_asignado"] for answer in answers)


@pytest.fixture
def categories(committed):
    """One of each kind, that are as they were before afterwards."""
    ids = {modo: id for id, modo in enumerate(MODOS, start=1)}
    admin = quien("Administrador")
    client = committed.test_client()

    def give_out(**asignacion):
        for modo, id in ids.items():
            body = {"asignacion": asignacion.get(modo, modo)}
            client.put(f"{CATEGORIAS}/{id}", json=body, headers=admin.headers)

    give_out()
    yield ids
    give_out(**dict.fromkeys(MODOS, "ninguna"))


@pytest.mark.parametrize("asignacion", MODOS)
def test_of_twenty_opened_at_once_each_of_four_gets_five(committed, categories, asignacion):
    crowd = crew(categories[asignacion], 4)
    creators = [quien("Técnico") for _ in range(5)]

    given = open_at_once(committed, categories[asignacion], creators, 20)

    assert given == dict.fromkeys(crowd, 5)
    db.session.rollback()
    assert db.session.query(Tiquet).filter(Tiquet.id_usuario_asignado.in_(crowd)).count() == 20


@pytest.mark.parametrize("asignacion", MODOS)
def test_those_who_open_tickets_may_be_those_who_get_them(committed, categories, asignacion):
    creators = [quien("Técnico") for _ in range(4)]
    serve(categories[asignacion], *(who.id for who in creators))

    given = open_at_once(committed, categories[asignacion], creators, 12)

    assert given == {who.id: 3 for who in creators}


@pytest.mark.mariadb
@pytest.mark.parametrize("asignacion", MODOS)
def test_whoever_waits_for_its_turn_then_sees_what_the_others_did_and_need_not_try_again(
    committed, categories, asignacion
):
    again = []

    def note(_sender, **_about):
        again.append(1)

    crowd = crew(categories[asignacion], 2)
    with transaction.retried.connected_to(note):
        given = open_at_once(committed, categories[asignacion], [quien("Técnico") for _ in range(6)], 6)

    assert (given, again) == (dict.fromkeys(crowd, 3), [])


@pytest.mark.mariadb
def test_the_load_is_read_from_the_open_tickets_and_not_from_all_there_ever_were(committed):
    first = plant_tickets(trashed=50)
    db.session.execute(text("UPDATE Tiquet SET id_estado = IF(id % 50 = 7, 2, 6)"))
    db.session.execute(text("ANALYZE TABLE Tiquet"))
    ids = [first["usuario"] + place for place in range(1, 8)]

    with reading() as lectura:
        load = queries.open_tickets_of(ids, [1, 2, 3, 4])

    assert load == {first["usuario"] + 7: TIQUETS // 50}
    assert lectura.indexes == {"ix_Tiquet_lista_id_estado"}
    assert lectura.rows <= 3 * TIQUETS // 50
