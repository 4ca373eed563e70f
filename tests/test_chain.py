"""The log is numbered without a gap, and whatever is done to a numbered event is found."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import CABEZA_ID, GENESIS, LogCabeza, LogTransaccional
from app.queries.log import chain as queries
from app.services.log import chain, sequencer
from config.places import ROOT
from tests import factories
from tests.conftest import SECRETS
from tests.factories import NUEVO
from tests.threads import at_once
from tests.world import undone

TICKETS = "/api/tickets/tickets"
LOG: Any = LogTransaccional.__table__
SOON = 2.0  # seconds, on a busy machine; whoever waits for a lock waits longer


def plant(count: int, **fields: Any) -> None:
    """Insert events, as they are before they are numbered."""
    mark = random.randbytes(6).hex()
    db.session.execute(
        sa.insert(LogTransaccional),
        [
            {
                "id_evento": f"{mark}-{number}",
                "tipo_actor": "usuario",
                "id_usuario": 1 + number % 3,
                "accion": "tiquet.actualizado",
                "entidad": "tiquet",
                "id_entidad": 1 + number % 5,
                "id_tiquet": 1 + number % 5,
                "version_resultante": 1 + number // 5,
                "cambios": [{"campo": "titulo", "anterior": None, "nuevo": f"Año {number}"}],
                "origen": "api",
                "id_solicitud": "s",
                "ip": "::1",
            }
            | fields
            for number in range(count)
        ],
    )
    db.session.commit()


def numbers() -> list[tuple[int, str, str]]:
    db.session.rollback()
    columns = (LOG.c.secuencia, LOG.c.hash_anterior, LOG.c.hash)
    return [tuple(row) for row in db.session.execute(sa.select(*columns).order_by(LOG.c.secuencia))]


def head() -> tuple[int, str]:
    db.session.rollback()
    return tuple(db.session.execute(queries.CABEZA).one())


def is_whole() -> bool:
    """Whether all that is in the log is numbered, chained, and true."""
    rows = numbers()
    hashes = [GENESIS, *(hash for _, _, hash in rows)]
    assert [number for number, _, _ in rows] == [*range(1, len(rows) + 1)]
    assert [before for _, before, _ in rows] == hashes[:-1]
    assert head() == (len(rows), hashes[-1])
    found = chain.verify()
    assert found["integra"], found
    assert (found["eventos"], found["cabeza"]) == (len(rows), hashes[-1])
    return True


# Numbering


def test_committed_events_get_the_next_numbers_and_only_once(session):
    plant(1203)
    assert sequencer.number_events() == 1203
    assert sequencer.number_events() == 0
    before = numbers()
    plant(2)

    assert sequencer.number_events() == 2
    assert numbers()[:1203] == before
    assert is_whole()


def test_an_empty_log_is_whole(session):
    assert sequencer.number_events() == 0
    assert is_whole()


def test_whoever_cannot_wait_numbers_some_and_leaves_the_rest(session):
    plant(1203)

    assert sequencer.number_events(most=600) == 1000
    assert sequencer.number_events() == 203


def test_the_versions_of_one_thing_ascend_whatever_their_ids(session):
    for version in (3, 1, 2):
        plant(1, version_resultante=version, id_entidad=7)
        plant(1, version_resultante=9 - version, id_entidad=8)
        plant(1, version_resultante=None, id_entidad=7)

    sequencer.number_events()

    rows = db.session.execute(
        sa.select(LOG.c.id_entidad, LOG.c.version_resultante).order_by(LOG.c.secuencia)
    ).all()
    assert [tuple(row) for row in rows] == [
        *((7, 1), (8, 6), (7, None), (7, 2), (8, 7), (7, None), (7, 3), (8, 8), (7, None))
    ]
    assert is_whole()


def test_what_requests_write_is_numbered_as_it_is_kept(client, admin, session):
    titulos = ("Impresora «ñ» 🖨", 'Comillas " y \\ barras', "Dos\u2028líneas")
    for titulo in titulos[:2]:
        id = client.post(TICKETS, json={**NUEVO, "titulo": titulo}, headers=admin.headers).json["id"]
        body = {"mensaje": titulos[2], "es_interno": False}
        client.post(f"{TICKETS}/{id}/comentarios", json=body, headers=admin.headers)
    client.get(f"{TICKETS}?papelera=true", headers=factories.quien("Técnico").headers)

    assert sequencer.number_events() == 7
    assert is_whole()


def test_sequencers_at_once_among_writers_leave_no_gap_and_no_double(app, committed, monkeypatch):
    def slow(limit: int) -> Any:
        found = waiting(limit)
        sleep(0.02)  # So that others come meanwhile; the tables' own work is too quick for it.
        return found

    waiting = queries.waiting
    monkeypatch.setattr(queries, "waiting", slow)
    admin = factories.quien("Administrador")
    writing = Event()

    def work(number: int) -> int:
        with app.app_context():
            if number < 4:
                done = 0
                while writing.is_set():
                    done += sequencer.number_events()
                return done
            mine = app.test_client()
            for turn in range(12):
                answer = mine.post(TICKETS, json=NUEVO, headers=admin.headers)
                assert answer.status_code == 201, answer.json
                path = f"{TICKETS}/{answer.json['id']}"
                for title in range(turn % 3):
                    assert mine.put(path, json={"titulo": f"Otro {title}"}, headers=admin.headers).json
            ended.append(number)
            if len(ended) == 8:
                writing.clear()
            return 0

    ended: list[int] = []
    writing.set()
    meanwhile = sum(at_once(12, work))
    done = meanwhile + sequencer.number_events()

    assert meanwhile > 0
    assert done == len(numbers()) == 8 * 12 * 2
    assert is_whole()
    orders = db.session.execute(
        sa.select(LOG.c.id_tiquet, LOG.c.version_resultante).order_by(LOG.c.secuencia)
    ).all()
    by_ticket: dict[int, list[int]] = {}
    for id, version in orders:
        by_ticket.setdefault(id, []).append(version)
    assert all(versions == sorted(versions) for versions in by_ticket.values())


# A sequencer that is struck within its transaction: once it has the head, or once all is written.
STRUCK = """
import os, signal, sys
from app import create_app
from app.queries.log import chain
from app.services.log import sequencer

module, name = {"head": (chain, "waiting"), "written": (sequencer, "number_batch")}[sys.argv[1]]
real = getattr(module, name)

def struck(*args):
    done = real(*args)
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    return done

setattr(module, name, struck)
with create_app().app_context():
    sequencer.number_events()
"""


@contextmanager
def struck(url: str, when: str, how: str) -> Iterator[subprocess.Popen[bytes]]:
    """A sequencer in a process of its own, from the moment at which it was struck."""
    settings = {**os.environ, "FLASK_ENV": "development", "DATABASE_URL": url, **SECRETS}
    command = [sys.executable, "-c", STRUCK, when, how]
    process = subprocess.Popen(command, cwd=ROOT, env=settings)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSIGNALED(status) or os.WIFSTOPPED(status), status
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("when", ["head", "written"])
def test_a_killed_sequencer_leaves_all_to_the_next(committed, database_url, when):
    plant(700)

    with struck(database_url, when, "SIGKILL"):
        assert {number for number, _, _ in numbers()} == {None}
        assert sequencer.number_events() == 700
        assert is_whole()


@pytest.mark.alone
@pytest.mark.mariadb
@pytest.mark.parametrize("when", ["head", "written"])
def test_a_paused_sequencer_stops_no_writer_and_others_only_for_a_moment(app, committed, database_url, when):
    plant(700)
    admin = factories.quien("Administrador")

    with struck(database_url, when, "SIGSTOP") as process:
        begun = monotonic()
        assert app.test_client().post(TICKETS, json=NUEVO, headers=admin.headers).status_code == 201
        assert monotonic() - begun < SOON
        assert sequencer.number_events() == 701
        assert is_whole()
        # What ends an idle sequencer ends nobody who gets its connection after it.
        assert db.session.scalar(sa.text("SELECT @@idle_transaction_timeout")) == 0

        process.send_signal(signal.SIGCONT)
        _, status = os.waitpid(process.pid, os.WUNTRACED)  # It tries again, and is struck again.
        assert os.WIFSTOPPED(status)
    assert is_whole()


# Verifying

EVENTS = 40
SEEDS = 4
TEXTS = ("id_evento", "tipo_actor", "accion", "entidad", "origen", "id_solicitud", "ip")
NUMBERS = ("id", "id_usuario", "id_entidad", "id_tiquet", "version_resultante")
HASHES = ("hash", "hash_anterior", "digesto", "sal")


@pytest.fixture
def sealed(tampering, session) -> dict[int, int]:
    """A log that is numbered: number -> id of each event."""
    plant(EVENTS)
    sequencer.number_events()
    ids = dict(db.session.execute(sa.select(LOG.c.secuencia, LOG.c.id)).all())
    db.session.rollback()
    return ids


def change(which: int, /, **values: Any) -> None:
    db.session.execute(sa.update(LOG).where(LOG.c.id == which).values(values))


def row_of(id: int) -> dict[str, Any]:
    return dict(db.session.execute(sa.select(LOG).where(LOG.c.id == id)).mappings().one())


def shift(behind: int, by: int) -> None:
    """Renumber all events behind a number, by way of numbers that none has."""
    later = sa.update(LOG).where(LOG.c.secuencia > behind)
    db.session.execute(later.values(secuencia=-(LOG.c.secuencia + by)))
    db.session.execute(sa.update(LOG).where(LOG.c.secuencia < 0).values(secuencia=-LOG.c.secuencia))


def edit(dice: random.Random, sealed: dict[int, int]) -> None:
    """Another value in any one column."""
    id = sealed[dice.randint(1, EVENTS)]
    column = dice.choice([*TEXTS, *NUMBERS, *HASHES, "fecha", "cambios", "secuencia"])
    value: Any = row_of(id).get(column)
    if column in TEXTS:
        value = "sistema" if column == "tipo_actor" else f"{value[:-1]}{'x' if value[-1] != 'x' else 'y'}"
    elif column in NUMBERS:
        value = value + 1000 if column == "id" or dice.random() < 0.8 else None
    elif column in HASHES:
        other = "0123456789abcdef".replace(value[3], "")
        value = dice.choice([None, value[:3] + dice.choice(other) + value[4:]])
    elif column == "fecha":
        value += timedelta(microseconds=dice.choice([-1, 1, 10**9]))
    elif column == "secuencia":
        value = dice.choice([None, value + 1000])
    else:
        value = [{"campo": "titulo", "anterior": None, "nuevo": "Otro"}] if dice.random() < 0.8 else []
    change(id, **{column: value})


def erase(dice: random.Random, sealed: dict[int, int]) -> None:
    """One event, or the last ones; the gap may be closed."""
    first = dice.randint(1, EVENTS)
    last = dice.choice([first, EVENTS])
    db.session.execute(sa.delete(LOG).where(LOG.c.secuencia.between(first, last)))
    if dice.random() < 0.5:
        shift(last, first - last - 1)


def forge(dice: random.Random, sealed: dict[int, int]) -> None:
    """One more event, as well made as can be, or a copy, in between or at the end."""
    place = dice.randint(0, EVENTS)
    model = row_of(sealed[place or 1])
    previous = model["hash"] if place else GENESIS
    shift(place, 1)
    row = {**model, "id": 5000, "id_evento": "falso-0", "secuencia": place + 1}
    if dice.random() < 0.7:
        row |= {"accion": "tiquet.eliminado", "hash_anterior": previous}
        row["hash"] = chain.link(previous, row)
    db.session.execute(sa.insert(LOG).values(row))


def swap(dice: random.Random, sealed: dict[int, int]) -> None:
    """The places of two events, or what they say with all that vouches for it."""
    one, other = dice.sample(range(1, EVENTS + 1), 2)
    if dice.random() < 0.3:
        other = one % EVENTS + 1
    if dice.random() < 0.6:
        change(sealed[one], secuencia=None)
        change(sealed[other], secuencia=one)
        change(sealed[one], secuencia=other)
        return
    names = ("cambios", "sal", "digesto")
    mine, theirs = row_of(sealed[one]), row_of(sealed[other])
    change(sealed[one], **{name: theirs[name] for name in names})
    change(sealed[other], **{name: mine[name] for name in names})


def rewrite(dice: random.Random, sealed: dict[int, int]) -> None:
    """An event, and its own hash with it."""
    id = sealed[dice.randint(1, EVENTS)]
    row = row_of(id) | {"id_usuario": 77}
    change(id, id_usuario=77, hash=chain.link(row["hash_anterior"], row))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_done_to_a_numbered_event_is_found(sealed, seed, pytestconfig, record_testsuite_property):
    dice, missed, motives = random.Random(seed), [], Counter()
    for number in range(pytestconfig.getoption("--manipulaciones") // SEEDS):
        how = dice.choice([edit, edit, edit, erase, forge, swap, rewrite])
        with undone():
            how(dice, sealed)
            db.session.commit()
            found = chain.verify()
        if found["integra"]:
            missed.append((number, how.__name__))
        else:
            motives[f"{how.__name__}: {found['primer_error']['motivo']}"] += 1

    assert missed == []
    assert chain.verify()["integra"]
    for motive, count in motives.items():
        record_testsuite_property(motive, count)


@pytest.mark.parametrize(
    ("motivo", "secuencia", "deed"),
    [
        ("alterado", 7, lambda ids: change(ids[7], accion="tiquet.eliminado")),
        ("alterado", EVENTS, lambda ids: change(ids[EVENTS], cambios=[])),
        ("ausente", 7, lambda ids: db.session.execute(sa.delete(LOG).where(LOG.c.id == ids[7]))),
        ("ausente", EVENTS, lambda ids: change(ids[EVENTS], secuencia=None)),
        ("insertado", 7, lambda ids: insert_between(ids, 7)),
        ("insertado", EVENTS + 1, lambda ids: insert_between(ids, EVENTS + 1)),
        ("reordenado", 7, lambda ids: exchange(ids, 7, 8)),
        ("reordenado", 7, lambda ids: exchange(ids, 7, 20)),
    ],
)
def test_the_first_that_is_wrong_is_told_with_what_happened_to_it(sealed, motivo, secuencia, deed):
    with undone():
        deed(sealed)
        db.session.commit()
        found = chain.verify()

    assert found == {"integra": False, "primer_error": {"secuencia": secuencia, "motivo": motivo}}


def insert_between(ids: dict[int, int], place: int) -> None:
    row = row_of(ids[place - 1])
    shift(place - 1, 1)
    row |= {"id": 5000, "id_evento": "falso-0", "secuencia": place, "hash_anterior": row["hash"]}
    db.session.execute(sa.insert(LOG).values(row | {"hash": chain.link(row["hash"], row)}))


def exchange(ids: dict[int, int], one: int, other: int) -> None:
    change(ids[one], secuencia=None)
    change(ids[other], secuencia=one)
    change(ids[one], secuencia=other)


def test_salt_and_text_can_be_emptied_and_the_chain_still_holds(sealed):
    change(sealed[7], sal=None, cambios=[])
    db.session.commit()

    found = chain.verify()
    change(sealed[8], sal=None)  # But not the salt alone, behind which another text could stand.
    db.session.commit()

    assert (found["integra"], found["vaciados"]) == (True, 1)
    assert chain.verify()["primer_error"] == {"secuencia": 8, "motivo": "alterado"}


def test_a_part_is_verified_alone_and_a_long_one_in_parts(sealed):
    hashes = {number: hash for number, _, hash in numbers()}

    assert chain.verify(11, 20) == {
        "integra": True,
        "desde": 11,
        "eventos": 10,
        "vaciados": 0,
        "cabeza": hashes[20],
        "siguiente": None,
    }
    assert chain.verify(11, most=10)["siguiente"] == 21
    assert chain.verify(31, most=10)["siguiente"] is None
    nothing = chain.verify(9, 8) | {"cabeza": hashes[EVENTS]}
    for beyond in (EVENTS + 1, EVENTS + 9):
        assert chain.verify(beyond) == nothing | {"desde": beyond}
    change(sealed[5], accion="otra")
    db.session.commit()
    assert chain.verify(6)["integra"]
    assert not chain.verify(5)["integra"]
    assert chain.verify(1, 4)["integra"]


def test_an_exported_head_finds_a_log_that_was_cut_short_with_its_head(sealed):
    secuencia, hash = head()
    db.session.execute(sa.delete(LOG).where(LOG.c.secuencia > 30))
    cut = row_of(sealed[30])["hash"]
    db.session.execute(sa.update(LogCabeza).where(LogCabeza.id == CABEZA_ID).values(secuencia=30, hash=cut))
    db.session.commit()

    assert chain.verify()["integra"]
    assert chain.matches(secuencia, hash) == {"secuencia": EVENTS, "motivo": "ausente"}
    assert chain.matches(30, hash) == {"secuencia": 30, "motivo": "alterado"}
    assert chain.matches(30, cut) is None
    assert chain.matches(0, GENESIS) is None
