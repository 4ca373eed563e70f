"""Handing all open tickets of somebody over to another, or to nobody."""

from collections import Counter

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import LogTransaccional, Seguidores, Tiquet, utcnow
from app.services.desk import transitions
from tests.client import codes
from tests.factories import UsuarioFactory, quien
from tests.rows import plant
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once

TICKETS, USERS = "/api/tickets/tickets", "/api/users"
ABIERTOS = ("nuevo", "en_proceso", "en_espera")


def path(id):
    return f"{USERS}/{id}/tickets-abiertos"


def test_the_open_tickets_go_to_another_by_the_rules_and_each_has_its_event(call, events, admin, tecnico):
    heir = UsuarioFactory().id
    theirs = [tiquet_en(tipo, id_usuario_asignado=tecnico.id) for tipo in ABIERTOS]
    kept = [
        *(tiquet_en(tipo, id_usuario_asignado=tecnico.id) for tipo in ("resuelto", "cerrado")),
        tiquet_en("en_proceso", id_usuario_asignado=tecnico.id, fecha_eliminacion=utcnow()),
        tiquet_en("en_proceso", id_usuario_asignado=admin.id),
    ]
    call(admin, "DELETE", f"{USERS}/{tecnico.id}")

    answer = call(admin, "POST", path(tecnico.id), {"id_usuario": heir})

    assert (answer.status_code, answer.json) == (200, {"movidos": 3, "restantes": 0})
    for id in theirs:
        tiquet = call(admin, "GET", f"{TICKETS}/{id}").json
        assert (tiquet["id_usuario_asignado"], tiquet["estado"]["tipo"]) == (heir, "en_proceso")
        assert (tiquet["version"], tiquet["fecha_asignacion"] is None) == (2, False)
        assert tiquet["fecha_actualizacion"] >= tiquet["fecha_asignacion"]
        followers = call(admin, "GET", f"{TICKETS}/{id}/seguidores").json["data"]
        assert [(row["id_usuario"], row["motivo"]) for row in followers] == [(heir, "asignado")]
    told = events("tiquet.actualizado")
    assert [(e.id_usuario, e.id_tiquet, e.version_resultante) for e in told] == [
        (admin.id, id, 2) for id in theirs
    ]
    moved = {"campo": "id_usuario_asignado", "anterior": tecnico.id, "nuevo": heir}
    assert all(moved in event.cambios for event in told)
    db.session.rollback()
    versions = db.session.scalars(select(Tiquet.version).where(Tiquet.id.in_(kept))).all()
    assert set(versions) == {1}


def test_with_null_they_are_nobodys_and_new_again(call, admin, tecnico):
    theirs = [tiquet_en(tipo, id_usuario_asignado=tecnico.id) for tipo in ABIERTOS]

    answer = call(admin, "POST", path(tecnico.id), {"id_usuario": None})

    assert answer.json == {"movidos": 3, "restantes": 0}
    for id in theirs:
        tiquet = call(admin, "GET", f"{TICKETS}/{id}").json
        assert (tiquet["id_usuario_asignado"], tiquet["fecha_asignacion"]) == (None, None)
        assert tiquet["estado"]["tipo"] == "nuevo"
    assert call(admin, "POST", path(tecnico.id), {"id_usuario": None}).json == {"movidos": 0, "restantes": 0}


@pytest.mark.parametrize("fields", [{"activo": False}, {"tipo_usuario": "Solicitante"}, None], ids=str)
def test_who_gets_them_is_active_staff(call, admin, tecnico, fields):
    heir = 2147483647 if fields is None else UsuarioFactory(**fields).id
    id = tiquet_en("en_proceso", id_usuario_asignado=tecnico.id)

    answer = call(admin, "POST", path(tecnico.id), {"id_usuario": heir})

    assert (answer.status_code, codes(answer)) == (422, {"id_usuario": ["usuario_no_asignable"]})
    assert call(admin, "GET", f"{TICKETS}/{id}").json["version"] == 1


def test_who_has_them_is_not_who_gets_them(call, admin, tecnico):
    answer = call(admin, "POST", path(tecnico.id), {"id_usuario": tecnico.id})

    assert (answer.status_code, codes(answer)) == (422, {"id_usuario": ["es_el_mismo"]})
    assert codes(call(admin, "POST", path(tecnico.id), {})) == {"id_usuario": ["requerido"]}
    assert call(admin, "POST", path(2147483647), {"id_usuario": None}).status_code == 404
    assert call(tecnico, "POST", path(tecnico.id), {"id_usuario": None}).status_code == 403


def test_many_go_in_several_calls_that_tell_what_is_left(call, admin, tecnico, monkeypatch):
    monkeypatch.setattr(transitions, "MAX_POR_VEZ", 2)
    heir = UsuarioFactory().id
    for _ in range(5):
        tiquet_en("en_espera", id_usuario_asignado=tecnico.id)

    answers = [call(admin, "POST", path(tecnico.id), {"id_usuario": heir}).json for _ in range(4)]

    assert [tuple(answer.values()) for answer in answers] == [(2, 3), (2, 1), (1, 0), (0, 0)]


def test_a_thousand_are_two_calls(call, admin, tecnico):
    heir = UsuarioFactory().id
    plant([{"id_usuario_asignado": tecnico.id, "id_estado": 2} for _ in range(1000)])

    answers = [call(admin, "POST", path(tecnico.id), {"id_usuario": heir}).json for _ in range(2)]

    assert answers == [{"movidos": 500, "restantes": 500}, {"movidos": 500, "restantes": 0}]


def test_what_happens_meanwhile_is_neither_lost_nor_done_twice(committed):
    """Three hand the same tickets over while their holder resolves some and others follow them."""
    admins, holder, heir = [quien("Administrador") for _ in range(3)], quien("Técnico"), quien("Técnico")
    ids = [tiquet_en("en_proceso", id_usuario_asignado=holder.id) for _ in range(30)]

    def work(number):
        client = committed.test_client()
        if number < 3:
            return client.post(path(holder.id), json={"id_usuario": heir.id}, headers=admins[number].headers)
        id = ids[number]
        if number % 2:
            return client.post(f"{TICKETS}/{id}/seguidores/yo", headers=heir.headers)
        body = {"accion": "resolver", "resolucion": "Se cambió el tóner"}
        return client.post(f"{TICKETS}/{id}/transiciones", json=body, headers=holder.headers)

    answers = at_once(15, work)

    assert Counter(answer.status_code for answer in answers) == {200: 15}
    db.session.rollback()
    assert (
        committed.test_client().get(path(holder.id), headers=admins[0].headers).json["tiquets_abiertos"] == 0
    )
    moved = sum(answer.json["movidos"] for answer in answers[:3])
    now_heirs = db.session.scalar(
        select(func.count()).select_from(Tiquet).where(Tiquet.id_usuario_asignado == heir.id)
    )
    logged = db.session.scalar(
        select(func.count())
        .select_from(LogTransaccional)
        .where(LogTransaccional.accion == "tiquet.actualizado", LogTransaccional.id_usuario != holder.id)
    )
    assert moved == now_heirs == logged >= 24
    follows = select(func.count()).select_from(Seguidores).where(Seguidores.id_usuario == heir.id)
    assert db.session.scalar(follows) >= moved
