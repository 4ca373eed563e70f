"""A follower that dies at random, on a service whose workers do, ends with exactly what the list has."""

import http.client
import random
from contextlib import closing, suppress
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest

from app.extensions import db
from tests import factories
from tests.factories import NUEVO
from tests.gunicorn import LOST, TICKETS, Gunicorn, gunicorn, prepared
from tests.test_feed import FEED, apply
from tests.test_streams import STREAM, Listener

WRITERS = 16
STORM = 8.0  # seconds
EVERY = 0.7
PATIENCE = 90.0


class Follower:
    """One that keeps what it has applied together with its cursor, as in one transaction, and dies at random.

    By turns it reads pages, waits for them, and listens to a stream.
    """

    def __init__(self, server: Gunicorn, headers: dict[str, str]) -> None:
        self.server, self.headers, self.chance = server, headers, random.Random(7)
        self.state: dict[int, Any] = {}
        self.cursor: str | None = None
        self.numbers: list[int] = []
        self.deaths = self.streamed = 0

    def keep(self, events: list[dict[str, Any]], cursor: str) -> None:
        apply(self.state, events)
        self.numbers += [event["secuencia"] for event in events]
        self.cursor = cursor

    def place(self) -> str:
        return f"desde={self.cursor}&" if self.cursor else ""

    def read(self, espera: int = 0) -> bool:
        """One page; answers whether there was nothing."""
        path = f"{FEED}?{self.place()}limite={self.chance.randint(1, 200)}&espera={espera}"
        page = self.server.insist("GET", path, **self.headers).json
        if self.chance.random() < 0.4:
            self.deaths += 1  # It got the page, and died before it kept anything.
            return False
        self.keep(page["data"], page["siguiente"])
        return not page["data"]

    def listen(self) -> None:
        """Some messages of a stream, which it leaves, or which breaks with its worker."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=2)
        with suppress(*LOST), closing(connection):
            listener = Listener(connection, f"{STREAM}?{self.place()}", **self.headers)
            if listener.answer.status == 200:
                for number, message in enumerate(listener.messages):
                    self.keep([message.data], message.id)
                    self.streamed += 1
                    if number == self.chance.randint(1, 9):
                        return

    def follow(self, written: Event) -> None:
        while True:
            over = written.is_set()
            match 0 if over else self.chance.randrange(3):
                case 0 if self.read() and over:
                    return
                case 1:
                    self.read(espera=1)
                case 2:
                    self.listen()


def write(server: Gunicorn, headers: dict[str, str], number: int, stopped: Event) -> None:
    """Open, change, comment, throw away and take out again, until told to stop."""
    chance, ids = random.Random(number), []
    while not stopped.is_set():
        keyed = {**headers, "Idempotency-Key": uuid4().hex}
        if not ids or chance.random() < 0.3:
            ids.append(server.insist("POST", TICKETS, NUEVO, **keyed).json["id"])
            continue
        path = f"{TICKETS}/{chance.choice(ids)}"
        match chance.randrange(4):
            case 0:
                server.insist("PUT", path, {"titulo": f"Título {chance.random()}"}, **headers)
            case 1:
                server.insist("POST", f"{path}/comentarios", {"mensaje": "Sí"}, **keyed)
            case 2:
                server.insist("DELETE", path, **headers)
            case 3:
                with suppress(*LOST):  # Of what is not in the trash it is refused for good.
                    server.ask("POST", f"{path}/restaurar", **headers)


@pytest.mark.usefixtures("without_app")
def test_a_killed_follower_of_killed_workers_has_every_ticket_as_it_is(fresh_database):
    with prepared(fresh_database):
        email = factories.UsuarioFactory(tipo_usuario="Administrador").email
        db.session.remove()
        with gunicorn(fresh_database) as server:
            headers = server.sign_in(email)
            stopped, written = Event(), Event()
            args = (server, headers)
            writers = [Thread(target=write, args=(*args, n, stopped)) for n in range(WRITERS)]
            follower = Follower(*args)
            following = Thread(target=follower.follow, args=(written,))
            for thread in (*writers, following):
                thread.start()
            killed, end = 0, monotonic() + STORM
            while monotonic() < end:
                sleep(EVERY)
                killed += server.kill_one()
            stopped.set()
            for thread in writers:
                thread.join()
            written.set()
            following.join(PATIENCE)
            assert not following.is_alive()
            listed = all_tickets(server, headers)

    assert killed >= STORM / EVERY / 2
    assert follower.deaths > 0
    assert follower.streamed > 0
    assert len(listed) > WRITERS
    assert follower.state == listed
    # An Administrador misses no number, and none comes twice.
    assert follower.numbers == [*range(1, len(follower.numbers) + 1)]


def all_tickets(server: Gunicorn, headers: dict[str, str]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    cursor = ""
    while True:
        page = server.insist("GET", f"{TICKETS}?limite=200{cursor}", **headers).json
        found |= {one["id"]: one for one in page["data"]}
        if page["paginacion"]["siguiente"] is None:
            return found
        cursor = f"&cursor={page['paginacion']['siguiente']}"
