"""The API under gunicorn, as it runs in production, for tests that need a real server."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

from config.config import ROOT
from tests import factories
from tests.conftest import SECRETS
from tests.mariadb import free_port

PATIENCE = 60.0  # seconds that a client goes on asking
LOST = (OSError, http.client.HTTPException)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    json: Any


class Gunicorn:
    """``gunicorn -w 4 "app:create_app()"`` on a free port, in a process of its own.

    ``settings`` are environment variables, as an operator sets them.
    """

    def __init__(self, url: str, **settings: str) -> None:
        self.port = free_port()
        bind = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "-w",
                "4",
                "-b",
                bind,
                "--no-control-socket",
                "app:create_app()",
            ],
            cwd=ROOT,
            env={**os.environ, "FLASK_ENV": "development", "DATABASE_URL": url, **SECRETS, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_one(self) -> int:
        """End a worker in the middle of whatever it does; answers how many that were: it may be none."""
        workers = self.workers()
        with suppress(IndexError, ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
            return 1
        return 0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)) as connection:
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, response.headers, json.loads(text) if text else None)

    def insist(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask until there is an answer that is final, as a patient client with an Idempotency-Key may."""
        deadline = monotonic() + PATIENCE
        while True:
            with suppress(*LOST):
                answer = self.ask(method, path, body, **headers)
                if answer.status < 500 and answer.status != 409:
                    return answer
            assert monotonic() < deadline, f"{method} {path} got no answer in {PATIENCE} s"
            sleep(random.uniform(0.02, 0.1))

    def sign_in(self, email: str) -> dict[str, str]:
        body = {"email": email, "password": factories.CLAVE}
        answer = self.insist("POST", "/api/auth/login", body)
        assert answer.status == 200, answer
        return {"Authorization": f"Bearer {answer.json['access_token']}"}


@contextmanager
def gunicorn(url: str, **settings: str) -> Iterator[Gunicorn]:
    """A server that answers, on the database at ``url``."""
    server = Gunicorn(url, **settings)
    try:
        server.insist("GET", "/health/ready")
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(20)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
