"""Rounds of requests, first of the application, then of the floor, and the figures that come of them."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.servers import TICK, Gunicorn, settle, ticks
from tests.mariadb import program

SCRIPT = Path(__file__).with_name("load.lua")
# Opening tickets comes last: without a worker, the counts fall behind the log.
KINDS = {"ticket": "Un tiquet", "page": "Página de 50", "stats": "Tablero", "create": "Abrir un tiquet"}
AIMS = {"ticket": 0.6, "page": 1.0, "create": 0.5, "stats": 50.0}  # shares of the floor
AIMS_MYSQLDB = AIMS | {"page": 1.5}


@dataclass(frozen=True)
class Ronda:
    """What one round took: microseconds of CPU per request, and what wrk saw, which other load disturbs."""

    app: float
    database: float
    rate: float
    p99: float


@dataclass(frozen=True)
class Cifras:
    """The middle of some rounds."""

    app: float
    database: float
    rate: float
    p99: float

    @classmethod
    def of(cls, rondas: list[Ronda]) -> "Cifras":
        return cls(*(median(getattr(r, name) for r in rondas) for name in cls.__dataclass_fields__))

    @property
    def total(self) -> float:
        return self.app + self.database


@dataclass(frozen=True)
class Load:
    """What wrk needs to know of the desk."""

    tokens: Path
    tiquets: int
    seconds: int

    def ask(self, server: Gunicorn, kind: str, seed: int) -> dict[str, Any]:
        """Let wrk ask for a while; an answer that is no success ends all of it."""
        command = [program("wrk"), "-t1", "-c4", f"-d{self.seconds}s", "--timeout", "60s"]
        command += ["-s", str(SCRIPT), server.url, "--", kind, str(self.tokens), str(self.tiquets), str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if seen["refused"] or seen["lost"]:
            raise RuntimeError(f"{kind}: {seen}\n{server.log.read_text()[-2000:]}")
        return seen


def one_round(server: Gunicorn, database: int, load: Load, kind: str, seed: int) -> Ronda:
    """CPU of a round, with what is done behind its answers, and for who went without one at its end."""
    before = server.used(), ticks(database)
    seen = load.ask(server, kind, seed)
    settle(lambda: server.used() + ticks(database))
    app, base = server.used() - before[0], ticks(database) - before[1]
    sent = seen["sent"]
    return Ronda(app * TICK / sent, base * TICK / sent, seen["answered"] / seen["seconds"], seen["p99"])


def measured(
    ours: Gunicorn, floor: Gunicorn, database: int, load: Load, kinds: list[str], rounds: int
) -> Iterator[tuple[str, Cifras, Cifras]]:
    """For each kind of request what ours takes and what the floor takes, by turns."""
    for kind in kinds:
        for server in (ours, floor):  # Until each thread has its connection, and each statement is made.
            load.ask(server, kind, seed=0)
        settle(lambda: ours.used() + floor.used() + ticks(database))
        found: dict[Gunicorn, list[Ronda]] = {ours: [], floor: []}
        for number in range(1, rounds + 1):
            for server in (ours, floor):
                found[server].append(one_round(server, database, load, kind, number))
        yield kind, Cifras.of(found[ours]), Cifras.of(found[floor])


def heading() -> str:
    names = ("", "µs aplicación", "µs base", "µs", "del suelo", "parte del suelo", "meta", "por s", "p99, ms")
    return f"| {' | '.join(names)} |\n|---{'|---:' * (len(names) - 1)}|"


def line(kind: str, ours: Cifras, floor: Cifras, aims: dict[str, float]) -> str:
    """A row of the table."""
    cells = [f"{ours.app:.0f}", f"{ours.database:.0f}", f"{ours.total:.0f}"]
    cells += [f"{floor.app:.0f} + {floor.database:.0f}", f"**{floor.total / ours.total:.2f}**"]
    cells += [f"{aims[kind]:g}", f"{ours.rate:.0f}", f"{ours.p99:.1f}"]
    return f"| {KINDS[kind]} | {' | '.join(cells)} |".replace(".", ",")
