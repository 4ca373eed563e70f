"""Many who write at the same time while what they write to is killed, and what each of them was told."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from threading import Event
from time import sleep
from typing import Any
from uuid import uuid4

from tests.factories import NUEVO
from tests.gunicorn import TICKETS, Answer, Gunicorn

# Deed -> the events that it leaves, once, if it was done; sorted.
LEAVES = {
    "crear": ("tiquet.creado",),
    "cambiar": ("tiquet.actualizado",),
    "etiquetar": ("tiquet.actualizado",),
    "mover": ("tiquet.actualizado",),
    "quizás mover": ("tiquet.actualizado",),
    "comentar": ("comentario.creado", "tiquet.comentado"),
    "eliminar": ("tiquet.eliminado",),
    "restaurar": ("tiquet.restaurado",),
}
STAYS = {"quizás mover"}  # may be done and change nothing
KEYLESS = {"cambiar", "etiquetar", "eliminar"}  # A second try of these may be refused for what the first did.
LEAST = 20  # deeds of each writer, however slow the machine is
MEANWHILE = 60  # deeds between two kills of the same kind
HOT = 40  # of the tickets that are there, the newest: so many get in each other's way
MOVES = ("pedir_datos", "responder", "resolver", "cerrar", "reabrir", "cancelar")


@dataclass(frozen=True)
class Deed:
    """Something that was asked for, as often as it took, and its answer."""

    what: str
    solicitud: str
    status: int

    @property
    def is_done(self) -> bool:
        return self.status < 300


class Writer:
    """One that does whatever can be done to any ticket, but changes only those that it opened."""

    def __init__(self, server: Gunicorn, headers: dict[str, str], ids: list[int], *, admin: bool) -> None:
        self.server, self.headers, self.admin = server, headers, admin
        self.name, self.texts = uuid4().hex[:8], count(1)
        self.chance = random.Random(random.getrandbits(64))
        self.ids = ids  # of all that anybody opened
        self.own: list[int] = []
        self.thrown: list[str] = []
        self.deeds: list[Deed] = []

    def write(self, over: Event) -> None:
        while not over.is_set() or len(self.deeds) < LEAST:
            if not self.own or self.chance.random() < 0.15:
                self.open()
            else:
                self.chance.choice(self.things())()

    def things(self) -> list[Callable[[], None]]:
        everybody = [self.change, self.label, self.move, self.move, self.comment, self.comment]
        return [*everybody, self.trash, self.restore] if self.admin else everybody

    def text(self) -> str:
        return f"{self.name}-{next(self.texts)}"

    def ask(self, what: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        solicitud = uuid4().hex
        headers |= {**self.headers, "X-Request-Id": solicitud, "Idempotency-Key": solicitud}
        answer = self.server.insist(method, path, body, self.is_final, **headers)
        refused = (404, 409, 412) if self.admin else (403, 404, 409)  # 403 is of what was closed.
        assert answer.status in (200, 201, 204, *refused), answer
        self.deeds.append(Deed(what, solicitud, answer.status))
        return answer

    def is_final(self, answer: Answer) -> bool:
        """Whether it has its answer; no server that is only killed gives any other 5xx."""
        assert answer.status < 500 or answer.status == 503, f"{answer}\n{self.server.written()}"
        in_flight = answer.status == 409 and answer.json["codigo"] == "clave_en_curso"
        return answer.status != 503 and not in_flight

    def path(self, ids: list[int]) -> str:
        return f"{TICKETS}/{self.chance.choice(ids[-HOT:])}"

    def open(self) -> None:
        body = {**NUEVO, "titulo": self.text(), "etiquetas": [self.name]}
        id = self.ask("crear", "POST", TICKETS, body).json["id"]
        self.own.append(id)
        self.ids.append(id)

    def change(self) -> None:
        self.ask("cambiar", "PUT", self.path(self.own), {"titulo": self.text()})

    def label(self) -> None:
        self.ask("etiquetar", "PUT", self.path(self.own), {"etiquetas": [self.name, self.text()]})

    def move(self) -> None:
        accion = self.chance.choice(MOVES)
        needs = {"resolver": {"resolucion": self.text()}, "cancelar": {"motivo": self.text()}}
        what = "quizás mover" if accion in ("pedir_datos", "responder") else "mover"
        body = {"accion": accion, **needs.get(accion, {})}
        self.ask(what, "POST", f"{self.path(self.ids)}/transiciones", body)

    def comment(self) -> None:
        body = {"mensaje": self.text(), "es_interno": self.chance.random() < 0.5}
        self.ask("comentar", "POST", f"{self.path(self.ids)}/comentarios", body)

    def trash(self) -> None:
        """By the version that it saw: else a second try may throw away what was taken out meanwhile."""
        path = self.path(self.ids)
        seen = self.server.insist("GET", path, final=self.is_final, **self.headers)
        if seen.status == 200:
            etag = seen.headers["ETag"]
            if self.ask("eliminar", "DELETE", path, If_Match=etag).status == 204:
                self.thrown.append(path)

    def restore(self) -> None:
        path = self.thrown.pop() if self.thrown else self.path(self.ids)
        self.ask("restaurar", "POST", f"{path}/restaurar")


def strike(kill: Callable[[], int], every: float, first: float, done: Callable[[], int], over: Event) -> int:
    """Kill at random about once in ``every`` seconds, and at least once; answers how often.

    Not again before there was some work: on a slow machine nothing would ever come to life.
    """
    killed, pause = 0, random.uniform(0.2, 1) * first
    while not over.wait(pause) or not killed:
        before = done()
        while not (now := kill()):  # There is nothing to be killed yet.
            sleep(0.1)
        killed, pause = killed + now, random.uniform(0.5, 1.5) * every
        while not over.is_set() and done() < before + MEANWHILE:
            sleep(0.1)
    return killed


def rage(
    seconds: float, writers: list[Writer], kills: dict[str, tuple[Callable[[], int], float]]
) -> dict[str, int]:
    """Let all write, and kill each kind about every so many seconds, until it is over or one of them fails.

    Answers how often each was killed.
    """
    over = Event()

    def work(what: Callable[..., Any], *args: Any) -> Any:
        try:
            return what(*args, over)
        except BaseException:
            over.set()
            raise

    def done() -> int:
        return sum(len(writer.deeds) for writer in writers)

    with ThreadPoolExecutor(len(writers) + len(kills)) as pool:
        writing = [pool.submit(work, writer.write) for writer in writers]
        killing = {
            name: pool.submit(work, strike, kill, every, min(every, seconds / 2), done)
            for name, (kill, every) in kills.items()
        }
        over.wait(seconds)
        over.set()
    for one in writing:
        one.result()
    return {name: one.result() for name, one in killing.items()}
