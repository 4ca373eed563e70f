"""``Prefer: merge``: two changes of one version both stay when they are of different fields."""

from collections import Counter

import pytest
from sqlalchemy import delete, update

from app.extensions import db
from app.models import LogTransaccional, Tiquet
from tests import factories
from tests.factories import ClienteFactory, EmpleadoFactory, quien
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once
from tests.world import TIQUETS, snapshot

MERGE = {"Prefer": "merge"}


class Ticket:
    """A ticket that somebody has read, and that others may change since."""

    def __init__(self, client, reader, other, **fields):
        self.client, self.reader, self.other = client, reader, other
        self.id = factories.tiquet(**fields)
        self.path = f"{TIQUETS}/{self.id}"
        db.session.remove()  # Left open, it would undo what requests write.
        self.seen = client.get(self.path, headers=reader.headers)
        self.tag = {"If-Match": self.seen.headers["ETag"]}

    def meanwhile(self, **changes):
        answer = self.client.put(self.path, json=changes, headers=self.other.headers)
        assert answer.status_code == 200, answer.json

    def change(self, body, method="PUT", **more):
        headers = self.reader.headers | self.tag | MERGE | more
        return self.client.open(self.path, method=method, json=body, headers=headers)


@pytest.fixture
def ticket(client, tecnico, admin):
    return Ticket(client, tecnico, admin)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_changes_of_different_fields_both_stay(ticket, events, method):
    ticket.meanwhile(titulo="De otra persona", etiquetas=["red"])

    answer = ticket.change({"id_prioridad": 4}, method)

    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "merge")
    assert (answer.json["titulo"], answer.json["id_prioridad"]) == ("De otra persona", 4)
    assert answer.json["version"] == 3
    last = events("tiquet.actualizado")[-1]
    assert (last.id_usuario, last.cambios) == (
        ticket.reader.id,
        [{"campo": "id_prioridad", "anterior": 2, "nuevo": 4}],
    )


def test_changes_of_the_same_field_are_a_conflict_that_says_who_and_what(ticket):
    ticket.meanwhile(titulo="De otra persona", id_prioridad=3)
    before = snapshot()

    answer = ticket.change({"titulo": "Mío", "id_criticidad": 4})

    assert (answer.status_code, answer.json["campos"]) == (412, ["id_prioridad", "titulo"])
    assert answer.json["modificado_por"]["id"] == ticket.other.id
    assert answer.json["version_actual"] == 2
    assert "Preference-Applied" not in answer.headers
    assert snapshot() == before


def test_the_same_change_of_the_same_field_is_none(ticket):
    ticket.meanwhile(titulo="Lo mismo")

    answer = ticket.change({"titulo": "Lo mismo", "id_prioridad": 4})

    assert (answer.status_code, answer.json["id_prioridad"], answer.json["version"]) == (200, 4, 3)


def test_a_field_that_others_changed_and_changed_back_is_still_theirs(ticket):
    titulo = ticket.seen.json["titulo"]
    ticket.meanwhile(titulo="Otro")
    ticket.meanwhile(titulo=titulo)

    assert ticket.change({"titulo": "Mío"}).status_code == 412


def test_a_field_that_is_sent_as_it_was_seen_is_not_changed_however_often_others_did(ticket):
    ticket.meanwhile(titulo="Otro")
    ticket.meanwhile(titulo="Y otro más")

    answer = ticket.change({"titulo": ticket.seen.json["titulo"], "id_prioridad": 4})

    assert (answer.json["titulo"], answer.json["id_prioridad"]) == ("Y otro más", 4)


def test_without_the_preference_a_stale_version_is_refused(ticket):
    ticket.meanwhile(titulo="De otra persona")

    assert ticket.change({"id_prioridad": 4}, Prefer="").status_code == 412


def test_a_change_of_the_present_version_is_not_called_merged(ticket):
    answer = ticket.change({"id_prioridad": 4})

    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ({"id_estado": 3}, {"id_estado": 6}),
        ({"id_estado": 3}, {"resolucion": "Se cambió el tóner"}),
        ({"id_estado": 6}, {"id_usuario_asignado": None}),
        ({"id_categoria": 2}, {"id_problema": 2}),
        ({"id_externo": "7"}, {"origen_externo": "otro"}),
    ],
    ids=str,
)
def test_fields_that_mean_something_together_only_are_one(client, tecnico, admin, theirs, mine):
    ticket = Ticket(client, tecnico, admin, id_usuario_asignado=tecnico.id, id_estado=2)
    ticket.meanwhile(**theirs)

    assert ticket.change(mine).status_code == 412


def test_who_asks_is_one_too(ticket):
    ticket.meanwhile(id_cliente=ClienteFactory().id)

    assert ticket.change({"id_empleado": EmpleadoFactory().id}).status_code == 412


def test_a_ticket_that_moved_meanwhile_takes_other_changes(ticket):
    ticket.meanwhile(id_estado=6)

    answer = ticket.change({"titulo": "Con mejor título"})

    assert (answer.status_code, answer.json["estado"]["tipo"]) == (200, "cerrado")


def test_of_a_whole_object_that_is_sent_back_only_what_was_edited_counts(ticket):
    ticket.meanwhile(titulo="De otra persona", id_estado=2, etiquetas=["vpn"])
    edited = ticket.seen.json | {"descripcion": "Con más detalle"}

    answer = ticket.change(edited)

    assert answer.status_code == 200, answer.json
    assert (answer.json["titulo"], answer.json["etiquetas"]) == ("De otra persona", ["vpn"])
    assert (answer.json["descripcion"], answer.json["estado"]["tipo"]) == ("Con más detalle", "en_proceso")


@pytest.mark.parametrize("wrong", [{"numero": "SP-1"}, {"canal": "web"}, {"version": 7}], ids=str)
def test_a_read_only_field_that_was_edited_is_refused_all_the_same(ticket, wrong):
    ticket.meanwhile(titulo="De otra persona")

    answer = ticket.change(ticket.seen.json | wrong)

    assert answer.status_code == 422
    assert set(wrong) <= set(answer.json["errores"])


def test_the_rules_run_again_on_what_it_is_merged_with(client, admin, tecnico):
    ticket = Ticket(client, tecnico, admin)
    gone = factories.fila("ubicaciones", activo=False)
    ticket.meanwhile(titulo="De otra persona")

    assert ticket.change({"id_ubicacion": gone}).status_code == 422


@pytest.mark.parametrize("tag", ['"999.0"', '"0.0"', '"x"', '"1.0", "9.0"'])
def test_a_version_of_which_the_log_tells_nothing_is_stale(ticket, tag):
    ticket.meanwhile(titulo="De otra persona")

    assert ticket.change({"id_prioridad": 4}, **{"If-Match": tag}).status_code == 412


def test_a_change_of_which_the_log_tells_nothing_is_overruled_by_nobody(tampering, ticket):
    ticket.meanwhile(titulo="De otra persona")
    ticket.meanwhile(descripcion="Otra")
    log = LogTransaccional
    db.session.execute(delete(log).where(log.id_entidad == ticket.id, log.version_resultante == 2))
    db.session.commit()

    assert ticket.change({"id_prioridad": 4}).status_code == 412


def test_a_change_whose_text_was_emptied_is_overruled_by_nobody(tampering, ticket):
    ticket.meanwhile(titulo="De otra persona")
    log = LogTransaccional
    db.session.execute(update(log).where(log.id_entidad == ticket.id).values(cambios=[]))
    db.session.commit()

    assert ticket.change({"id_prioridad": 4}).status_code == 412


def test_changes_that_the_log_never_saw_are_overruled_by_nobody(ticket):
    db.session.execute(update(Tiquet).where(Tiquet.id == ticket.id).values(version=2))
    db.session.commit()

    assert ticket.change({"id_prioridad": 4}).status_code == 412


def test_a_ticket_that_went_to_the_trash_and_came_back_takes_other_changes(ticket):
    ticket.client.delete(ticket.path, headers=ticket.other.headers)
    ticket.client.post(f"{ticket.path}/restaurar", headers=ticket.other.headers)

    assert ticket.change({"id_prioridad": 4}).json["version"] == 4


def test_comments_stand_in_nobodys_way(ticket):
    ticket.meanwhile(titulo="De otra persona")
    ticket.client.post(
        f"{ticket.path}/comentarios", json={"mensaje": "Lo miro"}, headers=ticket.other.headers
    )

    assert ticket.change({"id_prioridad": 4}).json["numero_comentarios"] == 1


def test_a_stale_version_is_thrown_away_by_nobody(ticket):
    ticket.meanwhile(titulo="De otra persona")
    headers = ticket.other.headers | ticket.tag | MERGE

    assert ticket.client.delete(ticket.path, headers=headers).status_code == 412


@pytest.mark.parametrize(
    ("prefer", "merges"),
    [
        ("merge", True),
        ("Merge", True),
        ("respond-async, merge", True),
        ('foo="a, b"; bar, merge; x=1', True),
        ('merge=""', True),
        ("merge = ", True),
        ("wait=10", False),
        ("merger", False),
        ("merge=no", False),
        ('foo="a, merge, b"', False),
        ('foo="\\", merge, b"', False),
        ('foo="a', False),
        (",,;=", False),
    ],
)
def test_the_header_is_read_as_rfc_7240_says(ticket, prefer, merges):
    ticket.meanwhile(titulo="De otra persona")

    assert (ticket.change({"id_prioridad": 4}, Prefer=prefer).status_code == 200) == merges


def test_what_a_caller_may_not_do_it_may_not_merge(client, admin):
    ticket = Ticket(client, quien("Técnico"), admin, id_usuario_asignado=quien("Técnico").id, id_estado=2)
    ticket.meanwhile(titulo="De otra persona")

    assert ticket.change({"id_usuario_asignado": None}).status_code == 403


def test_a_reopened_ticket_is_not_closed_by_who_saw_it_resolved(client, tecnico, admin):
    ticket = Ticket(client, tecnico, admin)
    ticket.path = f"{TIQUETS}/{tiquet_en('resuelto')}"
    ticket.tag = {"If-Match": client.get(ticket.path, headers=tecnico.headers).headers["ETag"]}
    ticket.meanwhile(id_estado=2)

    assert ticket.change({"id_estado": 6}).status_code == 412


# Races


def race(app, bodies):
    """Two changes at once of the version that both have seen: their answers, and the ticket afterwards."""
    tecnico, id = quien("Técnico"), factories.tiquet()
    path = f"{TIQUETS}/{id}"
    db.session.remove()
    tag = app.test_client().get(path, headers=tecnico.headers).headers["ETag"]
    headers = tecnico.headers | MERGE | {"If-Match": tag}

    def work(number):
        return app.test_client().put(path, json=bodies[number], headers=headers)

    answers = at_once(len(bodies), work)
    return answers, app.test_client().get(path, headers=tecnico.headers).json


def test_two_at_once_on_different_fields_both_succeed(committed):
    for _ in range(20):
        answers, shown = race(committed, [{"titulo": "De uno"}, {"descripcion": "De otro"}])

        assert [answer.status_code for answer in answers] == [200, 200]
        assert sum("Preference-Applied" in answer.headers for answer in answers) == 1
        assert (shown["titulo"], shown["descripcion"], shown["version"]) == ("De uno", "De otro", 3)


def test_of_two_at_once_on_the_same_field_one_does(committed):
    for _ in range(20):
        answers, shown = race(committed, [{"titulo": "De uno"}, {"titulo": "De otro"}])

        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 1}
        won = next(answer.json["titulo"] for answer in answers if answer.status_code == 200)
        assert (shown["titulo"], shown["version"]) == (won, 2)
