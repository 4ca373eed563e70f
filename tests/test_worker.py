"""The worker: what it does while nobody asks, how it is seen, and how it ends."""

import signal
from datetime import UTC, timedelta
from threading import Event, Thread
from time import sleep

import pytest
import sqlalchemy as sa
import time_machine
from flask import current_app

from app import create_app
from app.database import STATEMENT
from app.extensions import db
from app.models import Arriendo, LogTransaccional, utcnow
from app.services import leases, maintenance, worker
from tests import factories
from tests.conftest import config_for, disconnect
from tests.factories import NUEVO
from tests.gunicorn import prepared
from tests.mariadb import Server
from tests.threads import at_once
from tests.workers import PATIENCE, flask, until

TICKETS = "/api/tickets/tickets"


def is_seen(app) -> bool:
    return app.test_client().get("/health/ready").json["trabajador"]


def unnumbered() -> int:
    db.session.remove()
    return db.session.scalar(sa.select(sa.func.count()).where(LogTransaccional.secuencia.is_(None)))


def test_two_workers_number_what_is_written_and_show_themselves_until_they_end(app, committed, database_url):
    assert not is_seen(app)
    # Before anybody else writes: what a fixture reads and then changes, SQLite would refuse it.
    admin = factories.quien("Administrador")
    db.session.remove()
    with flask(database_url, "worker") as one, flask(database_url, "worker") as other:
        until(lambda: db.session.rollback() or len(rows()) == 2)
        assert is_seen(app)
        client = app.test_client()
        for _ in range(5):
            assert client.post(TICKETS, json=NUEVO, headers=admin.headers).status_code == 201
        until(lambda: unnumbered() == 0)

        one.send_signal(signal.SIGTERM)
        assert one.wait(PATIENCE) == 0
        assert is_seen(app)
        until(lambda: db.session.rollback() or len(rows()) == 1)
        other.kill()
        other.wait()
        assert is_seen(app)  # Nobody knows yet.
        with time_machine.travel(utcnow().replace(tzinfo=UTC) + 5 * worker.BEAT):
            assert not is_seen(app)


def rows() -> list[Arriendo]:
    own = Arriendo.nombre.startswith(worker.TRABAJADOR)
    return list(db.session.scalars(sa.select(Arriendo).where(own)))


def test_once_does_what_there_is_and_ends(app, committed, database_url):
    admin = factories.quien("Administrador")
    app.test_client().post(TICKETS, json=NUEVO, headers=admin.headers)
    assert unnumbered() > 0

    with flask(database_url, "worker", "--una-vez") as process:
        assert process.wait(PATIENCE) == 0

    assert unnumbered() == 0
    assert rows() == []


def test_a_job_that_fails_is_told_and_stops_no_other(app, session, monkeypatch, caplog):
    monkeypatch.setattr(worker, "AFTER_A_FAULT", 0.01)
    tries, stop = [], Event()

    def fail() -> int:
        tries.append(1)
        raise OSError("se perdió la red")

    done = []
    jobs = (worker.Job("roto", fail, 0.01), worker.Job("sano", lambda: done.append(1) or 0, 0.01))
    thread = Thread(target=worker.work, args=(stop, app.app_context, jobs))
    monkeypatch.setattr(leases, "renew", lambda *_: None)
    monkeypatch.setattr(leases, "end", lambda *_: None)
    thread.start()
    until(lambda: len(tries) > 2 and len(done) > 2)
    stop.set()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert "Falló el trabajo «roto»" in caplog.text
    assert "se perdió la red" in caplog.text
    assert not worker.running.is_set()


def test_once_tells_what_failed_and_does_the_rest(app, session, monkeypatch):
    def fail() -> int:
        raise OSError

    left = [3, 2]
    jobs = (worker.Job("roto", fail, 1), worker.Job("sano", lambda: left.pop() if left else 0, 1))
    monkeypatch.setattr(worker, "once", lambda real=worker.once: real(jobs))

    told = app.test_cli_runner().invoke(args=["worker", "--una-vez"])

    assert told.exit_code == 1
    assert "roto: falló\nsano: 5\n" in told.output


def test_maintenance_is_done_once_an_hour_whoever_does_it(app, committed, monkeypatch):
    rounds = []
    monkeypatch.setattr(maintenance, "maintain", lambda: rounds.append(1) or {"claves": 2})

    def one(_number: int) -> int:
        with app.app_context():
            return worker.upkeep()

    assert sorted(at_once(8, one)) == [0] * 7 + [2]
    assert one(0) == 0
    with time_machine.travel(utcnow().replace(tzinfo=UTC) + worker.UPKEEP + timedelta(seconds=1)):
        assert sorted(at_once(8, one)) == [0] * 7 + [2]
    assert len(rounds) == 2


def test_who_only_asks_whether_a_lease_is_free_writes_nothing(app, session):
    assert leases.take("prueba", timedelta(minutes=1))
    before = [(row.nombre, row.hasta) for row in db.session.scalars(sa.select(Arriendo))]

    assert not leases.take("prueba", timedelta(minutes=1))

    assert [(row.nombre, row.hasta) for row in db.session.scalars(sa.select(Arriendo))] == before
    leases.end("prueba")
    assert leases.take("prueba", timedelta(minutes=1))


@pytest.mark.mariadb
def test_a_worker_outlives_its_database():
    with Server() as server, prepared(url := server.url("trabajo")), flask(url, "worker") as process:
        until(lambda: db.session.rollback() or len(rows()) == 1)
        db.session.remove()
        server.stop()
        sleep(2)
        server.start()
        admin = factories.quien("Administrador")
        db.session.commit()
        assert current_app.test_client().post(TICKETS, json=NUEVO, headers=admin.headers).status_code == 201
        assert process.poll() is None
        until(lambda: unnumbered() == 0)
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.mariadb
def test_the_statements_of_a_worker_have_limits(app, database_url):
    worker.running.set()
    try:
        with create_app(config_for(database_url)).app_context():
            assert db.session.scalar(sa.text("SELECT @@max_statement_time")) == STATEMENT
            db.session.remove()
            disconnect()
    finally:
        worker.running.clear()
