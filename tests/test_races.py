"""Many clients at one ticket through several workers, again and again: never a miss.

Each race is run ``ROUNDS`` times, with a new ticket for each. What must hold afterwards is asked of the API
and of the log. On SQLite all writers stand in one line, so this is for MariaDB.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Adjuntos, Comentarios, LogTransaccional
from tests import factories
from tests.client import Form
from tests.factories import Quien, quien
from tests.gunicorn import TICKETS, Answer, Gunicorn, gunicorn
from tests.threads import at_once

pytestmark = pytest.mark.mariadb
ROUNDS = 20
Request = tuple[str, str, Any, dict[str, str]]


class Race:
    """A server with two workers, and staff that is signed in."""

    def __init__(self, server: Gunicorn) -> None:
        self.server = server
        self.staff = [quien("Técnico") for _ in range(50)]
        self.admin = quien("Administrador")

    def at_once(self, requests: list[Request]) -> list[Answer]:
        """Send all of them at the same moment, each on a connection of its own."""

        def send(number: int) -> Answer:
            method, path, body, headers = requests[number]
            return self.server.ask(method, path, body, **headers)

        return at_once(len(requests), send)

    def get(self, path: str) -> Any:
        return self.server.ask("GET", path, **self.admin.headers).json


@pytest.fixture
def race(committed: Flask, database_url: str) -> Iterator[Race]:
    with gunicorn(database_url, "-w", "2", "--threads", "8") as server:
        yield Race(server)


def in_database(statement: Any) -> Any:
    db.session.rollback()  # Begin anew, to see what others committed.
    return db.session.execute(statement).all()


def events(id: int, accion: str) -> list[Any]:
    """The versions and changes of a ticket's events of this action, by version."""
    log = LogTransaccional
    of_ticket = select(log.version_resultante, log.cambios).where(log.id_tiquet == id, log.accion == accion)
    return in_database(of_ticket.order_by(log.version_resultante, log.id))


def with_key(who: Quien, key: str) -> dict[str, str]:
    return {**who.headers, "Idempotency-Key": key}


def test_of_fifty_technicians_who_take_a_ticket_one_gets_it(race):
    for _ in range(ROUNDS):
        id = factories.tiquet()
        answers = race.at_once([("POST", f"{TICKETS}/{id}/tomar", {}, who.headers) for who in race.staff])

        assert Counter(answer.status for answer in answers) == {200: 1, 409: 49}
        (winner,) = (who for who, answer in zip(race.staff, answers, strict=True) if answer.status == 200)
        shown = race.get(f"{TICKETS}/{id}")
        assert (shown["id_usuario_asignado"], shown["version"]) == (winner.id, 2)
        assert len(events(id, "tiquet.actualizado")) == 1


def test_of_ten_who_change_the_same_version_one_does(race):
    for _ in range(ROUNDS):
        id = factories.tiquet()
        etag = {"If-Match": '"1"'}
        bodies = [{"titulo": f"Título {number}"} for number in range(10)]
        answers = race.at_once(
            [
                ("PUT", f"{TICKETS}/{id}", body, {**who.headers, **etag})
                for who, body in zip(race.staff, bodies, strict=False)
            ]
        )

        assert Counter(answer.status for answer in answers) == {200: 1, 412: 9}
        (won,) = (b for b, answer in zip(bodies, answers, strict=True) if answer.status == 200)
        assert race.get(f"{TICKETS}/{id}")["titulo"] == won["titulo"]
        assert {answer.json["version_actual"] for answer in answers if answer.status == 412} == {2}


def test_different_ends_at_once_leave_a_ticket_that_went_by_the_table(race):
    """Each accepted action is one event, and together they are a path from the first state to the last."""
    actions = [
        {"accion": "resolver", "resolucion": "Se cambió el tóner"},
        {"accion": "cancelar", "motivo": "Ya no hace falta"},
        {"accion": "pedir_datos"},
        {"accion": "reabrir"},
        {"accion": "cerrar"},
    ]
    for _ in range(ROUNDS):
        id = factories.tiquet(id_estado=2, id_usuario_asignado=race.staff[0].id)
        answers = race.at_once(
            [
                ("POST", f"{TICKETS}/{id}/transiciones", action, race.staff[number].headers)
                for number, action in enumerate(actions * 2)
            ]
        )

        assert {answer.status for answer in answers} <= {200, 403, 409}
        state, version = 2, 1
        for result, changes in events(id, "tiquet.actualizado"):
            moved = {change["campo"]: (change["anterior"], change["nuevo"]) for change in changes}
            assert result == version + 1
            assert moved.get("id_estado", (state, state))[0] == state
            state, version = moved.get("id_estado", (state, state))[1], result
        shown = race.get(f"{TICKETS}/{id}")
        assert (shown["id_estado"], shown["version"]) == (state, version)
        ended = shown["estado"]["tipo"] == "cerrado"
        assert (shown["fecha_cierre"] is not None, shown["motivo_cierre"] is not None) == (ended, ended)


def test_comments_that_come_and_go_are_counted_to_the_last_one(race):
    public = {"mensaje": "Hola", "es_interno": False}
    for _ in range(ROUNDS):
        id = factories.tiquet()
        path = f"{TICKETS}/{id}/comentarios"
        old = [factories.ComentarioFactory(id_tiquet=id).id for _ in range(8)]
        db.session.execute(
            factories.Tiquet.__table__.update().values(numero_comentarios=8).where(factories.Tiquet.id == id)
        )
        db.session.commit()
        writing: list[Request] = [("POST", path, public, who.headers) for who in race.staff[:12]]
        erasing: list[Request] = [("DELETE", f"{path}/{one}", None, race.admin.headers) for one in old]
        answers = race.at_once([*writing, *erasing])

        assert Counter(answer.status for answer in answers) == {201: 12, 204: 8}
        assert race.get(f"{TICKETS}/{id}")["numero_comentarios"] == 12
        rows = select(func.count()).select_from(Comentarios).where(Comentarios.id_tiquet == id)
        assert in_database(rows) == [(12,)]


def test_files_that_come_and_go_are_counted_to_the_last_one(race):
    for _ in range(ROUNDS):
        id = factories.tiquet(numero_adjuntos=4)
        path = f"{TICKETS}/{id}/adjuntos"
        old = [factories.adjunto(id_tiquet=id).id for _ in range(4)]
        form = Form(archivo=[("a.txt", b"a"), ("b.txt", b"b")])
        sending: list[Request] = [("POST", path, form, who.headers) for who in race.staff[:6]]
        erasing: list[Request] = [("DELETE", f"{path}/{one}", None, race.admin.headers) for one in old]
        answers = race.at_once([*sending, *erasing])

        assert Counter(answer.status for answer in answers) == {201: 6, 204: 4}
        assert race.get(f"{TICKETS}/{id}")["numero_adjuntos"] == 12
        rows = select(func.count()).select_from(Adjuntos).where(Adjuntos.id_tiquet == id)
        assert in_database(rows) == [(12,)]


def repeated(who: Quien, id: int) -> Iterator[tuple[str, Callable[[str], Request], str]]:
    """Writes that must happen once however often they are sent, and the event that tells of each."""
    yield "a ticket", lambda key: ("POST", TICKETS, factories.NUEVO, with_key(who, key)), "tiquet.creado"
    path = f"{TICKETS}/{id}"
    comment = {"mensaje": "Una vez"}
    yield (
        "a comment",
        lambda key: ("POST", f"{path}/comentarios", comment, with_key(who, key)),
        "comentario.creado",
    )
    form = Form(archivo=("a.txt", b"a"))
    yield "a file", lambda key: ("POST", f"{path}/adjuntos", form, with_key(who, key)), "adjunto.creado"


def test_the_same_key_ten_times_at_once_has_one_effect(race):
    who, id = race.staff[0], factories.tiquet()
    for number in range(ROUNDS):
        for name, request, accion in repeated(who, id):
            log = LogTransaccional
            count = select(func.count()).select_from(log).where(log.accion == accion)
            before = in_database(count)[0][0]

            answers = race.at_once([request(f"{name} {number}")] * 10)

            done = [answer for answer in answers if answer.status == 201]
            assert done, answers
            assert {answer.status for answer in answers} <= {201, 409}, answers
            assert len({answer.text for answer in done}) == 1
            assert in_database(count)[0][0] == before + 1


def test_a_ticket_thrown_away_while_others_write_to_it_is_whole_when_it_comes_back(race):
    for _ in range(ROUNDS):
        id = factories.tiquet()
        path = f"{TICKETS}/{id}"
        writing: list[Request] = [
            ("POST", f"{path}/comentarios", {"mensaje": "Hola"}, who.headers) for who in race.staff[:8]
        ]
        answers = race.at_once([*writing, ("DELETE", path, None, race.admin.headers)])

        assert answers[-1].status == 204
        assert {answer.status for answer in answers[:-1]} <= {201, 404}
        written = sum(answer.status == 201 for answer in answers[:-1])
        restored = race.server.ask("POST", f"{path}/restaurar", {}, **race.admin.headers)
        assert (restored.status, restored.json["numero_comentarios"]) == (200, written)
        assert len(race.get(f"{path}/comentarios")["data"]) == written


def test_of_two_tickets_merged_crosswise_one_stays_open_with_all_that_both_had(race):
    for _ in range(ROUNDS):
        ids = [factories.tiquet() for _ in range(2)]
        for id in ids:
            race.server.ask("POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola"}, **race.admin.headers)
        answers = race.at_once(
            [
                ("POST", f"{TICKETS}/{id}/fusionar", {"id_destino": other}, who.headers)
                for id, other, who in zip(ids, ids[::-1], race.staff, strict=False)
            ]
        )

        assert Counter(answer.status for answer in answers) == {200: 1, 409: 1}
        shown = [race.get(f"{TICKETS}/{id}") for id in ids]
        left, merged = sorted(shown, key=lambda tiquet: tiquet["fecha_cierre"] is not None)
        assert (left["estado"]["tipo"], left["numero_comentarios"]) == ("nuevo", 2)
        assert (merged["motivo_cierre"], merged["id_tiquet_fusionado"]) == ("fusionado", left["id"])


@pytest.fixture
def in_turn(race: Race) -> Iterator[int]:
    """A category that gives out its tickets in turn, as it was before afterwards."""
    path, headers = "/api/tickets/categorias/1", race.admin.headers
    race.server.ask("PUT", path, {"asignacion": "rotativa"}, **headers)
    yield 1
    assert race.server.ask("PUT", path, {"asignacion": "ninguna"}, **headers).status == 200


def test_what_is_given_out_in_turn_is_given_out_evenly(race, in_turn):
    crew = [factories.UsuarioFactory().id for _ in range(4)]
    for id in crew:
        served = race.server.ask("PUT", f"/api/users/{id}", {"categorias": [in_turn]}, **race.admin.headers)
        assert served.status == 200
    new = factories.NUEVO | {"id_categoria": in_turn}
    for _ in range(ROUNDS):
        answers = race.at_once([("POST", TICKETS, new, who.headers) for who in race.staff[:20]])

        assert {answer.status for answer in answers} == {201}
        assert Counter(answer.json["id_usuario_asignado"] for answer in answers) == dict.fromkeys(crew, 5)


def test_a_batch_and_single_writes_of_the_same_tickets_lose_nothing(race):
    for _ in range(ROUNDS):
        ids = [factories.tiquet() for _ in range(10)]
        whole = {"ids": ids, "accion": "actualizar", "cambios": {"id_prioridad": 4}, "atomico": True}
        apart = {"ids": ids[::-1], "accion": "actualizar", "cambios": {"id_criticidad": 4}}
        single: list[Request] = [
            ("PUT", f"{TICKETS}/{id}", {"titulo": f"Otro {id}"}, who.headers)
            for id, who in zip(ids, race.staff, strict=False)
        ]
        batches: list[Request] = [
            ("POST", f"{TICKETS}/lote", body, race.admin.headers) for body in (whole, apart)
        ]
        answers = race.at_once([*batches, *single])

        assert {answer.status for answer in answers} == {200}, answers
        for id in ids:
            shown = race.get(f"{TICKETS}/{id}")
            told = (shown["titulo"], shown["id_prioridad"], shown["id_criticidad"], shown["version"])
            assert told == (f"Otro {id}", 4, 4, 4)
