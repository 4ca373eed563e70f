"""What is left of a storm: the log is what happened, and all that is told of it is the log."""

import random
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app

from app import transaction
from app.extensions import db
from app.models import Comentarios, LogTransaccional, Tiquet
from tests import factories
from tests.conftest import config_for
from tests.deliveries import finish, states
from tests.follower import Follower
from tests.gunicorn import TICKETS, Gunicorn, gunicorn, prepared
from tests.mariadb import Server
from tests.receivers import LOOPBACK, Arrival, Receiver, receiver
from tests.storm import KEYLESS, LEAVES, STAYS, Deed, Writer, rage
from tests.workers import Workers
from tests.world import WEBHOOKS

EACH, WORKERS = 8, 2  # writers of each role, and `flask worker`s
TABLES: dict[str, Any] = {"tiquet": Tiquet, "comentario": Comentarios}
# Columns of which no event tells: what the row's own events have in their headers, and what they do to it.
UNTOLD = {"id", "version", "fecha_actualizacion", "fecha_actualizacion_publica"}
TOUCHES = "tiquet.comentado"  # what a ticket shows of its comments; no version of its own
TOLD = ("secuencia", "id_evento", "accion", "entidad", "id_entidad", "id_tiquet", "fecha", "cambios")
REFUSED = 0.02  # of the deliveries that come
PATIENCE = 180.0  # seconds: all of it may be down at once, and what starts has to share the processors
QUIET = 3.0  # seconds in which no delivery ends: then those that are left wait for their time


@dataclass
class Outcome:
    """What was told to whom, and what was killed meanwhile."""

    killed: dict[str, int]
    ids: list[int]
    deeds: list[Deed]
    followers: tuple[Follower, Follower]  # an Administrador's and a Técnico's


@pytest.mark.mariadb
@pytest.mark.usefixtures("without_app")
def test_after_a_storm_tickets_feed_and_webhooks_are_what_the_log_says(pytestconfig, tmp_path, capsys):
    refused: list[Arrival] = []

    def moody(arrival: Arrival) -> int:
        if random.random() < REFUSED:
            refused.append(arrival)
            return 500
        return 204

    with Server() as database, receiver(moody) as own, prepared(url := database.url("tormenta")):
        outcome = rage_on(database, url, own, tmp_path, pytestconfig.getoption("--tormenta"))
        waiting = states().get("pendiente", 0)
        current_app.extensions["soporteplus"] = config_for(url, **LOOPBACK)
        finish()
        log, told = events(), [row for row in events() if row.entidad in TABLES]
        assert states() == {"entregada": len(told)}
        check_state(told)
        verified = current_app.test_cli_runner().invoke(args=["auditoria", "verificar"])

    assert [row.secuencia for row in log] == [*range(1, len(log) + 1)]
    assert verified.output.startswith(f"Íntegro: {len(log)} eventos, 0 de ellos vaciados."), verified.output
    check_deeds(told, outcome.deeds)
    of_admin, of_tecnico = outcome.followers
    check_heard(of_admin, log, all_told=True)
    check_heard(of_tecnico, told, all_told=False)
    check_arrivals(own, told)
    assert all(outcome.killed.values()), outcome.killed
    done = Counter(deed.what for deed in outcome.deeds if deed.is_done)
    assert set(done) == set(LEAVES)
    repeats = len(own.arrivals) - len(told)
    with capsys.disabled():
        report(
            killed=outcome.killed,
            feed_clients_died=of_admin.deaths + of_tecnico.deaths,
            writes=dict(done),
            writes_refused=len(outcome.deeds) - done.total(),
            tickets=len(outcome.ids),
            events=len(log),
            heard=[dict(Counter(via for via, _ in one.heard())) for one in outcome.followers],
            deliveries=len(told),
            deliveries_left_to_later=waiting,
            repeats_after_a_500=len(refused),
            other_repeats=repeats - len(refused),
        )


def rage_on(database: Server, url: str, own: Receiver, folder: Path, seconds: float) -> Outcome:
    """Serve, write, follow and kill for so long, and compare the followers' tickets with the service's."""
    admins, tecnicos = signed_in("Administrador"), signed_in("Técnico")
    with (
        gunicorn(url, "-w", "3", TMPDIR=str(folder), **LOOPBACK) as server,
        Workers(WORKERS, url, **LOOPBACK) as workers,
    ):
        server.patience = PATIENCE
        body = {"url": own.url, "eventos": [f"{entidad}.*" for entidad in TABLES]}
        assert server.insist("POST", WEBHOOKS, body, **admins[0]).status == 201
        ids: list[int] = []
        writers = [Writer(server, headers, ids, admin=True) for headers in admins]
        writers += [Writer(server, headers, ids, admin=False) for headers in tecnicos]
        with (
            Follower(server.port, admins[0], folder / "administrador") as of_admin,
            Follower(server.port, tecnicos[0], folder / "tecnico") as of_tecnico,
        ):
            kills = {
                "gunicorn worker": (server.kill_one, 5.0),
                "gunicorn master": (server.crash, 60.0),
                "flask worker": (workers.kill_one, 12.0),
                "mariadbd": (lambda: crash(database), 60.0),
                "feed client": (lambda: of_admin.kill() + of_tecnico.kill(), 5.0),
            }
            killed = rage(seconds, writers, kills)
        for follower, headers in ((of_admin, admins[0]), (of_tecnico, tecnicos[0])):
            assert follower.tickets() == tickets(server, ids, headers)
        wait_until_quiet()
        workers.stop()
    deeds = [deed for writer in writers for deed in writer.deeds]
    return Outcome(killed, ids, deeds, (of_admin, of_tecnico))


def signed_in(tipo_usuario: str) -> list[dict[str, str]]:
    """The headers of so many as write."""
    found = [factories.quien(tipo_usuario).headers for _ in range(EACH)]
    db.session.remove()
    return found


def crash(database: Server) -> int:
    database.kill()
    database.start()
    return 1


def wait_until_quiet() -> None:
    """Let the workers deliver what they can now: what a killed one had taken comes later."""
    waiting, since = -1, monotonic()
    while waiting and monotonic() - since < QUIET:
        sleep(0.2)
        if (left := states().get("pendiente", 0)) != waiting:
            waiting, since = left, monotonic()


def tickets(server: Gunicorn, ids: list[int], headers: dict[str, str]) -> dict[int, Any]:
    """All of these that are not in the trash, each by its own path."""

    def one(id: int) -> Any:
        answer = server.insist("GET", f"{TICKETS}/{id}", **headers)
        assert answer.status in (200, 404), answer
        return answer

    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(ids, pool.map(one, ids), strict=True))
    return {id: answer.json for id, answer in answers.items() if answer.status == 200}


def events() -> list[Any]:
    db.session.remove()
    log = LogTransaccional.__table__
    return list(db.session.execute(sa.select(log).order_by(log.c.secuencia)))


def check_deeds(told: list[Any], deeds: list[Deed]) -> None:
    """What was acknowledged was done once, and what was refused, never; nobody did anything else."""
    left = defaultdict(list)
    for row in told:
        left[row.id_solicitud].append(row.accion)
    assert set(left) <= {deed.solicitud for deed in deeds}
    for deed in deeds:
        whole, nothing = [*LEAVES[deed.what]], list[str]()
        unknown = deed.what in (STAYS if deed.is_done else KEYLESS)
        possible = [whole, nothing] if unknown else [whole if deed.is_done else nothing]
        assert sorted(left[deed.solicitud]) in possible, deed


def check_state(told: list[Any]) -> None:
    """The rows are those that the log tells of, and as it tells, step by step from the first."""
    things: dict[Any, dict[str, Any]] = {}
    last: dict[Any, Any] = {}
    for row in told:
        key = row.entidad, row.id_entidad
        thing = things.setdefault(key, {})
        assert (key in last) != (row.accion == f"{row.entidad}.creado"), row
        before = last[key].version_resultante if key in last else 0
        assert row.version_resultante == before + (row.accion != TOUCHES), row
        for cambio in row.cambios:
            assert thing.get(cambio["campo"]) == cambio["anterior"], row
            thing[cambio["campo"]] = cambio["nuevo"]
        last[key] = row
    rows = {
        (name, row.id): row for name, model in TABLES.items() for row in db.session.scalars(sa.select(model))
    }
    assert set(rows) == set(things)
    for key, row in rows.items():
        now = {column.key: plain(getattr(row, column.key)) for column in row.__table__.c}
        assert without_none(things[key]) == without_none(now), row
        assert row.version == last[key].version_resultante
    for tiquet in db.session.scalars(sa.select(Tiquet)):
        age = last["tiquet", tiquet.id].fecha - tiquet.fecha_actualizacion
        assert timedelta(0) <= age <= timedelta(seconds=transaction.LIMIT)


def without_none(thing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if value is not None and name not in UNTOLD}


def plain(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


def check_heard(follower: Follower, log: list[Any], *, all_told: bool) -> None:
    """It heard of each of these events once, in their order, with what happened.

    Of what is in the trash when it is told, who is not told all is told only that something happened.
    """
    heard = [event for _, event in follower.heard()]
    assert [event["secuencia"] for event in heard] == [row.secuencia for row in log]
    for event, row in zip(heard, log, strict=True):
        said = {name: plain(getattr(row, name)) for name in TOLD}
        hidden = not all_told and event["objeto"] is None
        assert {name: event[name] for name in TOLD} == said | ({"cambios": []} if hidden else {})


def check_arrivals(own: Receiver, told: list[Any]) -> None:
    """Each of these events came, and of each ticket none after a later one, not even again."""
    assert {arrival.id for arrival in own.arrivals} == {row.id_evento for row in told}
    numbers = defaultdict(list)
    for arrival in own.arrivals:
        numbers[arrival.json["data"]["id_tiquet"]].append(arrival.secuencia)
    for of_ticket in numbers.values():
        assert of_ticket == sorted(of_ticket)


def report(**counts: Any) -> None:
    for name, value in counts.items():
        sys.stdout.write(f"\n{name}: {value}")
