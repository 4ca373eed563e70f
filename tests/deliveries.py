"""What has become of the deliveries of webhooks, and bringing them to their end."""

from datetime import UTC, timedelta

import sqlalchemy as sa
import time_machine

from app.extensions import db
from app.models import Entregas, utcnow
from app.services.log import deliveries


def states() -> dict[str, int]:
    db.session.remove()
    found = db.session.execute(sa.select(Entregas.estado, sa.func.count()).group_by(Entregas.estado))
    return {row[0]: row[1] for row in found}


def fan_out() -> None:
    db.session.remove()
    while deliveries.fan_out():
        pass
    db.session.remove()


def finish() -> None:
    """Go on, later and later, until all is delivered."""
    for rounds in range(1, 60):
        with time_machine.travel(utcnow().replace(tzinfo=UTC) + rounds * timedelta(seconds=90)):
            fan_out()
            while deliveries.deliver():
                pass
        if set(states()) == {"entregada"}:
            return
    raise AssertionError(states())
