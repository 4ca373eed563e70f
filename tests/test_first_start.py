"""``python run.py`` as a newcomer types it: everything is made once, and found again."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.mariadb import free_port

pytestmark = [pytest.mark.usefixtures("without_app"), pytest.mark.sqlite]
ROOT = Path(__file__).resolve().parent.parent


def call(url: str, body: dict | None = None, token: str = "") -> dict:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(url, data, headers), timeout=10) as answer:
        return json.load(answer)


@contextmanager
def started(home: Path) -> Iterator[tuple[str, Path]]:
    """The address of a running ``run.py`` whose database is in ``home``, and what it prints."""
    port, printed = free_port(), home / "salida.txt"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FLASK_")}
    environment |= {
        "DATABASE_URL": f"sqlite:///{(home / 'primera.db').as_posix()}",
        "PORT": str(port),
        "PYTHONIOENCODING": "utf-8",
    }
    with printed.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, ROOT / "run.py"], env=environment, stdout=output, stderr=output
        )
    try:
        until = monotonic() + 30
        while monotonic() < until:
            with suppress(URLError, ConnectionError):
                call(f"http://127.0.0.1:{port}/health/ready")
                break
            sleep(0.1)
        yield f"http://127.0.0.1:{port}", printed
    finally:
        process.terminate()
        process.wait(10)


def test_the_first_start_makes_everything_and_the_second_finds_it(tmp_path):
    user = {"email": "jadmin@gmail.com", "password": "secret123"}
    with started(tmp_path) as (url, printed):
        token = call(f"{url}/api/auth/login", user)["access_token"]
        first = call(f"{url}/api/tickets/tickets?limite=200", token=token)
        said = printed.read_text("utf-8")
    with started(tmp_path) as (url, _):
        second = call(f"{url}/api/tickets/tickets?limite=200", token=token)

    assert first["paginacion"]["total"] == 40
    assert {t["id_estado"] for t in first["data"]} == {1, 2, 3, 4, 5, 6, 7}
    assert second["data"] == first["data"]
    for word in ("/api/docs", "jadmin@gmail.com", "aadmin@test.com", "secret123"):
        assert word in said
