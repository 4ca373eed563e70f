"""Several workers, slow receivers, killed workers: nothing is lost, each ticket's events are in order."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from threading import Event, Thread
from time import monotonic, sleep

import pytest
import sqlalchemy as sa
import time_machine
from flask import current_app

from app.extensions import db
from app.models import Entregas, utcnow
from app.permissions import Actor
from app.services import worker
from app.services.log import deliveries, webhooks
from app.transaction import run
from tests import factories
from tests.conftest import config_for
from tests.deliveries import fan_out, finish, states
from tests.factories import NUEVO
from tests.gunicorn import prepared
from tests.receivers import LOOPBACK, receiver
from tests.threads import at_once
from tests.workers import Workers, until
from tests.world import TIQUETS, WEBHOOKS

TICKETS, CHANGES = 40, 9  # 400 events
WORKERS, EVERY = 3, 1.5


@pytest.fixture
def hook(committed, with_settings):
    """Makes webhooks that are told of tickets."""
    with_settings(**LOOPBACK)
    client, admin = committed.test_client(), factories.quien("Administrador")

    def hook(url):
        body = {"url": url, "eventos": ["tiquet.*"]}
        return client.post(WEBHOOKS, json=body, headers=admin.headers).json["id"]

    hook.client, hook.headers = client, admin.headers
    return hook


def open_tickets(hook, count):
    return [hook.client.post(TIQUETS, json=NUEVO, headers=hook.headers).json["id"] for _ in range(count)]


def test_all_workers_together_send_so_many_at_once_to_one_webhook_and_each_event_once(committed, hook):
    def slowly(_arrival):
        sleep(0.1)
        return 200

    with receiver(slowly) as own:
        hook(own.url)
        open_tickets(hook, 24)
        fan_out()

        def one(_number):
            done = 0
            with committed.app_context():
                while "pendiente" in states():
                    done += deliveries.deliver()
            return done

        assert sum(at_once(10, one)) == 24

    assert own.most == deliveries.SIMULTANEAS
    assert len({arrival.id for arrival in own.arrivals}) == len(own.arrivals) == 24


def test_where_it_fails_only_one_asks_at_a_time(committed, hook):
    def slowly(_arrival):
        sleep(0.1)
        return 500

    with receiver(slowly) as own:
        hook(own.url)
        open_tickets(hook, 12)
        fan_out()

        def one(_number):
            with committed.app_context():
                return deliveries.deliver()

        at_once(8, one)
        count = len(own.arrivals)
        assert count >= deliveries.DUDOSO
        own.most = 0
        with time_machine.travel(utcnow().replace(tzinfo=UTC) + timedelta(seconds=100)):
            at_once(8, one)

    assert own.most == 1
    assert len(own.arrivals) > count


@pytest.mark.alone
def test_a_webhook_that_is_slow_does_not_keep_the_others_waiting(committed, hook):
    release = Event()

    def never(_arrival):
        release.wait(4)
        return 200

    with receiver(never) as slow, receiver() as quick:
        hook(slow.url)
        hook(quick.url)
        db.session.remove()
        stop = Event()
        working = Thread(target=worker.work, args=(stop, committed.app_context))
        working.start()
        try:
            open_tickets(hook, 20)
            start = monotonic()
            until(lambda: len(quick.arrivals) == 20)
            assert monotonic() - start < 3
            assert len(slow.arrivals) <= deliveries.SIMULTANEAS
        finally:
            release.set()
            stop.set()
            working.join(30)
    assert not working.is_alive()


def test_claims_of_a_killed_worker_end_by_themselves_and_what_comes_late_changes_nothing(committed, hook):
    with receiver() as own:
        id = hook(own.url)
        open_tickets(hook, deliveries.SIMULTANEAS + 1)
        fan_out()
        killed = [run(lambda: deliveries.claim(id, "a" * 32)) for _ in range(deliveries.SIMULTANEAS)]
        assert deliveries.deliver() == 0  # All that may be sent at once is being sent, for all that is known.
        with time_machine.travel(utcnow().replace(tzinfo=UTC) + timedelta(seconds=21)):
            assert deliveries.deliver() == len(killed) + 1
        late = deliveries.attempt(killed[0]) | {"respuesta_estado": 500}
        run(lambda: deliveries.settle(killed[0], late, more=False))

    assert states() == {"entregada": len(killed) + 1}
    db.session.remove()
    assert sorted(db.session.scalars(sa.select(Entregas.intentos))) == [1] + [2] * len(killed)
    assert set(db.session.scalars(sa.select(Entregas.respuesta_estado))) == {204}


def change_all(client, headers):
    """Open tickets, and change each of them so often."""
    ids = [client.post(TIQUETS, json=NUEVO, headers=headers).json["id"] for _ in range(TICKETS)]
    for number in range(CHANGES):
        for one in ids:
            answer = client.put(f"{TIQUETS}/{one}", json={"titulo": f"Título {number}"}, headers=headers)
            assert answer.status_code == 200, answer.json


@pytest.mark.usefixtures("without_app")
def test_under_killed_workers_400_of_400_come_and_those_of_each_ticket_in_order(fresh_database):
    chance, calm = random.Random(7), Event()

    def moody(_arrival):
        sleep(chance.uniform(0, 0.03))
        return 200 if calm.is_set() or chance.random() > 0.15 else 500

    with (
        prepared(fresh_database),
        receiver(moody) as own,
        Workers(WORKERS, fresh_database, **LOOPBACK) as workers,
    ):
        datos = {"url": own.url, "eventos": ["tiquet.*"]}
        current_app.extensions["soporteplus"] = config_for(fresh_database, **LOOPBACK)
        admin = factories.quien("Administrador")
        actor = Actor(admin.id, "Administrador")
        run(lambda: webhooks.create(actor, datos))
        db.session.remove()
        stopped, killed = Event(), []

        def kill():
            while not stopped.wait(EVERY):
                if len(own.arrivals) > 5 * len(killed):  # They are at it.
                    killed.append(workers.kill_one())

        with ThreadPoolExecutor(1) as pool:
            killing = pool.submit(kill)
            try:
                change_all(current_app.test_client(), admin.headers)
                for kills in range(1, 5):  # Claims of the killed may keep all waiting until they end.
                    until(lambda kills=kills: len(killed) >= kills or killing.done())
            finally:
                stopped.set()
        killing.result()
        calm.set()
        workers.kill()
        db.session.remove()
        finish()
        events = set(db.session.scalars(sa.select(Entregas.id_evento)))

    assert len(events) == TICKETS * (CHANGES + 1) == 400
    assert {arrival.id for arrival in own.arrivals} == events
    order = own.of_tickets()
    assert len(order) == TICKETS
    assert all(len(numbers) == CHANGES + 1 and numbers == sorted(numbers) for numbers in order.values())
