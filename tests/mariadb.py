"""A throwaway MariaDB for tests, which may be killed and started again."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pymysql
from filelock import FileLock

PATIENCE = 60  # seconds that the server may take to start


class Server:
    """A MariaDB on a free port of 127.0.0.1, with its data in a temporary folder.

    ``flush`` is innodb_flush_log_at_trx_commit: 0 is faster, but loses commits at a ``kill``. ``extra`` are
    further options of mariadbd.
    """

    driver = "pymysql"  # of the URLs; ``--driver`` changes it.

    def __init__(self, *extra: str, flush: int = 1) -> None:
        # Newer ones offer TLS unasked, and the proxy could not look inside.
        self.extra = extra or ("--skip-ssl",)
        self.folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        self.port = free_port()
        self.flush = flush
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.install()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def install(self) -> None:
        """Make the system tables, with a root that needs no password."""
        command = [
            program("mariadb-install-db"),
            *self.options(),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
        with FileLock(Path(tempfile.gettempdir()) / "mariadb-install.lock"):  # Two at once can fail.
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start, the first time or again, and wait until it answers."""
        command = [
            program("mariadbd"),
            *self.options(),
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            f"--innodb-flush-log-at-trx-commit={self.flush}",
            "--innodb-buffer-pool-size=128M",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
            "--skip-log-bin",
            *self.extra,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.execute("SELECT 1")
            except pymysql.err.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"mariadbd did not start:\n{self.log.read_text()[-4000:]}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Shut down in good order."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def url(self, database: str) -> str:
        """The URL of ``database``, which is created if need be."""
        self.execute(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        return f"mysql+{self.driver}://root@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def execute(self, statement: str) -> None:
        connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def options(self) -> list[str]:
        """What installation and server both need; nothing is taken from the machine's own files."""
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        return ["--no-defaults", f"--datadir={self.folder}/data", *as_root]

    @property
    def log(self) -> Path:
        return self.folder / "log"


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise RuntimeError(f"{name} not found: install mariadb-server")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
