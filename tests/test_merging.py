"""Merging one ticket into another: what moves, what is closed, and what stays so."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from app.extensions import db
from app.models import Comentarios, Tiquet, utcnow
from app.queries.desk.relations import MAX_NIVELES
from app.services import maintenance
from tests import factories
from tests.client import codes
from tests.factories import quien
from tests.test_lifecycle import tiquet_en
from tests.test_relations import tiquets
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
NADIE = 2147483647


@pytest.fixture
def merge(call, tecnico):
    def merge(id, destino, who=tecnico, **headers):
        return call(who, "POST", f"{TICKETS}/{id}/fusionar", {"id_destino": destino}, **headers)

    return merge


@pytest.fixture
def show(call, tecnico):
    def show(id, part=""):
        return call(tecnico, "GET", f"{TICKETS}/{id}{part}").json

    return show


@pytest.fixture
def comment(call, tecnico):
    def comment(id, who=tecnico, **body):
        return call(who, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Lo miro", **body}).json

    return comment


@pytest.fixture
def inside(call, tecnico):
    def inside(child, parent):
        body = {"tipo": "padre", "id_tiquet": parent}
        return call(tecnico, "POST", f"{TICKETS}/{child}/relaciones", body).json["id"]

    return inside


@pytest.mark.parametrize("tipo", ["nuevo", "en_proceso", "en_espera"])
def test_an_open_ticket_closes_and_points_at_where_it_goes_on(merge, show, tipo):
    origen, destino = tiquet_en(tipo), factories.tiquet()
    before = show(origen)

    answer = merge(origen, destino)

    assert (answer.status_code, answer.json) == (200, show(destino))
    after = show(origen)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        *("id_estado", "estado", "motivo_cierre", "resolucion", "id_tiquet_fusionado", "fecha_cierre"),
        *("fecha_actualizacion", "version", "transiciones_permitidas"),
    }
    assert (after["estado"]["nombre"], after["motivo_cierre"]) == ("Cerrado", "fusionado")
    assert after["resolucion"] == f"Fusionado con SP-{destino:06}."
    assert (after["id_tiquet_fusionado"], after["version"]) == (destino, 2)
    assert (after["transiciones_permitidas"], after["fecha_resolucion"]) == ([], None)


def test_whoever_moves_a_merged_ticket_all_the_same_is_told_that_nothing_is_left_to_do(call, merge, admin):
    origen, destino = tiquets(2)
    merge(origen, destino)

    answer = call(admin, "POST", f"{TICKETS}/{origen}/transiciones", {"accion": "cerrar"})

    assert (answer.status_code, answer.json["codigo"]) == (409, "transicion_no_permitida")
    assert answer.json["transiciones_permitidas"] == []


def test_the_conversation_goes_on_in_the_target(merge, show, comment, admin):
    origen, destino = tiquets(2)
    first = comment(origen, es_interno=False)
    second = comment(destino, admin, es_interno=False)
    third = comment(origen, admin)
    answered = show(origen)["fecha_primera_respuesta"]

    after = merge(origen, destino).json

    assert (after["numero_comentarios"], after["fecha_primera_respuesta"]) == (3, answered)
    assert after["version"] == 1
    moved = {"id_tiquet": destino, "version": 2}
    assert show(destino, "/comentarios")["data"] == [first | moved, second, third | moved]
    assert show(origen)["numero_comentarios"] == 0
    assert show(origen, "/comentarios")["data"] == []
    assert show(destino, f"/comentarios/{first['id']}") == first | moved


def test_files_go_with_the_comments_that_have_them(client, merge, show, comment, tecnico):
    origen, destino = tiquets(2)
    of_ticket = factories.adjunto(b"del tiquet", id_tiquet=origen).id
    of_comment = factories.adjunto(id_tiquet=origen, id_comentario=comment(origen)["id"]).id
    db.session.get_one(Tiquet, origen).numero_adjuntos = 2
    db.session.commit()

    assert merge(origen, destino).json["numero_adjuntos"] == 2

    assert (show(origen)["numero_adjuntos"], show(origen, "/adjuntos")["data"]) == (0, [])
    files = show(destino, "/adjuntos")["data"]
    assert {file["id"]: (file["id_tiquet"], file["version"]) for file in files} == {
        of_ticket: (destino, 2),
        of_comment: (destino, 2),
    }
    (moved,) = show(destino, "/comentarios")["data"]
    assert [file["id"] for file in moved["adjuntos"]] == [of_comment]
    path = f"{TICKETS}/{destino}/adjuntos/{of_ticket}/contenido"
    assert client.get(path, headers=tecnico.headers).data == b"del tiquet"


def test_followers_go_with_it_and_whoever_followed_both_follows_once(call, merge, show, events, admin):
    origen, destino = tiquets(2)
    only, both, other = (quien("Técnico") for _ in range(3))
    db.session.remove()
    for who, ids in ((only, [origen]), (both, [origen, destino]), (other, [destino])):
        for id in ids:
            assert call(who, "POST", f"{TICKETS}/{id}/seguidores/yo", {}).status_code == 200

    assert merge(origen, destino).status_code == 200

    assert show(origen, "/seguidores")["data"] == []
    assert [row["id_usuario"] for row in show(destino, "/seguidores")["data"]] == [only.id, both.id, other.id]
    moved, gone = events("seguidor.actualizado"), events("seguidor.eliminado")
    assert [(event.id_entidad, event.id_tiquet) for event in moved] == [(only.id, destino)]
    assert [(event.id_entidad, event.id_tiquet) for event in gone] == [(both.id, origen)]


def test_the_earlier_first_answer_is_the_targets_own(merge, comment, admin):
    origen, destino = tiquets(2)
    first = comment(destino, admin, es_interno=False)
    comment(origen, es_interno=False)

    assert merge(origen, destino).json["fecha_primera_respuesta"] == first["fecha_creacion"]


def test_each_change_of_a_merge_has_its_event(merge, comment, inside, events, tecnico):
    origen, destino, child = tiquets(3)
    moved = [comment(origen)["id"] for _ in range(2)]
    relation = inside(child, origen)

    merge(origen, destino)

    def change(campo, anterior, nuevo):
        return {"campo": campo, "anterior": anterior, "nuevo": nuevo}

    (closed,) = events("tiquet.fusionado")
    assert closed[:4] == (tecnico.id, origen, origen, 2)
    told = {one["campo"]: one["nuevo"] for one in closed.cambios}
    assert (told["id_tiquet_fusionado"], told["motivo_cierre"], told["numero_comentarios"]) == (
        destino,
        "fusionado",
        0,
    )
    (gained,) = events("tiquet.fusion_recibida")
    assert gained == (tecnico.id, destino, destino, 1, [change("numero_comentarios", 0, 2)])
    there = change("id_tiquet", origen, destino)
    assert events("comentario.actualizado") == [(tecnico.id, id, destino, 2, [there]) for id in moved]
    assert events("relacion.actualizado") == [
        (tecnico.id, relation, child, 2, [change("id_relacionado", origen, destino)])
    ]
    assert events("tiquet.actualizado")[-1] == (
        *(tecnico.id, child, child, 3),
        [change("id_tiquet_padre", origen, destino)],
    )


def test_a_ticket_to_which_nothing_comes_does_not_change(merge, show, events):
    origen, destino = tiquets(2)
    before = show(destino)

    merge(origen, destino)

    assert show(destino) == before
    assert events("tiquet.fusion_recibida") == []


def test_children_go_with_it_those_in_the_trash_too(call, merge, show, inside, admin):
    origen, destino, child, trashed = tiquets(4)
    inside(child, origen)
    inside(trashed, origen)
    call(admin, "DELETE", f"{TICKETS}/{trashed}")

    merge(origen, destino)

    assert (show(child)["id_tiquet_padre"], show(child)["version"]) == (destino, 3)
    assert call(admin, "POST", f"{TICKETS}/{trashed}/restaurar").json["id_tiquet_padre"] == destino
    rows = show(destino, "/relaciones")["data"]
    assert [(row["tipo"], row["id_tiquet"]) for row in rows] == [("hijo", child), ("hijo", trashed)]
    assert show(origen, "/relaciones")["data"] == []


@pytest.mark.parametrize("depth", [1, 2])
def test_nothing_is_merged_into_what_lies_inside_it(merge, show, inside, depth):
    ids = tiquets(3)
    inside(ids[1], ids[0])
    inside(ids[2], ids[1])

    answer = merge(ids[0], ids[depth])

    assert (answer.status_code, codes(answer)) == (422, {"id_destino": ["ciclo"]})
    assert show(ids[0])["motivo_cierre"] is None


def test_a_child_is_merged_into_its_parent_and_its_children_become_siblings(merge, show, inside):
    grandparent, parent, child = tiquets(3)
    inside(parent, grandparent)
    inside(child, parent)

    assert merge(parent, grandparent).status_code == 200

    assert show(child)["id_tiquet_padre"] == grandparent


@pytest.mark.parametrize(("levels", "status"), [(MAX_NIVELES - 1, 200), (MAX_NIVELES, 422)])
def test_children_find_no_place_where_ten_levels_are_full(merge, inside, levels, status):
    chain = tiquets(levels)
    for lower, upper in pairwise(chain):
        inside(lower, upper)
    origen, child = tiquets(2)
    inside(child, origen)

    answer = merge(origen, chain[0])

    assert answer.status_code == status
    assert status == 200 or codes(answer) == {"id_destino": ["demasiados_niveles"]}


@pytest.mark.parametrize("tipo", ["resuelto", "cerrado"])
def test_what_is_ended_is_not_merged(merge, show, tipo):
    origen, destino = tiquet_en(tipo), factories.tiquet()

    answer = merge(origen, destino)

    assert (answer.status_code, answer.json["codigo"]) == (409, "transicion_no_permitida")
    assert answer.json["transiciones_permitidas"] == show(origen)["transiciones_permitidas"]


def test_the_target_is_not_closed(merge):
    assert merge(factories.tiquet(), tiquet_en("resuelto")).status_code == 200
    answer = merge(factories.tiquet(), tiquet_en("cerrado"))

    assert (answer.status_code, answer.json["codigo"]) == (409, "destino_cerrado")


@pytest.mark.parametrize(
    ("destino", "codigo"), [("itself", "el_mismo_tiquet"), ("unknown", "no_existe"), ("trashed", "no_existe")]
)
def test_the_target_is_another_ticket_that_is_seen(merge, destino, codigo):
    one = factories.tiquet()
    ids = {"itself": one, "unknown": NADIE, "trashed": factories.tiquet(fecha_eliminacion=utcnow())}

    answer = merge(one, ids[destino])

    assert (answer.status_code, codes(answer)) == (422, {"id_destino": [codigo]})


def test_a_chain_of_merges_leads_to_the_last(merge, show, comment):
    first, second, third = tiquets(3)
    comment(first)
    merge(first, second)

    assert merge(second, third).json["numero_comentarios"] == 1

    assert (show(first)["id_tiquet_fusionado"], show(second)["id_tiquet_fusionado"]) == (second, third)
    assert merge(first, third).json["codigo"] == "transicion_no_permitida"


@pytest.mark.parametrize("how", ["transiciones", "PUT"])
def test_a_merged_ticket_is_not_reopened(call, merge, show, admin, tecnico, how):
    origen, destino = tiquets(2)
    merge(origen, destino)
    path = f"{TICKETS}/{origen}"

    def reopen(who):
        if how == "transiciones":
            return call(who, "POST", f"{path}/transiciones", {"accion": "reabrir"})
        return call(who, "PUT", path, {"id_estado": 2})

    assert reopen(tecnico).status_code == 403
    answer = reopen(admin)
    assert (answer.status_code, answer.json["codigo"]) == (409, "tiquet_fusionado")
    assert call(admin, "GET", path).json["transiciones_permitidas"] == []
    assert call(admin, "GET", f"{path}/transiciones").json["data"] == []


def test_what_merging_says_is_not_written_otherwise(call, merge, show, admin):
    origen, destino = tiquets(2)
    merge(origen, destino)
    merged, other = f"{TICKETS}/{origen}", f"{TICKETS}/{tiquet_en('cerrado')}"

    whole = call(admin, "GET", merged).json
    assert call(admin, "PUT", merged, whole | {"titulo": "Otro título"}).json["version"] == 3
    for path, body in (
        (merged, {"motivo_cierre": "cancelado"}),
        (merged, {"motivo_cierre": "resuelto", "id_estado": 2}),
        (merged, {"id_tiquet_fusionado": None}),
        (other, {"motivo_cierre": "fusionado"}),
        (f"{TICKETS}/{destino}", {"motivo_cierre": "fusionado", "id_estado": 6}),
    ):
        answer = call(admin, "PUT", path, body)
        assert (answer.status_code, set(codes(answer))) == (422, set(body) - {"id_estado"}), body


def test_a_merge_does_not_make_what_somebody_else_has_read_stale(call, merge, comment, admin):
    origen, destino = tiquets(2)
    comment(origen, es_interno=False)
    read = call(admin, "GET", f"{TICKETS}/{destino}")
    merge(origen, destino)

    answer = call(
        admin, "PUT", f"{TICKETS}/{destino}", read.json | {"id_prioridad": 3}, If_Match=read.headers["ETag"]
    )

    assert answer.status_code == 200, answer.json
    assert answer.json["numero_comentarios"] == 1


def test_the_same_key_merges_once(merge, comment, events):
    origen, destino = tiquets(2)
    comment(origen)

    first, again = (merge(origen, destino, Idempotency_Key="una vez") for _ in range(2))

    assert (first.status_code, again.status_code, again.data) == (200, 200, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(events("tiquet.fusionado")) == 1


def test_a_target_that_is_erased_for_good_is_pointed_at_no_more(call, merge, show, events, admin):
    origen, destino = tiquets(2)
    merge(origen, destino)
    db.session.get_one(Tiquet, destino).fecha_eliminacion = utcnow() - timedelta(days=91)
    db.session.commit()

    assert maintenance.maintain()["purgados"] == 1

    assert (show(origen)["id_tiquet_fusionado"], show(origen)["motivo_cierre"]) == (None, "fusionado")
    assert events("tiquet.actualizado")[-1].cambios == [
        {"campo": "id_tiquet_fusionado", "anterior": destino, "nuevo": None}
    ]
    answer = call(admin, "POST", f"{TICKETS}/{origen}/transiciones", {"accion": "reabrir"})
    assert answer.json["codigo"] == "tiquet_fusionado"


def send(app, quien, path, body):
    return app.test_client().post(f"{TICKETS}/{path}", json=body, headers=quien.headers)


def test_of_two_tickets_merged_crosswise_at_once_one_stays_open(committed, show, tecnico):
    for _ in range(20):
        db.session.remove()
        ids = tiquets(2)

        def work(number, ids=ids):
            return send(committed, tecnico, f"{ids[number]}/fusionar", {"id_destino": ids[1 - number]})

        answers = at_once(2, work)

        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 1}
        refused = next(answer.json["codigo"] for answer in answers if answer.status_code == 409)
        assert refused == "destino_cerrado"
        states = [show(id) for id in ids]
        assert sorted(state["estado"]["tipo"] for state in states) == ["cerrado", "nuevo"]
        closed = next(state for state in states if state["estado"]["tipo"] == "cerrado")
        assert closed["id_tiquet_fusionado"] == sum(ids) - closed["id"]


def test_a_comment_at_the_moment_of_the_merge_is_counted_where_it_is(committed, show, tecnico):
    for _ in range(10):
        db.session.remove()
        origen, destino = tiquets(2)

        def work(number, origen=origen, destino=destino):
            if number == 0:
                return send(committed, tecnico, f"{origen}/fusionar", {"id_destino": destino})
            id = origen if number % 2 else destino
            return send(committed, tecnico, f"{id}/comentarios", {"mensaje": "Lo miro"})

        assert Counter(answer.status_code for answer in at_once(7, work)) == {200: 1, 201: 6}

        for id in (origen, destino):
            assert show(id)["numero_comentarios"] == len(show(id, "/comentarios")["data"])
        assert show(origen)["numero_comentarios"] + show(destino)["numero_comentarios"] == 6


def test_a_ticket_that_many_are_merged_into_at_once_has_all_they_had(committed, show, tecnico):
    destino, *ids = tiquets(9)
    db.session.add_all(
        Comentarios(id_tiquet=id, id_autor=tecnico.id, mensaje="Lo miro") for id in ids for _ in range(3)
    )
    for tiquet in db.session.query(Tiquet).filter(Tiquet.id.in_(ids)):
        tiquet.numero_comentarios = 3
    db.session.commit()

    def work(number):
        return send(committed, tecnico, f"{ids[number]}/fusionar", {"id_destino": destino})

    assert Counter(answer.status_code for answer in at_once(8, work)) == {200: 8}
    assert show(destino)["numero_comentarios"] == len(show(destino, "/comentarios")["data"]) == 24
