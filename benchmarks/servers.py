"""The application and the floor, each served by a gunicorn of its own; and what CPU processes have used."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.places import ROOT
from tests.mariadb import PATIENCE, free_port

WORKERS, THREADS = 2, 4
TICK = 1e6 / os.sysconf("SC_CLK_TCK")  # microseconds
IDLE = 3  # ticks in half a second, of processes that have nothing left to do


class Gunicorn:
    """One program served in production's way, and what it writes in ``log``."""

    def __init__(self, program: str, config: str, log: Path, environment: dict[str, str]) -> None:
        self.port, self.log = free_port(), log
        command = [sys.executable, "-m", "gunicorn", "-c", config, "-b", f"127.0.0.1:{self.port}"]
        # A worker that ends takes the next one's start along.
        command += ["-w", str(WORKERS), "-k", "gthread", "--threads", str(THREADS), "--max-requests", "0"]
        with log.open("wb") as written:
            self.process = subprocess.Popen(
                [*command, program],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=written,
                stderr=written,
            )

    def await_start(self, headers: dict[str, str]) -> None:
        """Wait until one ticket is answered."""
        asked = urllib.request.Request(f"{self.url}/api/tickets/tickets/1", headers=headers)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE):
                    return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{error}\n{self.log.read_text()[-4000:]}") from error
                time.sleep(0.1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def used(self) -> int:
        """Ticks of CPU that its processes have used."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(map(ticks, (pid, *map(int, children))))


@contextmanager
def gunicorn(program: str, config: str, log: Path, environment: dict[str, str]) -> Iterator[Gunicorn]:
    server = Gunicorn(program, config, log, environment)
    try:
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


def ticks(pid: int) -> int:
    """What a process and its threads have used, in the program and for it in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def settle(used: Callable[[], int]) -> None:
    """Wait, up to a minute, until processes have done what they do behind their answers."""
    for _ in range(120):
        before = used()
        time.sleep(0.5)
        if used() - before <= IDLE:
            return
