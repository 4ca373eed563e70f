"""``python -m benchmarks.log``: how fast the log is numbered and sent, and what that costs who writes."""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles

from sqlalchemy import insert, select, update

from app import create_app
from app.extensions import db
from app.models import LogTransaccional, Usuario, Webhooks
from app.permissions import Actor
from app.services import leases
from app.services.log import sequencer, webhooks
from app.services.worker import MANTENIMIENTO
from app.transaction import run
from benchmarks.__main__ import OPTIONS, prepare, settings, tell
from benchmarks.measuring import Load, Ronda, one_round
from benchmarks.servers import Gunicorn, gunicorn, settle
from config.config import Config
from config.places import ROOT
from migrations import triggers
from tests.mariadb import Server
from tests.receivers import LOOPBACK, Receiver, receiver

TIQUETS = 20_000
PATIENCE = 600.0  # seconds
A_SECOND = 10  # tickets that are opened in one while their delay is measured
TICKETS = "/api/tickets/tickets"


def main() -> None:
    asked = read()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        server = stack.enter_context(Server(*OPTIONS))
        assert server.process
        own = stack.enter_context(receiver())
        environment = settings(server.url("soporteplus"), folder) | LOOPBACK
        tell("Se prepara la base…")
        load = Load(folder / "tokens", TIQUETS, asked.segundos)
        load.tokens.write_text("\n".join(prepare(TIQUETS, environment)))
        application = (
            "app:create_app()",
            str(ROOT / "gunicorn.conf.py"),
            folder / "log",
            environment | {"DATABASE_URL": server.url("soporteplus")},
        )
        with create_app(Config.from_mapping(environment)).app_context():
            with_them, without = by_triggers(asked.eventos)
            print(f"Numerar: {with_them:.0f} eventos por segundo; sin los disparadores, {without:.0f}.")
            listen(own.url)
            # The tickets that were planted are old: to close them would be told too.
            assert leases.take(MANTENIMIENTO, timedelta(days=1))
            written = plant(asked.eventos // 10)
            with worker(environment):
                print(f"Numerar, repartir y entregar: {delivered(own, written):.0f} webhooks por segundo.")
        web = stack.enter_context(gunicorn(*application))
        web.await_start({"Authorization": f"Bearer {load.tokens.read_text().split()[0]}"})
        with worker(environment) as process:
            told = delays(web, load, own, asked.segundos * 4)
            print(
                f"De la respuesta de quien escribe al receptor: p50 {median(told):.0f} ms,"
                f" p99 {quantiles(told, n=100)[98]:.0f} ms."
            )
            running = web, server.process.pid, load, process, asked.rondas
            cost("Con un trabajador que numera, cuenta y envía", *running)
            with create_app(Config.from_mapping(environment)).app_context():
                run(lambda: db.session.execute(update(Webhooks).values(activo=False)))
            cost("Con uno que numera y cuenta", *running)


def read() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.log", description="El registro, en cifras.")
    parser.add_argument(
        "--eventos", type=int, default=20_000, help="que se numeran; se envía la décima parte"
    )
    parser.add_argument("--rondas", type=int, default=5, help="con numeración y sin ella, por turnos")
    parser.add_argument("--segundos", type=int, default=5, help="de cada ronda")
    return parser.parse_args()


def plant(count: int) -> int:
    """Events of tickets, committed and without numbers; answers how many."""
    rows = [
        {
            "id_evento": f"{time.time_ns()}-{number}",
            "tipo_actor": "sistema",
            "origen": "sistema",
            "accion": "tiquet.actualizado",
            "entidad": "tiquet",
            "id_entidad": 1 + number % 400,
            "id_tiquet": 1 + number % 400,
            "version_resultante": 2 + number // 400,
            "cambios": [{"campo": "titulo", "anterior": "La impresora no imprime", "nuevo": "Sin tinta"}],
        }
        for number in range(count)
    ]
    db.session.execute(insert(LogTransaccional), rows)
    db.session.commit()
    return count


def by_triggers(count: int) -> tuple[float, float]:
    """The same with the triggers that keep the log as it was written, and without them."""
    with_them = numbered(count)
    with db.engine.begin() as connection:
        triggers.drop(connection)
    without = numbered(count)
    with db.engine.begin() as connection:
        triggers.create(connection)
    return with_them, without


def numbered(count: int) -> float:
    """Events per second that one sequencer numbers and chains."""
    plant(count)
    start = time.monotonic()
    assert sequencer.number_events() >= count
    took = time.monotonic() - start
    db.session.remove()  # A trigger cannot be dropped while its table is being read.
    return count / took


def listen(url: str) -> None:
    """A webhook of tickets, from the end of the log on."""
    id = db.session.scalars(select(Usuario.id).order_by(Usuario.id.desc())).first()
    actor = Actor(id=id, tipo_usuario="Administrador")
    run(lambda: webhooks.create(actor, {"url": url, "eventos": ["tiquet.*"]}))


def delivered(own: Receiver, count: int) -> float:
    """Webhooks per second that one worker numbers, makes and sends, from when it began to send."""
    await_it(lambda: len(own.arrivals) > 0)
    first = own.arrivals[0].when
    await_it(lambda: len({arrival.id for arrival in list(own.arrivals)}) >= count)
    return count / (own.arrivals[-1].when - first)


def delays(web: Gunicorn, load: Load, own: Receiver, seconds: int) -> list[float]:
    """Milliseconds from the answer to who opened a ticket until the receiver has its webhook."""
    tokens = load.tokens.read_text().split()
    answered: dict[int, float] = {}
    for number in range(seconds * A_SECOND):
        headers = {"Authorization": f"Bearer {tokens[number % len(tokens)]}"}
        headers["Content-Type"] = "application/json"
        body = {"titulo": "Sin tinta", "descripcion": "No imprime", "id_categoria": 1, "id_criticidad": 1}
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        connection.request("POST", TICKETS, json.dumps(body | {"id_ubicacion": 1}), headers)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answered[json.loads(answer.read())["id"]] = time.monotonic()
        connection.close()
        time.sleep(1 / A_SECOND)
    await_it(lambda: answered.keys() <= own.of_tickets().keys())
    arrived = {one.json["data"]["id_tiquet"]: one.when for one in reversed(own.arrivals)}
    return [1000 * (arrived[id] - when) for id, when in answered.items()]


def cost(
    what: str, web: Gunicorn, database: int, load: Load, process: subprocess.Popen[bytes], rounds: int
) -> None:
    """What opening a ticket takes while a worker works, and while it stands still."""

    def go_on(number: int) -> None:
        process.send_signal(signal.SIGCONT if number % 2 else signal.SIGSTOP)

    on, off = by_turns(web, database, load, rounds, go_on)
    process.send_signal(signal.SIGCONT)
    compare(f"{what}, frente a parado", on, off)


def by_turns(
    web: Gunicorn, database: int, load: Load, rounds: int, turn: Callable[[int], None]
) -> tuple[list[Ronda], list[Ronda]]:
    """Rounds of opened tickets: those with an odd number, and the others."""
    found: tuple[list[Ronda], list[Ronda]] = ([], [])
    for number in range(1, 2 * rounds + 1):
        turn(number)
        settle(web.used)
        found[0 if number % 2 else 1].append(one_round(web, database, load, "create", number))
    return found


def compare(what: str, one: list[Ronda], other: list[Ronda]) -> None:
    def ratio(name: str) -> str:
        return f"{median(getattr(r, name) for r in one) / median(getattr(r, name) for r in other):.2f}"

    print(
        f"{what}, abrir un tiquet toma {ratio('app')} veces la CPU de la aplicación y {ratio('database')} la"
        f" de la base; tiquets por segundo, {ratio('rate')} veces."
    )


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A ``flask worker`` of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "run", "worker"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(60)


def await_it(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"no llegó en {PATIENCE:.0f} s")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
