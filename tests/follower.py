"""A program that follows the feed, keeps what it hears, and may be killed: it goes on from what it kept.

Without the application, so that each of its many lives begins quickly.
"""

import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any, Self

from tests.sse import LOST, Listener

ROOT = Path(__file__).resolve().parent.parent
FEED = "/api/cambios"
STREAM = f"{FEED}/eventos"
PATIENCE = 180.0  # seconds until it has heard of all that was written
FATAL = 0.05  # how often it dies of itself where that is worst
KEPT = """
CREATE TABLE IF NOT EXISTS oido (orden INTEGER PRIMARY KEY, via TEXT, evento TEXT);
CREATE TABLE IF NOT EXISTS tiquet (id INTEGER PRIMARY KEY, objeto TEXT);
CREATE TABLE IF NOT EXISTS lugar (id INTEGER PRIMARY KEY, cursor TEXT);
"""


def opened(folder: Path) -> sqlite3.Connection:
    kept = sqlite3.connect(folder / "oido.db", isolation_level=None)
    kept.executescript(f"PRAGMA synchronous=OFF; {KEPT}")  # It is the process that dies, not the machine.
    return kept


class Life:
    """What one process does. By turns it reads pages, waits for them, and listens to a stream."""

    def __init__(self, port: int, headers: dict[str, str], folder: Path, seed: str) -> None:
        self.port, self.headers, self.chance = port, headers, random.Random(seed)
        self.folder, self.kept = folder, opened(folder)

    def die(self) -> None:
        if self.chance.random() < FATAL:
            os.kill(os.getpid(), signal.SIGKILL)

    def place(self) -> str:
        row = self.kept.execute("SELECT cursor FROM lugar").fetchone()
        return f"desde={row[0]}&" if row else ""

    def keep(self, via: str, events: list[dict[str, Any]], cursor: str) -> None:
        """Apply some events, and keep the place behind them in the same transaction."""
        self.die()
        self.kept.execute("BEGIN")
        for event in events:
            self.kept.execute("INSERT INTO oido (via, evento) VALUES (?, ?)", (via, json.dumps(event)))
            if event["entidad"] == "tiquet" and event["objeto"]:
                row = (event["id_entidad"], json.dumps(event["objeto"]))
                self.kept.execute("INSERT OR REPLACE INTO tiquet VALUES (?, ?)", row)
            elif event["entidad"] == "tiquet":
                self.kept.execute("DELETE FROM tiquet WHERE id = ?", (event["id_entidad"],))
        self.die()
        self.kept.execute("INSERT OR REPLACE INTO lugar VALUES (1, ?)", (cursor,))
        self.kept.execute("COMMIT")

    def connection(self, timeout: float) -> closing[http.client.HTTPConnection]:
        return closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout))

    def read(self, espera: int) -> bool:
        """One page, if there is an answer; answers whether it said that there is nothing."""
        path = f"{FEED}?{self.place()}limite={self.chance.randint(1, 200)}&espera={espera}"
        with suppress(*LOST), self.connection(15) as connection:
            connection.request("GET", path, headers=self.headers)
            answer = connection.getresponse()
            text = answer.read()
            if self.is_served(answer.status, text):
                page = json.loads(text)
                self.keep("espera" if espera else "página", page["data"], page["siguiente"])
                return not page["data"]
        return False

    def listen(self) -> None:
        """Some messages of a stream, which it leaves, or which breaks."""
        with suppress(*LOST), self.connection(2) as connection:
            listener = Listener(connection, f"{STREAM}?{self.place()}", **self.headers)
            if self.is_served(listener.answer.status, b""):
                for number, message in enumerate(listener.messages):
                    self.keep("flujo", [message.data], message.id)
                    if number == self.chance.randint(1, 9):
                        return

    def is_served(self, status: int, text: bytes) -> bool:
        if status == 503:
            sleep(self.chance.uniform(0.02, 0.2))
        elif status != 200:
            raise SystemExit(f"{status}: {text.decode()}")
        return status == 200

    def follow(self) -> None:
        while True:
            over = (self.folder / "fin").exists()
            match 0 if over else self.chance.randrange(3):
                case 0 if self.read(espera=0) and over:
                    return
                case 1:
                    self.read(espera=1)
                case 2:
                    self.listen()


class Follower:
    """The program as seen from outside: started as often as it dies, until it has heard of all."""

    def __init__(self, port: int, headers: dict[str, str], folder: Path) -> None:
        self.folder, self.deaths, self.is_late = folder, 0, False
        folder.mkdir()
        self.command = [sys.executable, "-m", "tests.follower", str(port), json.dumps(headers), str(folder)]
        self.process = self.start()
        self.thread = Thread(target=self.live, daemon=True)

    def start(self) -> subprocess.Popen[str]:
        seed = str(random.getrandbits(64))
        return subprocess.Popen([*self.command, seed], cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def live(self) -> None:
        while True:
            _, self.told = self.process.communicate()
            if self.is_late or self.process.returncode != -signal.SIGKILL:
                return
            self.deaths += 1
            self.process = self.start()

    def kill(self) -> int:
        self.process.kill()
        return 1

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let it hear of all that was written until now."""
        (self.folder / "fin").touch()
        self.thread.join(PATIENCE)
        self.is_late = self.thread.is_alive()
        self.process.kill()
        assert not self.is_late
        assert self.process.returncode == 0, self.told

    def heard(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All events in the order in which they came, and by which way each did."""
        with closing(opened(self.folder)) as kept:
            for via, evento in kept.execute("SELECT via, evento FROM oido ORDER BY orden"):
                yield via, json.loads(evento)

    def tickets(self) -> dict[int, dict[str, Any]]:
        """The tickets as they are, by all that it heard."""
        with closing(opened(self.folder)) as kept:
            return {id: json.loads(objeto) for id, objeto in kept.execute("SELECT id, objeto FROM tiquet")}


if __name__ == "__main__":
    port, headers, folder, seed = sys.argv[1:]
    Life(int(port), json.loads(headers), Path(folder), seed).follow()
