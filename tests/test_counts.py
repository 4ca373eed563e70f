"""The dashboard's counts: exact whenever they are read, wherever in the log they were last written."""

import random
from datetime import date, timedelta
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import Conteo, Lectura, LogTransaccional, Tiquet, utcnow
from app.queries.desk import stats
from app.queries.desk.tickets import NOT_IN_TRASH
from app.queries.log import counts as queries
from app.services import maintenance
from app.services.log import counts, sequencer
from tests import factories
from tests.factories import NUEVO, quien
from tests.gunicorn import TICKETS, gunicorn
from tests.statements import noted
from tests.threads import at_once

SINCE = date(2020, 1, 1)
STATS = "/api/tickets/dashboard/stats"
WRITERS = 8


def all_counted():
    """What a count of all tickets gives, in the session's snapshot."""
    found = stats.counted(NOT_IN_TRASH, SINCE)
    return {campo: values for campo, values in found.items() if values}


def kept():
    found = queries.kept(SINCE)
    return None if found is None else {campo: values for campo, values in found.items() if values}


def look():
    """Both in one snapshot, which is then given up: a request would join it, and be undone with it."""
    db.session.remove()
    found = kept(), all_counted()
    db.session.remove()
    return found


@pytest.fixture
def admin():
    return quien("Administrador")


@pytest.fixture
def desk(client, admin, session):
    """Tickets that came by the API, and are counted."""
    db.session.remove()
    ids = [client.post(TICKETS, json=NUEVO, headers=admin.headers).json["id"] for _ in range(4)]
    counts.recount()
    return ids


def anything(rng, client, who, ids):
    """Do something to one of the tickets, which may be refused; a new one joins ``ids``."""
    path = f"{TICKETS}/{rng.choice(ids)}"
    state = {"id_estado": rng.randint(1, 7), "resolucion": "Listo"}
    moved = {"id_prioridad": rng.randint(1, 4), "id_categoria": rng.randint(1, 8)}
    method, url, body = rng.choice(
        [
            ("POST", TICKETS, NUEVO | moved),
            ("PUT", path, state),
            ("PUT", path, moved | {"id_usuario_asignado": rng.choice([None, who.id])}),
            ("POST", f"{path}/tomar", {}),
            ("POST", f"{path}/transiciones", {"accion": "resolver", "resolucion": "Listo"}),
            ("POST", f"{path}/transiciones", {"accion": "reabrir"}),
            ("POST", f"{path}/comentarios", {"mensaje": "Sigue igual"}),
            ("POST", f"{path}/fusionar", {"id_destino": rng.choice(ids)}),
            ("DELETE", path, None),
            ("POST", f"{path}/restaurar", {}),
        ]
    )
    answer = client.open(url, method=method, json=body, headers=who.headers)
    assert answer.status_code < 500
    if answer.status_code == 201 and url == TICKETS:
        ids.append(answer.json["id"])


def purge(rng, ids):
    """Let the trash be too old, and emptied."""
    gone = sa.select(Tiquet.id).where(Tiquet.fecha_eliminacion.is_not(None))
    old = utcnow() - timedelta(days=1000)
    for id in db.session.scalars(gone).all():
        db.session.execute(sa.update(Tiquet).where(Tiquet.id == id).values(fecha_eliminacion=old))
    db.session.commit()
    maintenance.maintain()
    ids[:] = [id for id in ids if db.session.get(Tiquet, id)]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_what_is_kept_is_what_a_count_gives(client, admin, desk, monkeypatch, seed):
    rng = random.Random(seed)
    monkeypatch.setattr(counts, "BATCH", 3)
    passed = 0
    for step in range(60):
        anything(rng, client, admin, desk)
        if step % 20 == 19:
            purge(rng, desk)
        if rng.random() < 0.3:
            sequencer.number_events()
        if rng.random() < 0.3:
            passed += counts.read_on()
        found, right = look()
        assert found == right

    assert passed > 10
    sequencer.number_events()
    while counts.read_on():
        pass
    found, right = look()
    assert found == right
    rows = db.session.execute(sa.select(Conteo.campo, Conteo.clave, Conteo.cantidad)).all()
    assert {(row.campo, row.clave, row.cantidad) for row in rows if row.cantidad} == {
        (campo, clave, count) for campo, values in right.items() for clave, count in values.items()
    }


def test_the_dashboard_counts_no_tickets_when_counts_are_kept(client, admin, desk):
    client.put(f"{TICKETS}/{desk[0]}", json={"id_prioridad": 4}, headers=admin.headers)

    with noted() as statements:
        shown = client.get(STATS, headers=admin.headers).json

    assert [row["cantidad"] for row in shown["por_prioridad"]] == [0, 3, 0, 1]
    assert (shown["total"], shown["por_dia"][-1]["creados"]) == (4, 4)
    assert not [statement for statement, _ in statements if "GROUP BY" in statement]
    # Who asks, the counts, how many events came since, what happened in them, to which tickets, who they are.
    assert len(statements) == 6


def test_of_a_new_ticket_nothing_is_read_that_nobody_takes_back(client, admin, desk):
    client.put(f"{TICKETS}/{desk[0]}", json={"id_prioridad": 4}, headers=admin.headers)

    read = {event.accion: event.cambios for event in queries.events(LogTransaccional.entidad == "tiquet")}

    assert read == {
        "tiquet.creado": None,
        "tiquet.actualizado": [{"campo": "id_prioridad", "anterior": 2, "nuevo": 4}],
    }


def test_without_a_worker_the_dashboard_counts_all(client, admin, session):
    db.session.remove()
    client.post(TICKETS, json=NUEVO, headers=admin.headers)

    assert look()[0] is None
    assert client.get(STATS, headers=admin.headers).json["total"] == 1


def test_behind_too_much_of_the_log_all_are_counted(client, admin, desk, monkeypatch):
    monkeypatch.setattr(queries, "MAX_PENDIENTES", 2)
    for prioridad in (1, 3):
        client.put(f"{TICKETS}/{desk[0]}", json={"id_prioridad": prioridad}, headers=admin.headers)
    found, right = look()
    assert found == right

    client.put(f"{TICKETS}/{desk[0]}", json={"id_prioridad": 4}, headers=admin.headers)
    assert look()[0] is None
    assert client.get(STATS, headers=admin.headers).json["por_prioridad"][3]["cantidad"] == 1


def test_an_event_that_was_emptied_makes_all_be_counted_again(client, admin, desk):
    client.put(f"{TICKETS}/{desk[0]}", json={"id_prioridad": 4}, headers=admin.headers)
    sequencer.number_events()
    last = sa.select(sa.func.max(LogTransaccional.id)).where(LogTransaccional.entidad == "tiquet")
    empty = {"cambios": [], "sal": None}
    one = LogTransaccional.id == db.session.scalar(last)
    db.session.execute(sa.update(LogTransaccional).where(one).values(**empty))
    db.session.commit()

    assert look()[0] is None
    assert client.get(STATS, headers=admin.headers).json["por_prioridad"][3]["cantidad"] == 1
    assert counts.read_on() == 1
    found, right = look()
    assert found == right


def test_far_behind_all_are_counted_again(client, admin, desk, monkeypatch):
    monkeypatch.setattr(counts, "ATRASO", 2)
    for prioridad in (1, 3, 4):
        client.put(f"{TICKETS}/{desk[0]}", json={"id_prioridad": prioridad}, headers=admin.headers)
    sequencer.number_events()

    assert counts.read_on() == 1
    found, right = look()
    assert found == right


def test_a_place_that_the_log_does_not_reach_makes_all_be_counted_again(client, admin, desk):
    db.session.execute(sa.update(Lectura).where(Lectura.nombre == "conteos").values(secuencia=10_000))
    db.session.execute(sa.update(Conteo).values(cantidad=99))
    db.session.commit()

    counts.read_on()

    found, right = look()
    assert found == right


def test_recontar_mends_what_was_changed_by_hand(app, client, admin, desk):
    db.session.execute(sa.update(Tiquet).where(Tiquet.id == desk[0]).values(id_prioridad=4))
    db.session.commit()
    found, right = look()
    assert found != right

    told = app.test_cli_runner().invoke(args=["recontar"])

    assert told.output == "Tiquets: 4.\n"
    found, right = look()
    assert found == right


@pytest.mark.mariadb
def test_under_many_writers_and_two_counters_each_snapshot_is_exact(committed, database_url):
    who = quien("Administrador")
    factories.tiquet()
    db.session.remove()
    over = Event()

    def count_on():
        with committed.app_context():
            while not over.is_set():
                sequencer.number_events()
                counts.read_on()
                db.session.remove()

    counters = [Thread(target=count_on) for _ in range(2)]
    with gunicorn(database_url, "-w", "2", "--threads", "4") as server:

        def write(number):
            rng = random.Random(number)
            ids = []
            for _ in range(40):
                if len(ids) < 3:
                    ids.append(server.insist("POST", TICKETS, NUEVO, **who.headers).json["id"])
                moved = {"id_prioridad": rng.randint(1, 4), "id_categoria": rng.randint(1, 8)}
                server.insist("PUT", f"{TICKETS}/{rng.choice(ids)}", moved, **who.headers)
            server.insist("DELETE", f"{TICKETS}/{ids[0]}", **who.headers)

        looks = []

        def act(number):
            if number < WRITERS:
                return write(number)
            with committed.app_context():
                while len(looks) < 100:
                    looks.append(look())
            return None

        for thread in counters:
            thread.start()
        try:
            at_once(WRITERS + 1, act)
        finally:
            over.set()
            for thread in counters:
                thread.join()

    told = [(found, right) for found, right in looks if found is not None]
    assert len(told) > 50
    assert [found for found, _ in told] == [right for _, right in told]
    assert len({str(right) for _, right in told}) > 10  # They looked while it changed.
    db.session.remove()
    assert sum(kept()["id_estado"].values()) == 1 + WRITERS * 2
