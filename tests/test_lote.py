"""One action on many tickets: each as if it were the only one, or all of them or none."""

from collections import Counter
from datetime import timedelta
from threading import Thread
from time import monotonic, sleep

import pymysql
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.errors import Unavailable
from app.extensions import db
from app.models import Idempotencia, LogTransaccional, Tiquet, utcnow
from app.services.desk import lote as service
from app.services.desk import search
from app.transaction import SHORTEST, flush
from app.utils import requests
from app.utils.writes import idempotency
from app.utils.writes import lote as edge
from tests import factories
from tests.client import codes
from tests.factories import quien
from tests.gunicorn import gunicorn
from tests.statements import noted
from tests.test_concurrency import fails_once
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once
from tests.world import LOG, TIQUETS, UNKNOWN, between_requests, events_after, last_event, snapshot

LOTE = f"{TIQUETS}/lote"
TITULO = {"titulo": "El mismo título"}


@pytest.fixture
def ids():
    found = [factories.tiquet() for _ in range(3)]
    db.session.remove()
    return found


@pytest.fixture
def send(client):
    """A batch of somebody's."""

    def send(who, ids, accion="actualizar", cambios=TITULO, key=None, **more):
        body = {"ids": ids, "accion": accion, **({} if cambios is None else {"cambios": cambios}), **more}
        headers = who.headers | ({"Idempotency-Key": key} if key else {})
        return client.post(LOTE, json=body, headers=headers)

    return send


def states(answer):
    found = answer if isinstance(answer, dict) else answer.json
    return [row["estado"] for row in found["data"]]


def events_of(ids):
    """How many events each ticket has."""
    log = LogTransaccional
    with between_requests():
        found = Counter(db.session.scalars(sa.select(log.id_tiquet).where(log.id_tiquet.in_(ids))))
    return [found[id] for id in ids]


def shown(client, who, id):
    return client.get(f"{TIQUETS}/{id}", headers=who.headers)


# The four actions


def test_each_is_changed_and_told_in_the_order_in_which_it_was_named(client, send, tecnico, ids):
    mixed = [ids[2], ids[0], ids[1]]

    answer = send(tecnico, mixed)

    assert answer.status_code == 200
    assert answer.json == {"data": [{"id": id, "estado": "ok", "version": 2} for id in mixed]}
    assert {shown(client, tecnico, id).json["titulo"] for id in ids} == {TITULO["titulo"]}


def test_each_is_moved(client, send, tecnico, ids):
    send(tecnico, ids, "transicion", {"accion": "resolver", "resolucion": "Se cambió el tóner"})

    assert {shown(client, tecnico, id).json["estado"]["tipo"] for id in ids} == {"resuelto"}


def test_each_is_given_to_somebody_and_taken_from_everybody(client, send, tecnico, ids):
    send(tecnico, ids, "asignar", {"id_usuario": tecnico.id})
    assert {shown(client, tecnico, id).json["id_usuario_asignado"] for id in ids} == {tecnico.id}

    send(tecnico, ids, "asignar", {"id_usuario": None})
    assert {shown(client, tecnico, id).json["id_usuario_asignado"] for id in ids} == {None}


@pytest.mark.parametrize("cambios", [None, {}])
def test_each_is_thrown_away(client, send, admin, ids, cambios):
    answer = send(admin, ids, "eliminar", cambios)

    assert [row["version"] for row in answer.json["data"]] == [2, 2, 2]
    assert {shown(client, admin, id).status_code for id in ids} == {404}


@pytest.mark.parametrize("atomico", [False, True])
def test_what_is_so_already_leaves_no_event_and_no_version(send, tecnico, ids, atomico):
    send(tecnico, ids)
    before = snapshot()

    again = send(tecnico, ids, atomico=atomico)

    assert [row["version"] for row in again.json["data"]] == [2, 2, 2]
    assert snapshot() == before


# Versions


CADA_ACCION = [
    ("actualizar", TITULO),
    ("transicion", {"accion": "pedir_datos"}),
    ("asignar", {"id_usuario": None}),
    ("eliminar", None),
]


@pytest.mark.parametrize(("accion", "cambios"), CADA_ACCION, ids=str)
def test_what_others_changed_since_it_was_seen_stays_as_they_left_it(
    client, send, admin, ids, accion, cambios
):
    for id in ids:  # Somebody has them, so that letting go of them is a change too.
        client.post(f"{TIQUETS}/{id}/asignar", json={"id_usuario": admin.id}, headers=admin.headers)
    client.patch(f"{TIQUETS}/{ids[1]}", json={"titulo": "De otro"}, headers=admin.headers)
    others = shown(client, admin, ids[1]).json

    answer = send(admin, ids, accion, cambios, versiones={str(ids[0]): 2, str(ids[1]): 2})

    assert states(answer) == ["ok", "error", "ok"]
    problema = answer.json["data"][1]["problema"]
    assert (problema["status"], problema["codigo"], problema["version_actual"]) == (
        412,
        "version_obsoleta",
        3,
    )
    assert (problema["campos"], problema["modificado_por"]["id"]) == (["titulo"], admin.id)
    assert shown(client, admin, ids[1]).json == others


def test_of_all_or_none_none_is_done_when_others_changed_one(client, send, tecnico, ids):
    client.patch(f"{TIQUETS}/{ids[2]}", json={"titulo": "De otro"}, headers=tecnico.headers)
    before = snapshot()

    answer = send(tecnico, ids, versiones=dict.fromkeys(map(str, ids), 1), atomico=True)

    assert (answer.status_code, answer.json["codigo"]) == (422, "lote_rechazado")
    assert states({"data": answer.json["resultados"]}) == ["sin_hacer", "sin_hacer", "error"]
    assert answer.json["resultados"][2]["problema"]["codigo"] == "version_obsoleta"
    assert snapshot() == before


def test_versions_can_be_obligatory_where_if_match_is(send, admin, ids, with_settings):
    with_settings(EXIGIR_IF_MATCH="true")
    before = snapshot()
    some = {str(ids[0]): 1}

    for accion, cambios in (("actualizar", TITULO), ("eliminar", None)):
        refused = send(admin, ids, accion, cambios, versiones=some)
        assert (refused.status_code, refused.json["codigo"]) == (428, "faltan_versiones")
    assert snapshot() == before

    assert states(send(admin, ids, "asignar", {"id_usuario": admin.id})) == ["ok"] * 3
    assert states(send(admin, ids, versiones=dict.fromkeys(map(str, ids), 2))) == ["ok"] * 3


# Refusals


def test_what_is_refused_of_some_is_done_to_the_others(client, send, tecnico, ids):
    closed = tiquet_en("cerrado")
    db.session.remove()

    answer = send(tecnico, [ids[0], closed, UNKNOWN, ids[1]], "transicion", {"accion": "pedir_datos"})

    assert states(answer) == ["ok", "error", "error", "ok"]
    problems = [row["problema"]["codigo"] for row in answer.json["data"] if row["estado"] == "error"]
    assert problems == ["transicion_no_permitida", "tiquet_no_encontrado"]
    assert shown(client, tecnico, ids[1]).json["estado"]["tipo"] == "en_espera"


# Role, what the ticket is like, action, what goes with it, and the route that does it to one.
ALONE = {
    "actualizar": ("PUT", ""),
    "transicion": ("POST", "/transiciones"),
    "asignar": ("POST", "/asignar"),
    "eliminar": ("DELETE", ""),
}
SAME = [
    ("Técnico", "nuevo", "eliminar", {}),
    ("Técnico", "nadie", "eliminar", {}),
    ("Administrador", "nadie", "eliminar", {}),
    ("Técnico", "nadie", "actualizar", TITULO),
    ("Técnico", "nuevo", "actualizar", {"id_categoria": UNKNOWN, "id_cliente": UNKNOWN}),
    ("Técnico", "nuevo", "actualizar", {"titulo": "Otro", "version": 99}),
    ("Técnico", "nuevo", "actualizar", {"motivo_cierre": "duplicado"}),
    ("Técnico", "cerrado", "actualizar", {"id_estado": 1}),
    ("Técnico", "de otro", "actualizar", {"id_usuario_asignado": None}),
    ("Administrador", "nuevo", "actualizar", {"origen_externo": "otro", "id_externo": "ocupado"}),
    ("Técnico", "cerrado", "transicion", {"accion": "reabrir"}),
    ("Técnico", "nuevo", "transicion", {"accion": "cerrar"}),
    ("Técnico", "nuevo", "transicion", {"accion": "resolver"}),
    ("Técnico", "nuevo", "transicion", {"accion": "pedir_datos", "id_estado": 1}),
    ("Administrador", "nuevo", "asignar", {"id_usuario": UNKNOWN}),
    ("Técnico", "de otro", "asignar", {"id_usuario": UNKNOWN}),
    ("Técnico", "cerrado", "asignar", {"id_usuario": 1}),
]


@pytest.mark.parametrize(("role", "como", "accion", "cambios"), SAME, ids=str)
def test_each_is_refused_as_its_own_route_refuses_it(client, send, role, como, accion, cambios):
    who, other = quien(role), quien("Técnico")
    factories.tiquet(origen_externo="otro", id_externo="ocupado")
    made = {
        "nadie": lambda: UNKNOWN,
        "de otro": lambda: tiquet_en("en_proceso", id_usuario_asignado=other.id),
    }
    id = made.get(como, lambda: tiquet_en(como))()
    db.session.remove()
    before, mark = snapshot(LOG), last_event()

    row = send(who, [id], accion, cambios).json["data"][0]

    of_batch = [event["accion"] for event in events_after(mark)]
    method, below = ALONE[accion]
    alone = client.open(f"{TIQUETS}/{id}{below}", method=method, json=cambios, headers=who.headers)
    own = {"id_solicitud": None, "instance": None}
    assert row["estado"] == "error"
    assert row["problema"] | own == alone.json | own
    assert row["problema"]["instance"] == f"{TIQUETS}/{id}"
    assert of_batch == ["acceso.denegado"] * (alone.status_code == 403)
    assert snapshot(LOG) == before


def test_the_log_tells_of_which_ticket_something_was_forbidden(send, tecnico, ids, events):
    send(tecnico, ids[:2], "eliminar", {})

    said = [{one["campo"]: one["nuevo"] for one in event.cambios} for event in events("acceso.denegado")]
    assert [one["peticion"] for one in said] == [f"POST {LOTE} {id}" for id in ids[:2]]
    assert {one["permiso"] for one in said} == {"tiquet.eliminar"}


@pytest.mark.parametrize(
    ("body", "errores"),
    [
        ({}, {"ids": ["requerido"], "accion": ["requerido"]}),
        ({"ids": [], "accion": "eliminar"}, {"ids": ["cantidad"]}),
        ({"ids": list(range(1, 102)), "accion": "eliminar"}, {"ids": ["cantidad"]}),
        ({"ids": [7, 8, 7], "accion": "eliminar"}, {"ids": ["repetido"]}),
        ({"ids": [7, 7.0], "accion": "eliminar"}, {"ids": ["repetido"]}),
        ({"ids": "7", "accion": "eliminar"}, {"ids": ["tipo"]}),
        ({"ids": [7], "accion": "volar"}, {"accion": ["opcion"]}),
        ({"ids": [7], "accion": "eliminar", "cambios": {"titulo": "x"}}, {"cambios.titulo": ["desconocido"]}),
        ({"ids": [7], "accion": "eliminar", "cambios": None}, {"cambios": ["nulo"]}),
        ({"ids": [7], "accion": "actualizar", "cambios": {"titulo": ""}}, {"cambios.titulo": ["longitud"]}),
        ({"ids": [7], "accion": "asignar"}, {"cambios.id_usuario": ["requerido"]}),
        ({"ids": [7], "accion": "transicion"}, {"cambios.accion": ["requerido"]}),
        (
            {"ids": [7], "accion": "transicion", "cambios": {"accion": "cancelar"}},
            {"cambios.motivo": ["requerido"]},
        ),
        ({"ids": [7], "accion": "eliminar", "atomico": "no"}, {"atomico": ["tipo"]}),
        ({"ids": [7], "accion": "eliminar", "versiones": [1]}, {"versiones": ["tipo"]}),
        ({"ids": [7], "accion": "eliminar", "versiones": {"8": 1}}, {"versiones.8": ["fuera_del_lote"]}),
        ({"ids": [7], "accion": "eliminar", "versiones": {"07": 1}}, {"versiones.07": ["fuera_del_lote"]}),
        (
            {"ids": [7], "accion": "asignar", "versiones": {"8": 1}},
            {"versiones.8": ["fuera_del_lote"], "cambios.id_usuario": ["requerido"]},
        ),
        (
            {"ids": [7, 8, 9], "accion": "eliminar", "versiones": {"7": 0, "8": "1", "9": None}},
            {"versiones.7": ["rango"], "versiones.8": ["tipo"], "versiones.9": ["nulo"]},
        ),
    ],
    ids=str,
)
def test_a_malformed_batch_is_refused_whole(client, admin, body, errores):
    answer = client.post(LOTE, json=body, headers=admin.headers)

    assert (answer.status_code, codes(answer)) == (422, errores)


def test_a_hundred_are_taken(send, admin):
    assert states(send(admin, list(range(1, 101)), "eliminar", {})) == ["error"] * 100


# All or none


def test_of_all_or_none_all_are_done(client, send, tecnico, ids):
    answer = send(tecnico, ids, atomico=True)

    assert [(row["id"], row["version"]) for row in answer.json["data"]] == [(id, 2) for id in ids]
    assert events_of(ids) == [1, 1, 1]


def test_of_all_or_none_none_is_done_when_one_is_refused(send, tecnico, ids):
    closed = tiquet_en("cerrado")
    db.session.remove()
    before = snapshot()

    answer = send(
        tecnico, [ids[0], closed, ids[1], UNKNOWN], "transicion", {"accion": "pedir_datos"}, atomico=True
    )

    assert (answer.status_code, answer.json["codigo"]) == (422, "lote_rechazado")
    told = answer.json["resultados"]
    assert [row["estado"] for row in told] == ["sin_hacer", "error", "sin_hacer", "error"]
    assert [row["problema"]["codigo"] for row in told if "problema" in row] == [
        "transicion_no_permitida",
        "tiquet_no_encontrado",
    ]
    assert snapshot() == before


def test_half_a_change_that_is_refused_does_not_get_into_the_way_of_the_next(send, admin):
    externo = {"origen_externo": "otro", "id_externo": "ocupado"}
    closed, holder = tiquet_en("cerrado"), factories.tiquet(**externo)
    db.session.remove()

    cambios = externo | {"motivo_cierre": None}
    told = send(admin, [closed, holder], cambios=cambios, atomico=True).json["resultados"]

    assert [row["estado"] for row in told] == ["error", "sin_hacer"]
    assert told[0]["problema"]["codigo"] == "datos_invalidos"


def test_what_another_ticket_has_ends_the_check_of_the_rest(send, admin, ids):
    externo = {"origen_externo": "otro", "id_externo": "ocupado"}
    factories.tiquet(**externo)
    db.session.remove()

    told = send(admin, ids, cambios=externo, atomico=True).json["resultados"]

    assert [row["estado"] for row in told] == ["error", "sin_hacer", "sin_hacer"]
    assert told[0]["problema"]["codigo"] == "ya_existe"


def test_what_is_forbidden_of_all_or_none_is_in_the_log(send, tecnico, ids):
    before, mark = snapshot(LOG), last_event()

    answer = send(tecnico, ids[:2], "eliminar", {}, atomico=True)

    assert answer.status_code == 422
    assert [event["accion"] for event in events_after(mark)] == ["acceso.denegado"] * 2
    assert snapshot(LOG) == before


def test_a_refused_batch_may_be_sent_again_with_its_key(send, tecnico, ids):
    refused = send(tecnico, [*ids, UNKNOWN], key="a", atomico=True)
    answer = send(tecnico, ids, key="a", atomico=True)

    assert (refused.status_code, answer.status_code) == (422, 200)
    assert send(tecnico, ids, key="a", atomico=True).headers["Idempotent-Replayed"] == "true"


# Repetitions


@pytest.mark.parametrize("atomico", [False, True])
def test_a_repeated_batch_gets_the_first_answer(send, tecnico, ids, atomico):
    first = send(tecnico, [*ids], key="a", atomico=atomico)
    send(tecnico, ids, cambios={"titulo": "Otro"})
    before = snapshot()

    again = send(tecnico, [*ids], key="a", atomico=atomico)

    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert snapshot() == before


def test_the_key_of_a_batch_takes_no_other(send, tecnico, ids):
    send(tecnico, ids, key="a")

    assert send(tecnico, ids[:1], key="a").json["codigo"] == "clave_reutilizada"


class Killed(BaseException):
    """What ends a worker."""


def dies_before(number, real):
    """``real``, but its call of this number does not come back."""
    calls = []

    def wrapper(*args):
        calls.append(args)
        if len(calls) == number:
            raise Killed
        return real(*args)

    return wrapper


@pytest.fixture
def half_done(send, tecnico, ids, monkeypatch):
    """A batch whose worker died before the third ticket, and that may be repeated at once."""
    with monkeypatch.context() as patch:
        patch.setattr(service, "apply", dies_before(3, service.apply))
        with pytest.raises(Killed):
            send(tecnico, ids, key="a")
    assert events_of(ids) == [1, 1, 0]


def test_a_batch_that_was_cut_off_is_in_progress_until_nobody_waits_for_it(send, half_done, tecnico, ids):
    early = send(tecnico, ids, key="a")

    assert (early.status_code, early.json["codigo"]) == (409, "clave_en_curso")
    assert int(early.headers["Retry-After"]) > 0
    past = utcnow() - idempotency.ABANDONED - timedelta(seconds=1)
    db.session.execute(sa.update(Idempotencia).values(creado=past))
    db.session.commit()
    assert send(tecnico, ids, key="a").status_code == 200


def test_a_repetition_finishes_what_is_missing_and_does_nothing_twice(
    client, send, half_done, tecnico, ids, monkeypatch
):
    client.put(f"{TIQUETS}/{ids[0]}", json={"titulo": "De otra persona"}, headers=tecnico.headers)
    monkeypatch.setattr(idempotency, "ABANDONED", timedelta(0))

    answer = send(tecnico, ids, key="a")

    assert answer.json == {"data": [{"id": id, "estado": "ok", "version": 2} for id in ids]}
    assert "Idempotent-Replayed" not in answer.headers
    assert events_of(ids) == [2, 1, 1]
    assert shown(client, tecnico, ids[0]).json["titulo"] == "De otra persona"
    assert send(tecnico, ids, key="a").data == answer.data


def test_a_repetition_does_not_log_a_refusal_twice(send, tecnico, ids, monkeypatch, events):
    with monkeypatch.context() as patch:
        patch.setattr(service, "apply", dies_before(3, service.apply))
        with pytest.raises(Killed):
            send(tecnico, ids, "eliminar", {}, key="a")
    db.session.remove()
    monkeypatch.setattr(idempotency, "ABANDONED", timedelta(0))

    answer = send(tecnico, ids, "eliminar", {}, key="a")

    assert [row["problema"]["status"] for row in answer.json["data"]] == [403] * 3
    assert len(events("acceso.denegado")) == 3


def test_when_the_time_is_over_the_rest_is_told_to_be_undone_and_done_by_a_repetition(
    send, tecnico, ids, monkeypatch
):
    late = monotonic() + 3600
    clock = iter([0.0, late, late])
    with monkeypatch.context() as patch:
        patch.setattr(edge, "monotonic", lambda: next(clock))
        first = send(tecnico, ids, key="a")

    assert states(first) == ["ok", "error", "error"]
    assert first.json["data"][2]["problema"]["codigo"] == "base_de_datos_ocupada"
    assert events_of(ids) == [1, 0, 0]
    assert states(send(tecnico, ids, key="a")) == ["ok"] * 3
    assert events_of(ids) == [1, 1, 1]


def test_who_was_taken_for_dead_stops_when_another_goes_on(committed, monkeypatch):
    """The first worker is only slow: at its second ticket the repetition has overtaken it."""
    tecnico, ids = quien("Técnico"), [factories.tiquet() for _ in range(3)]
    db.session.remove()
    monkeypatch.setattr(idempotency, "ABANDONED", timedelta(0))
    body, headers = {"ids": ids, "accion": "actualizar", "cambios": TITULO}, {"Idempotency-Key": "a"}
    real, answers = edge.one, []

    def post():
        return committed.test_client().post(LOTE, json=body, headers=tecnico.headers | headers)

    def creado():
        db.session.rollback()
        return db.session.scalars(sa.select(Idempotencia.creado)).one()

    def overtaken(*args):
        if args[3] == 1 and not answers:
            answers.append(None)
            answers.append(post())
            answers.append(creado())
        return real(*args)

    monkeypatch.setattr(edge, "one", overtaken)

    slow = post()

    assert (slow.status_code, slow.json["codigo"]) == (409, "clave_en_curso")
    assert slow.headers["Retry-After"] == "1"
    assert creado() == answers[2]  # The key is the other's.
    assert states(answers[1]) == ["ok"] * 3
    assert events_of(ids) == [1, 1, 1]
    assert post().data == answers[1].data


def test_a_claim_whose_commit_is_not_acknowledged_is_still_ones_own(committed, monkeypatch):
    tecnico, ids = quien("Técnico"), [factories.tiquet() for _ in range(3)]
    db.session.remove()
    lost = OperationalError("COMMIT", {}, pymysql.err.OperationalError(2013, "Lost connection"))
    monkeypatch.setattr(db.session, "commit", fails_once(lost, db.session.commit))
    headers = tecnico.headers | {"Idempotency-Key": "a"}

    answer = committed.test_client().post(
        LOTE, json={"ids": ids, "accion": "actualizar", "cambios": TITULO}, headers=headers
    )

    assert states(answer) == ["ok"] * 3
    assert events_of(ids) == [1] * 3


def test_to_claim_and_to_keep_the_key_takes_of_the_time_of_the_request(send, tecnico, ids, monkeypatch):
    """What is left of it; but to keep it never less than one try needs."""
    real, deadlines, begun = idempotency.run, [], monotonic()

    def noted(unit, deadline=None):
        deadlines.append(deadline)
        return real(unit, deadline=deadline)

    monkeypatch.setattr(idempotency, "run", noted)
    monkeypatch.setattr(requests, "LIMIT", 1000.0)

    assert states(send(tecnico, ids, key="a")) == ["ok"] * 3
    monkeypatch.setattr(idempotency, "monotonic", lambda: begun + 9000)
    assert states(send(tecnico, ids, key="b")) == ["ok"] * 3

    claimed, kept, claimed_late, kept_late = deadlines
    assert begun + 1000 <= claimed == kept <= claimed_late < begun + 2000
    assert kept_late == begun + 9000 + SHORTEST


def test_an_answer_that_cannot_be_kept_is_told_all_the_same(send, tecnico, ids, monkeypatch):
    """What was done is done: the same request again finds that out."""
    real, left = idempotency.run, [None]

    def failing(unit, **deadline):
        if not left:
            raise Unavailable("base_de_datos_ocupada")
        left.pop()
        return real(unit, **deadline)

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "run", failing)
        told = send(tecnico, ids, key="a")
    monkeypatch.setattr(idempotency, "ABANDONED", timedelta(0))

    assert states(told) == ["ok"] * 3
    assert send(tecnico, ids, key="a").json == told.json
    assert events_of(ids) == [1] * 3


def test_of_ten_twins_at_once_one_does_the_work(committed):
    tecnico, ids = quien("Técnico"), [factories.tiquet() for _ in range(5)]
    db.session.remove()
    body, headers = {"ids": ids, "accion": "actualizar", "cambios": TITULO}, {"Idempotency-Key": "a"}

    answers = at_once(
        10, lambda _n: committed.test_client().post(LOTE, json=body, headers=tecnico.headers | headers)
    )

    told = {answer.data for answer in answers if answer.status_code == 200}
    assert len(told) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert events_of(ids) == [1] * 5


@pytest.mark.parametrize("atomico", [False, True])
def test_of_eight_who_saw_the_same_versions_one_changes_each_ticket(committed, atomico):
    tecnico, ids = quien("Técnico"), [factories.tiquet() for _ in range(5)]
    db.session.remove()
    body = {
        "ids": ids,
        "accion": "actualizar",
        "atomico": atomico,
        "versiones": dict.fromkeys(map(str, ids), 1),
    }

    def work(number):
        named = body | {"cambios": {"titulo": f"De {number}"}}
        return committed.test_client().post(LOTE, json=named, headers=tecnico.headers)

    answers = at_once(8, work)

    assert {answer.status_code for answer in answers} == ({200, 422} if atomico else {200})
    assert events_of(ids) == [1] * 5
    done = [row for answer in answers for row in answer.json.get("data", []) if row["estado"] == "ok"]
    assert len(done) == 5


def test_batches_of_the_same_tickets_in_other_orders_do_not_stand_in_each_others_way(committed):
    tecnico, ids = quien("Técnico"), [factories.tiquet() for _ in range(20)]
    db.session.remove()

    def work(number):
        body = {
            "ids": ids[:: 1 if number % 2 else -1],
            "accion": "actualizar",
            "cambios": {"titulo": f"De {number}"},
            "atomico": True,
        }
        return committed.test_client().post(LOTE, json=body, headers=tecnico.headers)

    answers = at_once(8, work)

    assert {answer.status_code for answer in answers} == {200}
    titulos = db.session.scalars(sa.select(Tiquet.titulo).distinct()).all()
    assert len(titulos) == 1
    assert events_of(ids) == [8] * 20


def test_a_killed_worker_leaves_a_batch_that_a_repetition_finishes(committed, database_url):
    tecnico, ids = quien("Técnico"), [factories.tiquet() for _ in range(100)]
    db.session.remove()
    body = {"ids": ids, "accion": "actualizar", "cambios": TITULO}
    with gunicorn(database_url, "--threads", "1") as server:
        server.timeout = (
            60.0  # Who gives up waiting on a slow machine finds it done, and gets the kept answer.
        )
        headers = tecnico.headers | {"Idempotency-Key": "a"}
        answers = []

        def insist():
            """Until it is whole: what a slow machine has no time for is an error of its row, and no other."""
            while not answers or late(answers[-1]):
                answers.append(server.insist("POST", LOTE, body, **headers))

        def late(answer):
            wrong = [row["problema"]["codigo"] for row in answer.json["data"] if row["estado"] == "error"]
            return len(answers) < 10 and wrong and set(wrong) == {"base_de_datos_ocupada"}

        client = Thread(target=insist)
        client.start()
        wait_for_events(ids)
        killed = [server.kill_one() for _ in range(20)]
        before = sum(events_of(ids))
        client.join()

    assert sum(killed) > 0
    assert 0 < before < 100
    assert states(answers[-1]) == ["ok"] * 100
    assert "Idempotent-Replayed" not in answers[-1].headers
    assert events_of(ids) == [1] * 100


def wait_for_events(ids):
    """Until the first tickets are done."""
    end = monotonic() + 30
    while sum(events_of(ids)) < 3:
        assert monotonic() < end
        sleep(0.005)


# What it costs


@pytest.mark.parametrize(
    ("atomico", "key", "fixed", "each"), [(False, None, 1, 7), (True, None, 4, 5), (False, "a", 3, 9)]
)
def test_the_statements_grow_with_the_tickets_and_no_faster(
    client, send, tecnico, ids, atomico, key, fixed, each
):
    client.get("/api/tickets/catalogos", headers=tecnico.headers)  # Which are then in memory.
    search.add(*db.session.scalars(sa.select(Tiquet).where(Tiquet.id.in_(ids))))
    flush()
    db.session.commit()
    for count in (1, 3):
        with noted() as statements:
            answer = send(
                tecnico,
                ids[:count],
                cambios={"titulo": f"De {count}"},
                atomico=atomico,
                **({"key": f"{key}{count}"} if key else {}),
            )
        assert answer.status_code == 200
        assert len(statements) == fixed + each * count, statements
