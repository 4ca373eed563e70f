"""``python -m benchmarks.disk``: what a thousand tickets with their comments and their log take on disk."""

import argparse
import random
import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.extensions import db
from app.services.log import counts
from benchmarks.__main__ import OPTIONS, prepare, settings
from benchmarks.data import SYLLABLES
from config.config import Config
from tests.mariadb import Server

TICKETS = "/api/tickets/tickets"
SIZES = """
SELECT TABLE_NAME, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() ORDER BY 2 DESC
"""
SHOWN = ("Tiquet", "Comentarios", "Busqueda_tiquet", "Log_transaccional")
OPEN = {"id_categoria": 1, "id_criticidad": 1, "id_ubicacion": 1}
WORDS = ["".join(parts) for parts in product(SYLLABLES, repeat=3)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disk", description="Disco por mil tiquets.")
    parser.add_argument("--tiquets", type=int, default=2000)
    count = parser.parse_args().tiquets
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        server = stack.enter_context(Server(*OPTIONS))
        environment = settings(server.url("soporteplus"), folder)
        tokens = prepare(1, environment)
        app = create_app(Config.from_mapping(environment))
        chance = random.Random(8)
        with app.app_context():
            before = sizes()
            for number in range(count):
                live(app.test_client(), tokens[number % len(tokens)], chance)
            counts.recount()  # Which numbers the log.
            after = sizes()
    grown = {name: (size - before.get(name, 0)) / count / 1000 for name, size in after.items()}
    print(f"Por mil tiquets, {sum(grown.values()):.1f} MB:")
    for name in SHOWN:
        print(f"- {name}: {grown.pop(name):.1f} MB")
    print(f"- lo demás: {sum(grown.values()):.1f} MB")


def live(client: FlaskClient, token: str, chance: random.Random) -> None:
    """A ticket that is opened, taken, changed, talked about by three comments, resolved and closed."""

    def ask(method: str, path: str, **body: object) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.open(f"{TICKETS}{path}", method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return int((answer.json or {}).get("id", 0))

    def said(words: int) -> str:
        return " ".join(chance.choices(WORDS, k=words))

    own = f"/{ask('POST', '', titulo=said(5), descripcion=said(40), **OPEN)}"
    ask("POST", f"{own}/tomar")
    ask("PUT", own, id_prioridad=3)
    for interno in (False, True, False):
        ask("POST", f"{own}/comentarios", mensaje=said(25), es_interno=interno)
    ask("POST", f"{own}/transiciones", accion="resolver", resolucion=said(10))
    ask("POST", f"{own}/transiciones", accion="cerrar")


def sizes() -> dict[str, int]:
    """Bytes of each table with its indexes, as the server has them after a look at all."""
    db.session.remove()
    names = [name for (name,) in db.session.execute(text("SHOW TABLES"))]
    db.session.execute(text(f"ANALYZE TABLE {', '.join(f'`{name}`' for name in names)}")).all()
    found = {name: int(size or 0) for name, size in db.session.execute(text(SIZES))}
    db.session.remove()
    return found


if __name__ == "__main__":
    main()
