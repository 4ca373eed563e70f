"""``python -m benchmarks.memory``: how long a worker takes to load, and what memory it holds as it serves."""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.__main__ import OPTIONS, prepare, settings, tell
from benchmarks.measuring import KINDS, Load
from benchmarks.servers import WORKERS, Gunicorn, gunicorn
from config.places import ROOT
from tests.mariadb import Server

LOADS = 7
# As a worker of ``gunicorn.conf.py`` does it.
LOADING = "import gc, time; gc.disable(); s = time.process_time(); import app; print(time.process_time() - s)"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory", description="Arranque y memoria de un proceso."
    )
    parser.add_argument("--tiquets", type=int, default=100_000)
    parser.add_argument(
        "--peticiones", type=int, nargs="+", default=[10_000, 100_000], help="de cada proceso, al mirar"
    )
    parser.add_argument("--segundos", type=int, default=5, help="que se pide de cada clase, por turnos")
    asked = parser.parse_args(arguments)
    print(f"Cargar la aplicación: {loading():.2f} s de CPU (la menor de {LOADS} veces)")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        server = stack.enter_context(Server(*OPTIONS))
        environment = settings(server.url("soporteplus"), folder)
        load = Load(folder / "tokens", asked.tiquets, asked.segundos)
        tell(f"Se preparan {asked.tiquets} tiquets…")
        load.tokens.write_text("\n".join(prepare(asked.tiquets, environment)))
        config = str(ROOT / "gunicorn.conf.py")
        ours = stack.enter_context(gunicorn("app:create_app()", config, folder / "log", environment))
        ours.await_start({"Authorization": f"Bearer {load.tokens.read_text().split()[0]}"})
        served = 0
        for wanted in sorted(asked.peticiones):
            while served < wanted * WORKERS:
                served += sum(load.ask(ours, kind, seed=served)["answered"] for kind in KINDS)
            mapped, own = largest(ours)
            print(
                f"Tras {served // WORKERS} peticiones de cada proceso, el mayor: {own:.0f} MB"
                f" ({mapped:.0f} si lo que comparte con otros se cuenta entero)"
            )


def loading() -> float:
    """Seconds of CPU that the import takes, with what Python has compiled before."""
    own = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", LOADING]
    runs = (subprocess.run(command, cwd=ROOT, env=own, capture_output=True, check=True) for _ in range(LOADS))
    return min(float(run.stdout) for run in runs)


def largest(server: Gunicorn) -> tuple[float, float]:
    """Megabytes of the largest worker: all that it maps (RSS), and with its part of what is shared (PSS)."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return max((kilobytes(child, "Rss") / 1024, kilobytes(child, "Pss") / 1024) for child in children)


def kilobytes(pid: str, kind: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))


if __name__ == "__main__":
    main()
