"""Whatever Administradores do to each other at once, one of them stays to appoint others."""

from collections import Counter
from threading import Barrier

import pytest

from app.extensions import db
from app.models import Usuario
from app.utils.writes import idempotency
from tests import factories
from tests.threads import at_once

RONDAS = 10
DEGRADAR = ("PUT", {"tipo_usuario": "Técnico"})
DESACTIVAR = ("DELETE", None)
APAGAR = ("PATCH", {"activo": False})


def administrators() -> set[int]:
    db.session.commit()
    active = db.session.query(Usuario.id).filter_by(tipo_usuario="Administrador", activo=True)
    return {id for (id,) in active}


def start_again(*everybody: factories.Quien) -> list[dict[str, str]]:
    """Make all of them active Administradores, signed in anew; answers their headers."""
    for quien in everybody:
        user = db.session.get_one(Usuario, quien.id, populate_existing=True)
        user.tipo_usuario, user.activo = "Administrador", True
    db.session.commit()
    return [factories.signed_in(quien.id)[1] for quien in everybody]


@pytest.fixture
def after_sign_in(monkeypatch):
    """Let ``count`` writing requests begin their units of work together, when all are authenticated."""

    def after_sign_in(count: int) -> None:
        start = Barrier(count)
        monkeypatch.setattr(idempotency, "run", lambda *args: (start.wait(30), run(*args))[1])

    run = idempotency.run
    return after_sign_in


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # Who acts, on whom (0 or 1), and how.
        ((0, 1, DEGRADAR), (1, 0, DEGRADAR)),
        ((0, 1, DESACTIVAR), (1, 0, DESACTIVAR)),
        ((0, 0, DEGRADAR), (0, 1, DESACTIVAR)),
        ((0, 0, APAGAR), (1, 1, DEGRADAR)),
    ],
    ids=["demote each other", "deactivate each other", "one demotes itself", "both go"],
)
def test_of_two_at_once_one_stays(committed, after_sign_in, events, first, second):
    pair = [factories.quien("Administrador") for _ in range(2)]

    for _ in range(RONDAS):
        headers = start_again(*pair)
        after_sign_in(2)

        def work(number, headers=headers):
            actor, target, (method, body) = (first, second)[number]
            path = f"/api/users/{pair[target].id}"
            return committed.test_client().open(path, method=method, json=body, headers=headers[actor])

        answers = at_once(2, work)

        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 1}
        (refused,) = (number for number, answer in enumerate(answers) if answer.status_code == 409)
        assert answers[refused].json["codigo"] == "ultimo_administrador"
        assert administrators() == {pair[(first, second)[refused][1]].id}
    assert len(events("usuario.desactivado")) + len(events("usuario.actualizado")) == RONDAS


def test_of_six_who_all_resign_at_once_one_stays(committed, after_sign_in):
    everybody = [factories.quien("Administrador") for _ in range(6)]

    for _ in range(RONDAS // 2):
        headers = start_again(*everybody)
        after_sign_in(6)

        def work(number, headers=headers):
            path, (method, body) = f"/api/users/{everybody[number].id}", (DEGRADAR, DESACTIVAR)[number % 2]
            return committed.test_client().open(path, method=method, json=body, headers=headers[number])

        answers = at_once(6, work)

        assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 1}
        (refused,) = (number for number, answer in enumerate(answers) if answer.status_code == 409)
        assert answers[refused].json["codigo"] == "ultimo_administrador"
        assert administrators() == {everybody[refused].id}
