"""A follower that is killed at random, on a service whose workers are, ends with what the list has."""

from typing import Any

import pytest

from app.extensions import db
from tests import factories
from tests.follower import Follower
from tests.gunicorn import TICKETS, Gunicorn, gunicorn, prepared
from tests.storm import Writer, rage

WRITERS = 16
STORM = 8.0  # seconds


@pytest.mark.usefixtures("without_app")
def test_a_killed_follower_of_killed_workers_has_every_ticket_as_it_is(fresh_database, tmp_path):
    with prepared(fresh_database):
        headers = factories.quien("Administrador").headers
        db.session.remove()
        with gunicorn(fresh_database) as server:
            ids: list[int] = []
            writers = [Writer(server, headers, ids, admin=True) for _ in range(WRITERS)]
            with Follower(server.port, headers, tmp_path / "oyente") as follower:
                kills = {"gunicorn worker": (server.kill_one, 1.0), "feed client": (follower.kill, 2.0)}
                killed = rage(STORM, writers, kills)
            listed = all_tickets(server, headers)

    heard = [*follower.heard()]
    assert all(killed.values()), killed
    assert follower.deaths > 0
    assert {via for via, _ in heard} == {"página", "espera", "flujo"}
    assert len(listed) > WRITERS
    assert follower.tickets() == listed
    # An Administrador misses no number, and none comes twice.
    assert [event["secuencia"] for _, event in heard] == [*range(1, len(heard) + 1)]


def all_tickets(server: Gunicorn, headers: dict[str, str]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    cursor = ""
    while True:
        page = server.insist("GET", f"{TICKETS}?limite=200{cursor}", **headers).json
        found |= {one["id"]: one for one in page["data"]}
        if page["paginacion"]["siguiente"] is None:
            return found
        cursor = f"&cursor={page['paginacion']['siguiente']}"
