"""Reload and restart while people work: nobody gets an error, nothing that was acknowledged is lost."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import sqlalchemy as sa

from app.extensions import db
from app.models import Tiquet
from tests import factories
from tests.factories import NUEVO
from tests.gunicorn import LOST, TICKETS, Gunicorn, gunicorn

CLIENTS = 6
SLOWEST = 60.0  # seconds that new workers may take to start on a busy machine


class Load:
    """Clients that read and write all the time, and take no second try."""

    def __init__(self, server: Gunicorn, headers: dict[str, str]) -> None:
        self.server = server
        server.timeout = SLOWEST
        self.headers = headers
        self.acknowledged: list[int] = []
        self.failed: list[Any] = []
        self.stopped = Event()

    def work(self) -> None:
        while not self.stopped.is_set():
            for method, path, body in (("POST", TICKETS, NUEVO), ("GET", TICKETS, None)):
                try:
                    answer = self.server.ask(method, path, body, **self.headers)
                except LOST as error:
                    self.failed.append(error)
                    continue
                if answer.status == 201:
                    self.acknowledged.append(answer.json["id"])
                elif answer.status != 200:
                    self.failed.append(answer)
            sleep(0.02)

    def more(self, count: int = 20) -> None:
        """Wait until so many more writes were acknowledged."""
        wanted, until = len(self.acknowledged) + count, monotonic() + SLOWEST
        while len(self.acknowledged) < wanted:
            assert monotonic() < until, self.failed
            sleep(0.02)


@contextmanager
def load(server: Gunicorn, headers: dict[str, str]) -> Iterator[Load]:
    clients = Load(server, headers)
    threads = [Thread(target=clients.work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.stopped.set()
        for thread in threads:
            thread.join()


def renewed(server: Gunicorn) -> bool:
    """Reload, and wait until all workers are new ones."""
    old, until = set(server.workers()), monotonic() + SLOWEST
    os.kill(server.process.pid, signal.SIGHUP)
    while old & set(server.workers()) or len(server.workers()) < len(old):
        if monotonic() > until:
            return False
        sleep(0.05)
    return True


def kept() -> set[int]:
    return set(db.session.scalars(sa.select(Tiquet.id)))


def test_a_reload_fails_no_request(committed, database_url):
    tecnico = factories.quien("Técnico")
    with gunicorn(database_url, "-w", "2") as server:
        with load(server, tecnico.headers) as clients:
            clients.more()
            assert renewed(server)
            clients.more()
        status = server.stop()

    assert clients.failed == []
    assert status == 0
    assert kept() == set(clients.acknowledged)


def test_a_restart_on_a_socket_that_stays_fails_no_request(committed, database_url):
    tecnico = factories.quien("Técnico")
    # As systemd does with soporteplus.socket: it outlives the process and keeps who knocks meanwhile.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        first = Gunicorn(database_url, "-w", "2", listener=listener)
        second = None
        try:
            first.insist("GET", "/health/ready")
            with load(first, tecnico.headers) as clients:
                clients.more()
                status = first.stop()
                second = Gunicorn(database_url, "-w", "2", listener=listener)
                clients.more()
            assert second.stop() == 0
        finally:
            for server in filter(None, (first, second)):
                server.stop()
                server.log.close()

    assert clients.failed == []
    assert status == 0
    assert kept() == set(clients.acknowledged)
