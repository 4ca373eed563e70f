"""When what met a passing fault is tried again: after which pause, until when, and what it says at last."""

import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import database, transaction
from app.errors import Unavailable
from app.extensions import db

NOW, PAUSE = 100.0, 0.5
FAULTS = {"deadlock": 1213, "connection lost": 2013, "overloaded": 1040, "mistake": 1064}


def fault(name: str) -> OperationalError:
    return OperationalError("…", {}, pymysql.err.OperationalError(FAULTS[name], name))


@pytest.fixture
def pauses(monkeypatch):
    """The bounds that each pause is drawn from, and those that were slept, of a clock that stands still."""
    drawn, slept = [], []

    def draw(least: float, most: float) -> float:
        drawn.append((least, most))
        return PAUSE + len(drawn)

    monkeypatch.setattr(transaction, "monotonic", lambda: NOW)
    monkeypatch.setattr(transaction.random, "uniform", draw)
    monkeypatch.setattr(transaction, "sleep", slept.append)
    return drawn, slept


def test_the_pauses_are_random_and_their_bound_doubles_up_to_a_second(pauses):
    told = []

    def unit() -> None:
        raise fault("deadlock")

    def note(_sender) -> None:
        told.append(None)

    with transaction.retried.connected_to(note), pytest.raises(Unavailable):
        transaction.run(unit, deadline=NOW + 1000)

    drawn, slept = pauses
    assert drawn == [(0, 0.04), (0, 0.08), (0, 0.16), (0, 0.32), (0, 0.64), (0, 1.0)]
    assert slept == [PAUSE + number for number in range(1, 6)]
    assert len(told) == 5


@pytest.mark.parametrize(
    ("name", "needed", "codigo"),
    [
        ("deadlock", transaction.SHORTEST, "base_de_datos_ocupada"),
        ("connection lost", database.CONNECT, "base_de_datos_no_disponible"),
    ],
)
def test_a_try_begins_only_if_it_can_end_before_the_deadline(pauses, name, needed, codigo):
    """A new connection takes longer than a try on one that is there."""
    _drawn, slept = pauses
    ends = NOW + PAUSE + 1 + needed

    transaction.wait_or_give_up(fault(name), 1, ends + 0.25)
    with pytest.raises(Unavailable, match=rf"^{codigo}$") as refused:
        transaction.wait_or_give_up(fault(name), 1, ends + 1)

    assert slept == [PAUSE + 1]
    assert refused.value.__cause__.orig.args[0] == FAULTS[name]


@pytest.mark.parametrize("work", [transaction.run, transaction.read])
def test_it_may_take_as_long_as_a_request_unless_told_otherwise(pauses, monkeypatch, work):
    deadlines = []

    def note(error: Exception, _tries: int, deadline: float, **_more: bool) -> None:
        deadlines.append(deadline)
        raise error

    def fails() -> None:
        raise fault("deadlock")

    monkeypatch.setattr(transaction, "wait_or_give_up", note)
    for own in ({}, {"deadline": NOW + 3}):
        with pytest.raises(OperationalError):
            work(fails, **own)

    assert deadlines == [NOW + 10, NOW + 3]


# What only reads


class Reading:
    """A query that meets ``faults`` first."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.sessions = []

    def __call__(self) -> int:
        self.sessions.append(db.session())
        if self.faults:
            raise self.faults.pop(0)
        return db.session.scalar(text("SELECT 7"))


@pytest.mark.parametrize("name", ["deadlock", "connection lost"])
def test_a_reading_that_met_a_passing_fault_is_made_again_in_a_fresh_session(pauses, name):
    reading = Reading(fault(name))

    assert transaction.read(reading, NOW + 1000) == 7
    first, second = reading.sessions
    assert first is not second


def test_a_reading_is_made_six_times_and_no_more(pauses):
    reading = Reading(*[fault("connection lost")] * 10)

    with pytest.raises(Unavailable, match=r"^base_de_datos_no_disponible$"):
        transaction.read(reading, NOW + 1000)

    assert len(reading.sessions) == transaction.TRIES
    assert [most for _, most in pauses[0]] == [0.04, 0.08, 0.16, 0.32, 0.64, 1.0]


@pytest.mark.parametrize(
    ("met", "raised"),
    [
        (fault("mistake"), OperationalError),
        (fault("overloaded"), Unavailable),
        (database.PoolTimeout(), Unavailable),
    ],
    ids=["mistake", "overloaded", "no connection"],
)
def test_a_reading_is_not_made_again_when_that_would_not_help(pauses, met, raised):
    reading = Reading(met)

    with pytest.raises(raised):
        transaction.read(reading, NOW + 1000)

    assert len(reading.sessions) == 1
    assert pauses[1] == []
