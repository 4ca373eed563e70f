"""The service as it runs in production: gunicorn in a process of its own, by ``gunicorn.conf.py``."""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

from app import create_app, transaction
from app.extensions import db
from app.migrations import upgrade
from app.services import seed
from config.places import ROOT
from tests import factories
from tests.client import Form
from tests.conftest import SECRETS, config_for, disconnect
from tests.mariadb import free_port
from tests.output import content
from tests.sse import LOST

TICKETS = "/api/tickets/tickets"
PATIENCE = 60.0  # seconds that a client goes on asking


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    json: Any
    text: str = ""


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> Answer:
    """One request on a connection of its own; ``_`` in a header's name stands for ``-``."""
    with closing(connection):
        if isinstance(body, Form):
            data, headers["Content-Type"] = body.sent().values()
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, None if body is None else data, headers)
        response = connection.getresponse()
        text = response.read().decode()
        is_json = re.search("[/+]json", response.headers.get("Content-Type", ""))
        return Answer(response.status, response.headers, json.loads(text) if is_json else None, text)


def is_final(answer: Answer) -> bool:
    return answer.status < 500 and answer.status != 409


class Gunicorn:
    """``gunicorn -w 4 -b … "app:create_app()"``, and what it writes in a file.

    It runs in ``folder``, and listens on a free port of its own or on ``listener``, which is handed
    over as systemd does it.
    """

    def __init__(
        self,
        url: str,
        *options: str,
        folder: Path = ROOT,
        listener: socket.socket | None = None,
        **environment: str,
    ) -> None:
        self.timeout = 15.0  # seconds that one request waits for its answer
        self.patience = PATIENCE
        self.port = listener.getsockname()[1] if listener else free_port()
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed where the server is stopped
        command = [sys.executable, "-m", "gunicorn", "-w", "4", *options, "app:create_app()"]
        if listener:  # The first socket is number 3, for the process of this id.
            script = f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&{listener.fileno()}'
            command = ["bash", "-c", script, "bash", *command]
        else:
            command += ["-b", f"127.0.0.1:{self.port}"]
        own = {"FLASK_ENV": "development", "DATABASE_URL": url, "RATELIMIT_ENABLED": "false"}
        settings = {**own, **SECRETS, **environment}
        self.start = partial(
            subprocess.Popen,
            command,
            cwd=folder,
            env={**os.environ, **settings},
            stdout=self.log,
            stderr=self.log,
            pass_fds=[listener.fileno()] if listener else [],
        )
        self.process, self.crashing = self.start(), False

    def written(self) -> str:
        return content(self.log)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_one(self) -> int:
        """End a worker in the middle of whatever it does; answers how many that were: it may be none."""
        try:
            os.kill(random.choice(self.workers()), signal.SIGKILL)
        except (IndexError, ProcessLookupError, FileNotFoundError):
            self.check_alive()
            return 0
        return 1

    def check_alive(self) -> None:
        assert self.crashing or self.process.poll() is None, self.written()

    def crash(self) -> int:
        """End the master alone, and start another; the workers it leaves behind find out by themselves.

        Until they have, they hold the port, and the new one may give up: then there is one more.
        """
        self.crashing, deadline = True, monotonic() + self.patience
        try:
            self.process.kill()
            while not self.is_back():
                assert monotonic() < deadline, self.written()
        finally:
            self.crashing = False
        return 1

    def is_back(self) -> bool:
        """Start another master; answers whether it came as far as to have workers."""
        self.process.wait()
        self.process = self.start()
        while self.process.poll() is None:
            with suppress(FileNotFoundError):  # It has just ended.
                if self.workers():
                    return True
            sleep(0.05)
        return False

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        return ask(connection, method, path, body, **headers)

    def insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        final: Callable[[Answer], bool] = is_final,
        **headers: str,
    ) -> Answer:
        """Ask until there is an answer that is final, as a patient client with an Idempotency-Key may."""
        deadline, got = monotonic() + self.patience, list[object]()
        while True:
            try:
                answer = self.ask(method, path, body, **headers)
                if final(answer):
                    return answer
                got.append(answer)
            except LOST as error:
                got.append(error)
            self.check_alive()
            assert monotonic() < deadline, f"{method} {path} in {self.patience} s: {got}"
            sleep(random.uniform(0.02, 0.1))

    def sign_in(self, email: str) -> dict[str, str]:
        body = {"email": email, "password": factories.CLAVE}
        answer = self.insist("POST", "/api/auth/login", body)
        assert answer.status == 200, answer
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    def stop(self) -> int:
        """End it in good order; answers its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def gunicorn(url: str, *options: str, folder: Path = ROOT, **environment: str) -> Iterator[Gunicorn]:
    """A gunicorn that is ready."""
    server = Gunicorn(url, *options, folder=folder, **environment)
    try:
        server.insist("GET", "/health/ready")
        yield server
    finally:
        server.stop()
        server.log.close()


@contextmanager
def prepared(url: str) -> Iterator[None]:
    """The context of an application of this process on ``url``, its tables made and its catalogs loaded."""
    with create_app(config_for(url)).app_context():
        upgrade()
        transaction.run(seed.seed_catalogs)
        yield
        db.session.remove()
        disconnect()
