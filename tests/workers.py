"""``flask --app run …`` in processes of their own, above all workers, which may be killed."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep
from typing import Self

from config.places import ROOT
from tests.conftest import SECRETS
from tests.output import content

PATIENCE = 60.0  # seconds, of which a start takes many on a busy machine


def until(true: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE
    while not true():
        assert monotonic() < end
        sleep(0.05)


class Program(subprocess.Popen[str]):
    """``flask --app run <words>`` in a process of its own, and what it writes."""

    def __init__(self, url: str, *words: str, **environment: str) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed where the program is ended
        own = {"FLASK_ENV": "development", "DATABASE_URL": url}
        settings = {**os.environ, **own, **SECRETS, **environment}
        command = [sys.executable, "-m", "flask", "--app", "run", *words]
        super().__init__(command, cwd=ROOT, env=settings, stdout=self.log, stderr=self.log, text=True)

    def written(self) -> str:
        return content(self.log)


@contextmanager
def flask(url: str, *words: str, **environment: str) -> Iterator[Program]:
    with Program(url, *words, **environment) as process, process.log:
        try:
            yield process
        finally:
            process.kill()


class Workers:
    """So many workers, of which some are killed: then there is another one."""

    def __init__(self, count: int, url: str, **environment: str) -> None:
        self.url, self.environment = url, environment
        self.stack = ExitStack()
        self.alive = [self.another() for _ in range(count)]

    def another(self) -> Program:
        return self.stack.enter_context(flask(self.url, "worker", **self.environment))

    def kill_one(self) -> int:
        """End one in the middle of whatever it does; answers how many that were."""
        victim = self.alive.pop(random.randrange(len(self.alive)))
        assert victim.poll() is None, victim.written()
        victim.send_signal(signal.SIGKILL)
        self.alive.append(self.another())
        return 1

    def kill(self) -> None:
        """End all, for good."""
        for one in self.alive:
            one.kill()
            one.wait()

    def stop(self) -> None:
        """End all in good order."""
        for one in self.alive:
            until(lambda one=one: "en marcha" in one.written())  # Before that it knows no good order.
            one.terminate()
        for one in self.alive:
            assert one.wait(PATIENCE) == 0, one.written()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()
