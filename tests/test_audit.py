"""What the log tells, of everything to an Administrador, and of a ticket to whoever works on it."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import GENESIS, LogTransaccional, utcnow
from app.services.log import sequencer
from tests import factories
from tests.client import codes
from tests.factories import NUEVO
from tests.statements import noted

TICKETS = "/api/tickets/tickets"
AUDITORIA = "/api/auditoria"
VERIFICAR = f"{AUDITORIA}/verificar"


@pytest.fixture
def ticket(call, tecnico) -> dict[str, Any]:
    made: dict[str, Any] = call(tecnico, "POST", TICKETS, NUEVO).json
    return made


@pytest.fixture
def path(ticket) -> str:
    return f"{TICKETS}/{ticket['id']}"


@pytest.fixture
def listed(client, admin):
    """The events that the log lists for these filters."""

    def listed(**query: Any) -> list[dict[str, Any]]:
        answer = client.get(AUDITORIA, query_string=query, headers=admin.headers)
        assert answer.status_code == 200, answer.json
        return list(answer.json["data"])

    return listed


# The log


def test_an_event_is_told_whole_before_and_after_it_is_numbered(listed, call, tecnico, ticket):
    (before,) = listed()
    sequencer.number_events()
    (after,) = listed()

    kept = db.session.query(LogTransaccional).one()
    assert before == {
        "id_evento": kept.id_evento,
        "secuencia": None,
        "fecha": f"{kept.fecha.isoformat()}Z",
        "tipo_actor": "usuario",
        "id_usuario": tecnico.id,
        "usuario": before["usuario"],
        "accion": "tiquet.creado",
        "entidad": "tiquet",
        "id_entidad": ticket["id"],
        "id_tiquet": ticket["id"],
        "version_resultante": 1,
        "cambios": kept.cambios,
        "vaciado": False,
        "origen": "api",
        "id_solicitud": kept.id_solicitud,
        "ip": "127.0.0.1",
        "hash_anterior": None,
        "hash": None,
    }
    assert before["usuario"]["id"] == tecnico.id
    assert {"campo": "titulo", "anterior": None, "nuevo": NUEVO["titulo"]} in before["cambios"]
    assert after == before | {"secuencia": 1, "hash_anterior": GENESIS, "hash": kept.hash}


def test_the_newest_is_first_and_whoever_asks_may_turn_it_around(listed, call, admin, path):
    call(admin, "PUT", path, {"titulo": "Otro"})
    call(admin, "DELETE", path)

    newest = [event["accion"] for event in listed()]

    assert newest == ["tiquet.eliminado", "tiquet.actualizado", "tiquet.creado"]
    assert [event["accion"] for event in listed(orden="fecha")] == newest[::-1]


def test_each_filter_finds_what_it_says_and_several_what_they_say_together(
    listed, call, admin, tecnico, ticket, path
):
    call(admin, "PUT", path, {"titulo": "Otro"})
    call(admin, "POST", f"{path}/comentarios", {"mensaje": "Hola"})
    call(admin, "POST", "/api/clientes", {"nombre": "Ana"})
    call(tecnico, "GET", AUDITORIA)
    call(None, "POST", "/api/auth/login", {"email": "nadie@example.org", "password": "no es esta"})

    def found(**query: Any) -> list[str]:
        return [event["accion"] for event in listed(**query)]

    ours = ["tiquet.comentado", "comentario.creado", "tiquet.actualizado", "tiquet.creado"]
    assert found() == ["sesion.rechazada", "acceso.denegado", "cliente.creado", *ours]
    assert found(id_tiquet=ticket["id"]) == ours
    assert found(id_usuario=tecnico.id) == ["acceso.denegado", "tiquet.creado"]
    assert found(id_usuario=[tecnico.id, admin.id]) == found()[1:]
    assert found(tipo_actor="anonimo") == ["sesion.rechazada"]
    assert found(tipo_actor=["anonimo", "sistema", "usuario"]) == found()
    assert found(entidad="tiquet", id_entidad=ticket["id"]) == [ours[0], *ours[2:]]
    assert found(entidad="tiquet", id_entidad=ticket["id"] + 1) == []
    assert found(entidad=["cliente", "comentario"]) == ["cliente.creado", "comentario.creado"]
    assert found(accion=["tiquet.creado", "acceso.denegado"]) == ["acceso.denegado", "tiquet.creado"]
    assert found(accion="tiquet.creado", id_usuario=admin.id) == []
    assert found(id_tiquet=ticket["id"], id_usuario=tecnico.id, entidad="tiquet") == ["tiquet.creado"]


def test_the_instants_are_from_the_first_on_and_before_the_second(listed, session):
    now = utcnow().replace(microsecond=5)
    for number in range(4):
        about = {"accion": "tiquet.creado", "entidad": "tiquet", "tipo_actor": "sistema", "origen": "cli"}
        fecha = now + timedelta(microseconds=number)
        db.session.add(LogTransaccional(id_evento=f"e-{number}", fecha=fecha, cambios=[], **about))
    db.session.commit()

    def found(**microseconds: int) -> list[str]:
        instants = {name: f"{now + timedelta(microseconds=n):%FT%T.%f}Z" for name, n in microseconds.items()}
        return [event["id_evento"] for event in listed(**instants)]

    assert found(desde=1, hasta=3) == ["e-2", "e-1"]
    assert found(desde=3) == ["e-3"]
    assert found(hasta=1) == ["e-0"]
    assert found(desde=2, hasta=2) == []


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ({"id_entidad": 1}, {"id_entidad": ["con_entidad"]}),
        ({"entidad": "Tiquet"}, {"entidad.0": ["codigo"]}),
        ({"accion": "tiquet"}, {"accion.0": ["accion"]}),
        ({"accion": [f"tiquet.a{number}" for number in range(9)]}, {"accion": ["demasiados"]}),
        ({"tipo_actor": "nadie"}, {"tipo_actor.0": ["opcion"]}),
        ({"id_tiquet": [1, 2]}, {"id_tiquet": ["repetido"]}),
        ({"desde": "2026-01-01T00:00:00"}, {"desde": ["instante"]}),
    ],
)
def test_what_cannot_be_asked_for_is_told_at_its_parameter(client, admin, query, refused):
    answer = client.get(AUDITORIA, query_string=query, headers=admin.headers)

    assert (answer.status_code, codes(answer)) == (422, refused)


# The history of a ticket


def test_a_history_is_told_in_words_and_names(tampering, call, client, admin, tecnico, ticket, path):
    cliente = factories.ClienteFactory(nombre="Ana", apellido="Paz").id
    otro = factories.tiquet()
    db.session.execute(sa.update(LogTransaccional).values(ip="192.0.2.1"))
    db.session.commit()
    call(admin, "PUT", path, {"id_prioridad": 4, "id_cliente": cliente, "titulo": "Otro"})
    call(admin, "POST", f"{path}/asignar", {"id_usuario": tecnico.id})
    call(tecnico, "POST", f"{path}/comentarios", {"mensaje": "Lo miro"})
    call(tecnico, "PUT", f"{TICKETS}/{otro}", {"titulo": "De otro tiquet"})
    usuario = call(admin, "GET", f"/api/users/{tecnico.id}").json

    answer = call(tecnico, "GET", f"{path}/historial").json

    hechos = answer["data"]
    assert [hecho["accion"] for hecho in hechos] == [
        *(
            "tiquet.creado",
            "tiquet.actualizado",
            "tiquet.actualizado",
            "comentario.creado",
            "tiquet.comentado",
        )
    ]
    assert [hecho["version_resultante"] for hecho in hechos] == [1, 2, 3, 1, 3]
    changed = {cambio["campo"]: cambio for cambio in hechos[1]["cambios"]}
    nobody = {"anterior_nombre": None, "nuevo_nombre": None}
    assert changed == {
        "titulo": {
            "campo": "titulo",
            "etiqueta": "Título",
            "anterior": NUEVO["titulo"],
            "nuevo": "Otro",
            **nobody,
        },
        "id_prioridad": {
            "campo": "id_prioridad",
            "etiqueta": "Prioridad",
            "anterior": 2,
            "nuevo": 4,
            "anterior_nombre": "Normal",
            "nuevo_nombre": "Urgente",
        },
        "id_cliente": {
            "campo": "id_cliente",
            "etiqueta": "Cliente",
            "anterior": None,
            "nuevo": cliente,
            **nobody,
            "nuevo_nombre": "Ana Paz",
        },
    }
    assigned = {cambio["campo"]: cambio for cambio in hechos[2]["cambios"]}
    assert assigned["id_usuario_asignado"]["nuevo_nombre"] == f"{usuario['nombre']} {usuario['apellido']}"
    assert (assigned["id_estado"]["anterior_nombre"], assigned["id_estado"]["nuevo_nombre"]) == (
        "Abierto",
        "En proceso",
    )
    assert call(tecnico, "GET", f"{path}/historial?orden=-fecha").json["data"] == hechos[::-1]


def test_other_tickets_are_told_by_their_numbers(call, tecnico, ticket, path):
    otro = factories.tiquet()
    made = call(tecnico, "POST", f"{path}/relaciones", {"id_tiquet": otro, "tipo": "duplicado_de"})
    assert made.status_code == 201, made.json

    (related,) = call(tecnico, "GET", f"{path}/historial").json["data"][1:]

    told = {cambio["campo"]: (cambio["etiqueta"], cambio["nuevo_nombre"]) for cambio in related["cambios"]}
    assert told["id_relacionado"] == ("Tiquet relacionado", f"SP-{otro:06d}")
    assert told["id_tiquet"] == ("Tiquet", f"SP-{ticket['id']:06d}")


def test_addresses_and_hashes_are_for_an_administrator(call, admin, tecnico, path):
    sequencer.number_events()

    (to_admin,) = call(admin, "GET", f"{path}/historial").json["data"]
    (to_tecnico,) = call(tecnico, "GET", f"{path}/historial").json["data"]

    assert (to_admin["ip"], to_admin["hash_anterior"], to_admin["secuencia"]) == ("127.0.0.1", GENESIS, 1)
    hidden = {"ip", "hash_anterior", "hash"}
    assert to_tecnico == {name: value for name, value in to_admin.items() if name not in hidden}


def test_a_history_outlives_what_it_names(call, admin, tecnico, ticket, path):
    cliente = factories.ClienteFactory(nombre="Ana").id
    prioridad = factories.fila("prioridades")
    call(admin, "PUT", path, {"id_cliente": cliente, "id_prioridad": prioridad})
    call(admin, "PUT", path, {"id_cliente": None, "id_prioridad": 2})
    assert call(admin, "DELETE", f"/api/clientes/{cliente}").status_code == 204
    assert call(admin, "DELETE", f"/api/tickets/prioridades/{prioridad}").status_code == 204
    about = {"entidad": "cosa", "tipo_actor": "usuario", "origen": "api", "id_tiquet": ticket["id"]}
    odd = [{"campo": "id_otra_cosa", "anterior": None, "nuevo": 3}]
    db.session.add(LogTransaccional(id_evento="e-1", accion="cosa.creada", cambios=odd, **about))
    db.session.commit()

    hechos = call(tecnico, "GET", f"{path}/historial").json["data"]

    told = {
        cambio["campo"]: (cambio["etiqueta"], cambio["nuevo"], cambio["nuevo_nombre"])
        for hecho in hechos[1:]
        for cambio in hecho["cambios"]
        if hecho is not hechos[2]
    }
    assert told == {
        "id_cliente": ("Cliente", cliente, None),
        "id_prioridad": ("Prioridad", prioridad, None),
        "id_otra_cosa": ("Id otra cosa", 3, None),
    }


def test_a_history_takes_as_many_statements_however_many_it_names(call, admin, path):
    def taken() -> int:
        with noted() as statements:
            assert call(admin, "GET", f"{path}/historial?limite=200").status_code == 200
        return len(statements)

    def assign() -> None:
        body = {"id_usuario": factories.UsuarioFactory().id}
        assert call(admin, "POST", f"{path}/asignar", body).status_code == 200

    assign()
    once = taken()
    for _ in range(9):
        assign()

    assert taken() == once


# Verifying


def test_the_log_is_numbered_and_verified_on_request(call, admin, tecnico, path):
    call(tecnico, "PUT", path, {"titulo": "Otro"})

    found = call(admin, "GET", VERIFICAR).json

    last = db.session.query(LogTransaccional).filter_by(secuencia=2).one()
    whole = {"integra": True, "desde": 1, "eventos": 2, "vaciados": 0, "cabeza": last.hash, "siguiente": None}
    assert found == whole
    assert call(admin, "GET", f"{VERIFICAR}?desde=2&hasta=2").json == whole | {"desde": 2, "eventos": 1}
    assert call(admin, "GET", f"{VERIFICAR}?desde=3").json == whole | {"desde": 3, "eventos": 0}


def test_what_was_changed_is_told_on_request(tampering, call, admin, path):
    sequencer.number_events()
    db.session.execute(sa.update(LogTransaccional).values(id_usuario=admin.id))
    db.session.commit()

    found = call(admin, "GET", VERIFICAR).json

    assert found == {"integra": False, "primer_error": {"secuencia": 1, "motivo": "alterado"}}


@pytest.mark.parametrize("query", ["desde=0", "hasta=x", "desde=2026-01-01T00:00:00Z"])
def test_a_part_is_named_by_numbers(call, admin, query):
    refused = call(admin, "GET", f"{VERIFICAR}?{query}")

    assert (refused.status_code, list(refused.json["errores"])) == (422, [query.partition("=")[0]])
