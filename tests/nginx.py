"""Debian's nginx on loopback, with the sample of the documentation."""

import http.client
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from config.places import ROOT
from tests.certificates import certificate
from tests.gunicorn import Answer, ask
from tests.mariadb import free_port, program

SAMPLE = ROOT / "docs" / "operacion" / "nginx.conf"
MAIN = """daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 2; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    {paths}
    include {folder}/soporteplus.conf;
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """The sample, with nothing changed but addresses and the place of the certificate."""

    def __init__(self, folder: Path, upstream: int) -> None:
        made = certificate(folder)
        self.tls = ssl.create_default_context(cafile=made.pem)
        self.port, self.plain = free_port(), free_port()
        text = SAMPLE.read_text("utf-8")
        for there, here in {
            "127.0.0.1:5000": f"127.0.0.1:{upstream}",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "listen 80": f"listen 127.0.0.1:{self.plain}",
            "/etc/ssl/soporteplus/cert.pem": str(made.pem),
            "/etc/ssl/soporteplus/key.pem": str(made.key),
        }.items():
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        (folder / "soporteplus.conf").write_text(text, "utf-8")
        paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
        # As root it would serve as nobody, who may not look into the folder.
        user = "user root;" if folder.stat().st_uid == 0 else ""
        main = folder / "nginx.conf"
        main.write_text(MAIN.format(folder=folder, paths=paths, user=user))
        self.errors = folder / "error.log"
        self.process = subprocess.Popen([program("nginx"), "-e", self.errors, "-c", main])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.tls)
        return ask(connection, method, path, body, **headers)


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Nginx]:
    """An nginx that answers, in front of the gunicorn that listens on ``upstream``."""
    server = Nginx(folder, upstream)
    try:
        until = monotonic() + 20
        while True:
            with suppress(OSError):
                server.ask("GET", "/health")
                break
            assert server.process.poll() is None, server.errors.read_text()
            assert monotonic() < until, server.errors.read_text()
            sleep(0.05)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)
