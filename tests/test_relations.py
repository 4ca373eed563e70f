"""How tickets belong together: parents and children, duplicates, and what is only related."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import insert, select, text

from app.extensions import db
from app.models import Relaciones, Tiquet, utcnow
from app.permissions import Actor
from app.queries import catalog
from app.queries.desk import relations
from app.queries.desk.relations import MAX_NIVELES
from app.queries.pagination import Corte
from app.services import maintenance
from tests import factories
from tests.client import codes
from tests.plans import LIMITE, plant_tickets, reading
from tests.rows import INICIO
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
NADIE = 2147483647


@pytest.fixture
def relate(call, tecnico):
    def relate(id, tipo, otro, who=tecnico, **headers):
        return call(who, "POST", f"{TICKETS}/{id}/relaciones", {"tipo": tipo, "id_tiquet": otro}, **headers)

    return relate


@pytest.fixture
def seen(call, tecnico):
    """What a ticket's list shows: what the others are to it, in the order of the list."""

    def seen(id):
        listed = call(tecnico, "GET", f"{TICKETS}/{id}/relaciones").json
        assert listed["paginacion"]["total"] == len(listed["data"])
        return [(row["tipo"], row["id_tiquet"]) for row in listed["data"]]

    return seen


@pytest.fixture
def padre(call, tecnico):
    """The parent that a ticket shows, and its version."""

    def padre(id):
        shown = call(tecnico, "GET", f"{TICKETS}/{id}").json
        return shown["id_tiquet_padre"], shown["version"]

    return padre


def tiquets(count):
    who = factories.UsuarioFactory().id
    return [factories.tiquet(id_usuario_creador=who) for _ in range(count)]


@pytest.mark.parametrize(
    ("tipo", "inverso"),
    [
        ("padre", "hijo"),
        ("hijo", "padre"),
        ("duplicado_de", "duplicado_por"),
        ("relacionado", "relacionado"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_each_of_two_tickets_shows_what_the_other_is_to_it(relate, seen, tipo, inverso, place):
    one, other = tiquets(2)[:: 1 - 2 * place]

    assert relate(one, tipo, other).status_code == 201

    assert seen(one) == [(tipo, other)]
    assert seen(other) == [(inverso, one)]


def test_a_relation_is_shown_as_it_was_created_and_names_the_other_ticket(call, relate, tecnico):
    one, other = tiquets(2)

    answer = relate(one, "duplicado_de", other)

    row = answer.json
    assert (row["tipo"], row["id_tiquet"], row["version"]) == ("duplicado_de", other, 1)
    whole = call(tecnico, "GET", f"{TICKETS}/{other}").json
    assert row["tiquet"] == {name: whole[name] for name in ("id", "numero", "titulo", "estado")}
    assert row["autor"]["id"] == tecnico.id
    assert answer.headers["Location"] == f"{TICKETS}/{one}/relaciones/{row['id']}"
    item = call(tecnico, "GET", answer.headers["Location"])
    assert (item.json, item.headers["ETag"]) == (row, answer.headers["ETag"])
    assert call(tecnico, "GET", f"{TICKETS}/{one}/relaciones").json["data"] == [row]
    assert call(tecnico, "GET", f"{TICKETS}/{other}/relaciones/{row['id']}").json["tipo"] == "duplicado_por"


@pytest.mark.parametrize("tipo", ["padre", "hijo"])
def test_a_child_shows_its_parent_as_a_change_of_its_own(relate, padre, events, tecnico, tipo):
    child, parent = tiquets(2)
    here, there = (child, parent) if tipo == "padre" else (parent, child)

    id = relate(here, tipo, there).json["id"]

    assert padre(child) == (parent, 2)
    assert padre(parent) == (None, 1)
    (created,) = events("relacion.creado")
    assert created[:4] == (tecnico.id, id, here, 1)
    (changed,) = events("tiquet.actualizado")
    assert changed[:4] == (tecnico.id, child, child, 2)
    assert changed.cambios == [{"campo": "id_tiquet_padre", "anterior": None, "nuevo": parent}]


@pytest.mark.parametrize("tipo", ["duplicado_de", "relacionado"])
def test_other_relations_change_neither_ticket(call, relate, tecnico, tipo):
    one, other = tiquets(2)
    before = [call(tecnico, "GET", f"{TICKETS}/{id}").headers["ETag"] for id in (one, other)]

    relate(one, tipo, other)

    assert [call(tecnico, "GET", f"{TICKETS}/{id}").headers["ETag"] for id in (one, other)] == before


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (("padre", 0, 1), ("hijo", 1, 0)),
        (("relacionado", 0, 1), ("relacionado", 1, 0)),
        (("duplicado_de", 0, 1), ("duplicado_de", 0, 1)),
    ],
)
def test_two_tickets_are_related_once_in_each_way(relate, first, again):
    ids = tiquets(2)
    relate(ids[first[1]], first[0], ids[first[2]])

    answer = relate(ids[again[1]], again[0], ids[again[2]])

    assert (answer.status_code, answer.json["codigo"]) == (409, "ya_relacionados")
    assert db.session.query(Relaciones).count() == 1


def test_two_tickets_may_be_related_in_several_ways(relate, seen):
    one, other = tiquets(2)

    for tipo in ("relacionado", "padre", "duplicado_de"):
        assert relate(one, tipo, other).status_code == 201

    assert seen(one) == [("relacionado", other), ("padre", other), ("duplicado_de", other)]


def test_a_child_has_one_parent(relate, padre):
    child, parent, other = tiquets(3)
    relate(child, "padre", parent)

    answers = [relate(child, "padre", other), relate(other, "hijo", child)]

    assert {(one.status_code, one.json["codigo"]) for one in answers} == {(409, "ya_tiene_padre")}
    assert f"SP-{parent:06}" in answers[0].json["detail"]
    assert padre(child) == (parent, 2)


@pytest.mark.parametrize("tipo", ["padre", "duplicado_de"])
@pytest.mark.parametrize("length", [2, 3, MAX_NIVELES])
def test_no_ticket_lies_in_itself_however_far(relate, tipo, length):
    ids = tiquets(length)
    for lower, upper in pairwise(ids):
        assert relate(lower, tipo, upper).status_code == 201

    answer = relate(ids[-1], tipo, ids[0])

    assert (answer.status_code, codes(answer)) == (422, {"id_tiquet": ["ciclo"]})


@pytest.mark.parametrize("tipo", ["padre", "duplicado_de"])
@pytest.mark.parametrize("below", [0, 4, MAX_NIVELES - 1])
def test_a_chain_has_ten_tickets_wherever_it_is_joined(relate, tipo, below):
    ids = tiquets(MAX_NIVELES + 1)
    for place, pair in enumerate(pairwise(ids)):
        if place != below:
            assert relate(pair[0], tipo, pair[1]).status_code == 201

    answer = relate(ids[below], tipo, ids[below + 1])

    assert (answer.status_code, codes(answer)) == (422, {"id_tiquet": ["demasiados_niveles"]})


def test_parents_and_duplicates_are_chains_of_their_own(relate):
    one, other = tiquets(2)
    relate(one, "padre", other)

    assert relate(other, "duplicado_de", one).status_code == 201


@pytest.mark.parametrize(
    ("otro", "codigo"), [("itself", "el_mismo_tiquet"), ("unknown", "no_existe"), ("trashed", "no_existe")]
)
def test_the_other_ticket_is_another_one_that_is_seen(relate, otro, codigo):
    one = factories.tiquet()
    ids = {"itself": one, "unknown": NADIE, "trashed": factories.tiquet(fecha_eliminacion=utcnow())}

    answer = relate(one, "padre", ids[otro])

    assert (answer.status_code, codes(answer)) == (422, {"id_tiquet": [codigo]})


@pytest.mark.parametrize(
    ("body", "errores"),
    [
        ({}, {"tipo": ["requerido"], "id_tiquet": ["requerido"]}),
        ({"tipo": "duplicado_por", "id_tiquet": 1}, {"tipo": ["opcion"]}),
        ({"tipo": "padre", "id_tiquet": None}, {"id_tiquet": ["nulo"]}),
        ({"tipo": "padre", "id_tiquet": 1, "id_autor": 1}, {"id_autor": ["desconocido"]}),
    ],
)
def test_a_faulty_relation_is_refused(call, tecnico, body, errores):
    answer = call(tecnico, "POST", f"{TICKETS}/{factories.tiquet()}/relaciones", body)

    assert (answer.status_code, codes(answer)) == (422, errores)


@pytest.mark.parametrize("end", [0, 1])
def test_a_relation_ends_at_either_ticket(call, relate, seen, padre, events, admin, end):
    ids = tiquets(2)
    id = relate(ids[0], "padre", ids[1]).json["id"]

    assert call(admin, "DELETE", f"{TICKETS}/{ids[end]}/relaciones/{id}").status_code == 204

    assert (seen(ids[0]), seen(ids[1])) == ([], [])
    assert padre(ids[0]) == (None, 3)
    (erased,) = events("relacion.eliminado")
    assert erased[:4] == (admin.id, id, ids[end], 2)
    assert relate(ids[0], "padre", ids[1]).status_code == 201


def test_what_a_ticket_is_related_to_is_hidden_while_in_the_trash(call, relate, seen, padre, admin):
    one, other = tiquets(2)
    id = relate(one, "padre", other).json["id"]
    call(admin, "DELETE", f"{TICKETS}/{other}")

    assert seen(one) == []
    for method in ("GET", "DELETE"):
        answer = call(admin, method, f"{TICKETS}/{one}/relaciones/{id}")
        assert (answer.status_code, answer.json["codigo"]) == (404, "relacion_no_encontrada")
        answer = call(admin, method, f"{TICKETS}/{other}/relaciones/{id}")
        assert (answer.status_code, answer.json["codigo"]) == (404, "tiquet_no_encontrado")
    call(admin, "POST", f"{TICKETS}/{other}/restaurar")
    assert seen(one) == [("padre", other)]
    assert padre(one) == (other, 2)


def test_a_circle_through_the_trash_is_one_too(call, relate, admin):
    one, other, third = tiquets(3)
    relate(one, "padre", other)
    relate(other, "padre", third)
    call(admin, "DELETE", f"{TICKETS}/{other}")

    assert codes(relate(third, "padre", one)) == {"id_tiquet": ["ciclo"]}


def test_a_ticket_that_is_erased_for_good_leaves_no_relation(call, relate, seen, padre, events):
    gone, child, other = tiquets(3)
    relate(gone, "hijo", child)
    relate(other, "duplicado_de", gone)
    long_ago = utcnow() - timedelta(days=91)
    db.session.get_one(Tiquet, gone).fecha_eliminacion = long_ago
    db.session.commit()

    assert maintenance.maintain()["purgados"] == 1

    assert (seen(child), seen(other)) == ([], [])
    assert padre(child) == (None, 3)
    assert events("tiquet.actualizado")[-1].cambios == [
        {"campo": "id_tiquet_padre", "anterior": gone, "nuevo": None}
    ]


def test_the_parent_is_written_by_relations_only(call, relate, tecnico):
    child, parent = tiquets(2)
    relate(child, "padre", parent)
    whole = call(tecnico, "GET", f"{TICKETS}/{child}").json

    assert call(tecnico, "PUT", f"{TICKETS}/{child}", whole).status_code == 200
    answer = call(tecnico, "PUT", f"{TICKETS}/{child}", {"id_tiquet_padre": None})
    assert (answer.status_code, codes(answer)) == (422, {"id_tiquet_padre": ["solo_lectura"]})


def test_a_stale_relation_is_not_ended(call, relate, tecnico):
    one, other = tiquets(2)
    id = relate(one, "padre", other).json["id"]

    answer = call(tecnico, "DELETE", f"{TICKETS}/{one}/relaciones/{id}", If_Match='"7.0"')

    assert (answer.status_code, answer.json["version_actual"]) == (412, 1)


def test_the_same_key_relates_once(relate):
    one, other = tiquets(2)

    first, again = (relate(one, "padre", other, Idempotency_Key="una vez") for _ in range(2))

    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)


def test_two_who_put_each_ticket_into_the_other_at_once_make_no_circle(committed, padre, tecnico):
    for _ in range(20):
        db.session.remove()
        ids = tiquets(2)

        def work(number, ids=ids):
            body = {"tipo": "padre", "id_tiquet": ids[1 - number]}
            path = f"{TICKETS}/{ids[number]}/relaciones"
            return committed.test_client().post(path, json=body, headers=tecnico.headers)

        answers = at_once(2, work)

        assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 1}
        loser = next(number for number, answer in enumerate(answers) if answer.status_code == 422)
        assert codes(answers[loser]) == {"id_tiquet": ["ciclo"]}
        assert (padre(ids[loser])[0], padre(ids[1 - loser])[0]) == (None, ids[loser])


def test_two_who_join_two_chains_at_both_ends_at_once_make_no_circle(committed, relate, tecnico):
    """They touch no ticket in common: only the lock of all relations lets one see the other."""
    for _ in range(20):
        db.session.remove()
        ids = tiquets(4)
        relate(ids[0], "padre", ids[1])
        relate(ids[2], "padre", ids[3])

        def work(number, ids=ids):
            body = {"tipo": "padre", "id_tiquet": ids[2 - 2 * number]}
            path = f"{TICKETS}/{ids[1 + 2 * number]}/relaciones"
            return committed.test_client().post(path, json=body, headers=tecnico.headers)

        assert Counter(answer.status_code for answer in at_once(2, work)) == {201: 1, 422: 1}


def test_of_eight_who_give_a_ticket_a_parent_at_once_one_does(committed, padre, tecnico):
    child, *parents = tiquets(9)

    def work(number):
        body = {"tipo": "padre", "id_tiquet": parents[number]}
        path = f"{TICKETS}/{child}/relaciones"
        return committed.test_client().post(path, json=body, headers=tecnico.headers)

    answers = at_once(8, work)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    winner = next(answer.json["id_tiquet"] for answer in answers if answer.status_code == 201)
    assert padre(child) == (winner, 2)
    db.session.remove()
    assert list(db.session.scalars(select(Relaciones.id_relacionado))) == [winner]


@pytest.mark.mariadb
@pytest.mark.parametrize("place", [0, 3500])
def test_a_page_of_relations_reads_about_the_rows_it_shows(committed, place):
    """Among ten thousand relations, four thousand are of one ticket, half of them seen from either end."""
    first = plant_tickets(trashed=50)
    row = {"id_autor": first["usuario"], "fecha_creacion": INICIO, "version": 1, "tipo": "padre"}
    ends = [
        *({"id_tiquet": other, "id_relacionado": 1} for other in range(1001, 3001)),
        *({"id_tiquet": 1, "id_relacionado": other} for other in range(3001, 5001)),
        *({"id_tiquet": other, "id_relacionado": other + 1} for other in range(5001, 11001)),
    ]
    rows = [row | end for end in sorted(ends, key=lambda end: (end["id_tiquet"] * 7919) % 10007)]
    db.session.execute(insert(Relaciones), [{"id": id} | row for id, row in enumerate(rows, start=1)])
    db.session.commit()
    db.session.execute(text("ANALYZE TABLE Relaciones"))
    actor = Actor(id=first["usuario"], tipo_usuario="Técnico", epoca=catalog.load().epoca)
    catalog.all_catalogs(actor)
    mine = [id for id, row in enumerate(rows, start=1) if 1 in (row["id_tiquet"], row["id_relacionado"])]

    with reading("Relaciones") as lectura:
        pagina = relations.page(actor, 1, LIMITE, Corte((mine[place],), 1000))

    assert len(pagina.filas) == LIMITE
    print(f"at {place}: {lectura.rows} rows, {lectura.indexes}")  # noqa: T201 (pytest -s)
    assert lectura.rows <= 12 * (LIMITE + 1)
    assert lectura.indexes == {"ix_Relaciones_id_tiquet_id", "ix_Relaciones_id_relacionado_id"}
