"""``python -m benchmarks``: plants a desk on a MariaDB of its own, measures, and prints a table."""

import argparse
import secrets
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from app import create_app, transaction
from app.extensions import db
from app.migrations import upgrade
from app.services import seed
from app.utils.access import tokens
from benchmarks import data, measuring
from benchmarks.measuring import AIMS, AIMS_MYSQLDB, KINDS, Cifras, Load
from benchmarks.servers import gunicorn, settle
from config.config import Config
from config.places import ROOT
from tests.mariadb import Server

# As much memory as a desk of a million tickets needs, and a disk that keeps up.
OPTIONS = (
    "--skip-ssl",
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=512M",
    "--innodb-io-capacity=5000",
)
FLAT = 1.2  # How much more CPU ten times the tickets may take.


def main(arguments: list[str] | None = None) -> None:
    asked = read(arguments)
    taken = {tiquets: measure(tiquets, asked) for tiquets in asked.tiquets}
    smallest, *others = sorted(taken)
    for more in others:
        print(f"\nDe {smallest} a {more} tiquets, CPU por petición (meta: hasta {FLAT}) y la del suelo:")
        for kind in asked.solo:
            ours, floor = (
                after.total / before.total
                for before, after in zip(taken[smallest][kind], taken[more][kind], strict=True)
            )
            print(f"- {KINDS[kind]}: {ours:.2f} veces ({floor:.2f})")


def read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="CPU por petición, contra el suelo."
    )
    parser.add_argument("--tiquets", type=int, nargs="+", default=[100_000], help="de cada tamaño, una tabla")
    parser.add_argument(
        "--rondas", type=int, default=5, help="de cada clase de petición; se muestra la mediana"
    )
    parser.add_argument("--segundos", type=int, default=5, help="de cada ronda")
    parser.add_argument("--url-driver", choices=("pymysql", "mysqldb"), default="pymysql")
    parser.add_argument(
        "--solo", type=lambda text: text.split(","), default=list(KINDS), help=f"de {','.join(KINDS)}"
    )
    asked = parser.parse_args(arguments)
    if unknown := set(asked.solo) - set(KINDS):
        parser.error(f"--solo: {', '.join(sorted(unknown))}")
    return asked


def measure(tiquets: int, asked: argparse.Namespace) -> dict[str, tuple[Cifras, Cifras]]:
    """Print the table of one size; answers what ours took, and the floor."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        server = stack.enter_context(Server(*OPTIONS))
        url = server.url("soporteplus")
        environment = settings(url, folder)
        load = Load(folder / "tokens", tiquets, asked.segundos)
        tell(f"Se preparan {tiquets} tiquets…")
        load.tokens.write_text("\n".join(prepare(tiquets, environment)))
        ours_url = url.replace("pymysql", asked.url_driver)
        ours, floor = (
            stack.enter_context(gunicorn(program, config, folder / f"{name}.log", environment | own))
            for name, program, config, own in (
                ("ours", "app:create_app()", str(ROOT / "gunicorn.conf.py"), {"DATABASE_URL": ours_url}),
                ("floor", "benchmarks.floor:application", "python:benchmarks.floor", {}),
            )
        )
        token = load.tokens.read_text().split()[0]
        for one in (ours, floor):
            one.await_start({"Authorization": f"Bearer {token}"})
        assert server.process
        # One worker answers while another is still starting.
        settle(lambda: ours.used() + floor.used())
        print(f"\n{tiquets} tiquets, {asked.rondas} rondas de {asked.segundos} s, {asked.url_driver}:\n")
        print(measuring.heading())
        aims = AIMS_MYSQLDB if asked.url_driver == "mysqldb" else AIMS
        taken = {}
        running = (ours, floor, server.process.pid)
        for kind, mine, theirs in measuring.measured(*running, load, asked.solo, asked.rondas):
            print(measuring.line(kind, mine, theirs, aims), flush=True)
            taken[kind] = mine, theirs
        return taken


def settings(url: str, folder: Path) -> dict[str, str]:
    """Production's, with secrets of this run."""
    return {
        "FLASK_ENV": "production",
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_ACCESS_MINUTES": "1440",
        "STORAGE_URL": f"file://{folder}/adjuntos",
    }


def prepare(tiquets: int, environment: dict[str, str]) -> list[str]:
    """Make the tables and fill them; the access tokens of all users."""
    app = create_app(Config.from_mapping(environment))
    with app.app_context():
        upgrade()
        transaction.run(seed.seed_catalogs)
        db.session.remove()
        sessions = data.plant(tiquets)
        made = [tokens.pair(int(id), sid)["access_token"] for id, sid in sessions.items()]
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
    return made


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
