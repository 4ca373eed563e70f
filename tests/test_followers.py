"""Who gets a ticket's news: by hand, for having opened it or got it, and for being called in a comment."""

from collections import Counter

import pytest

from app.extensions import db
from app.models import Seguidores, utcnow
from app.services import maintenance
from app.services.desk.mentions import MAX, mentioned
from tests import factories
from tests.client import codes
from tests.factories import NUEVO, UsuarioFactory, quien
from tests.statements import noted
from tests.test_maintenance import days_ago
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
NADIE = 2147483647


@pytest.fixture
def tiquet(session):
    return f"{TICKETS}/{factories.tiquet()}"


@pytest.fixture
def followers(call, admin):
    """Who follows a ticket, and why."""

    def followers(tiquet):
        page = call(admin, "GET", f"{tiquet}/seguidores").json
        assert page["paginacion"]["total"] == len(page["data"])
        return {row["id_usuario"]: row["motivo"] for row in page["data"]}

    return followers


def test_a_follower_is_answered_as_it_is_listed_and_the_tickets_version_and_etag_stay(
    call, events, admin, tecnico, tiquet
):
    before = call(tecnico, "GET", tiquet)
    nombre = "{nombre} {apellido}".format(**call(tecnico, "GET", "/api/auth/me").json)

    answers = [call(tecnico, "POST", f"{tiquet}/seguidores{path}", {}) for path in ("", "/yo")]
    answers.append(call(admin, "POST", f"{tiquet}/seguidores", {"id_usuario": tecnico.id}))

    row = answers[0].json
    assert row == {
        "id_usuario": tecnico.id,
        "nombre": nombre,
        "motivo": "manual",
        "fecha_creacion": row["fecha_creacion"],
    }
    assert [(answer.status_code, answer.json) for answer in answers] == [(200, row)] * 3
    assert call(admin, "GET", f"{tiquet}/seguidores").json["data"] == [row]
    after = call(tecnico, "GET", tiquet)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])
    (event,) = events("seguidor.creado")
    assert (event.id_usuario, event.id_entidad, event.version_resultante) == (tecnico.id, tecnico.id, None)
    assert event.id_tiquet == before.json["id"]
    assert {c["campo"]: c["nuevo"] for c in event.cambios}["motivo"] == "manual"


def test_without_a_body_one_follows_oneself(client, tecnico, tiquet, followers):
    assert client.post(f"{tiquet}/seguidores", headers=tecnico.headers).status_code == 200
    assert followers(tiquet) == {tecnico.id: "manual"}


def test_an_administrator_adds_and_removes_anybody_of_the_staff(
    call, events, admin, tecnico, tiquet, followers
):
    assert call(admin, "POST", f"{tiquet}/seguidores", {"id_usuario": tecnico.id}).status_code == 200
    assert followers(tiquet) == {tecnico.id: "manual"}

    assert call(admin, "DELETE", f"{tiquet}/seguidores/{tecnico.id}").status_code == 204

    assert followers(tiquet) == {}
    again = call(admin, "DELETE", f"{tiquet}/seguidores/{tecnico.id}")
    assert (again.status_code, again.json["codigo"]) == (404, "seguidor_no_encontrado")
    (event,) = events("seguidor.eliminado")
    assert (event.id_usuario, event.id_entidad) == (admin.id, tecnico.id)


def test_a_technician_adds_and_removes_itself_alone(call, events, admin, tecnico, tiquet, followers):
    call(admin, "POST", f"{tiquet}/seguidores", {})

    for answer in (
        call(tecnico, "POST", f"{tiquet}/seguidores", {"id_usuario": quien("Técnico").id}),
        call(tecnico, "POST", f"{tiquet}/seguidores", {"id_usuario": NADIE}),
        call(tecnico, "DELETE", f"{tiquet}/seguidores/{admin.id}"),
    ):
        assert (answer.status_code, answer.json["permiso"]) == (403, "tiquet.seguir")
    assert call(tecnico, "POST", f"{tiquet}/seguidores", {"id_usuario": tecnico.id}).status_code == 200
    assert followers(tiquet) == {admin.id: "manual", tecnico.id: "manual"}
    assert call(tecnico, "DELETE", f"{tiquet}/seguidores/{tecnico.id}").status_code == 204
    assert followers(tiquet) == {admin.id: "manual"}


def test_who_leaves_what_it_does_not_follow_is_told_the_same_and_leaves_no_event(
    call, events, tecnico, tiquet
):
    call(tecnico, "POST", f"{tiquet}/seguidores/yo")

    answers = [call(tecnico, "DELETE", f"{tiquet}/seguidores/yo") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert len(events("seguidor.eliminado")) == 1


@pytest.mark.parametrize("fields", [{"activo": False}, {"tipo_usuario": "Solicitante"}, None], ids=str)
def test_only_active_staff_follows(call, admin, tiquet, followers, fields):
    id = NADIE if fields is None else UsuarioFactory(**fields).id

    answer = call(admin, "POST", f"{tiquet}/seguidores", {"id_usuario": id})

    assert (answer.status_code, codes(answer)) == (422, {"id_usuario": ["no_es_personal_activo"]})
    assert followers(tiquet) == {}


def test_who_was_deactivated_is_no_follower_until_it_is_back(call, admin, tecnico, tiquet, followers):
    call(tecnico, "POST", f"{tiquet}/seguidores/yo")
    call(admin, "PUT", f"/api/users/{tecnico.id}", {"activo": False})

    assert followers(tiquet) == {}
    assert call(admin, "DELETE", f"{tiquet}/seguidores/{tecnico.id}").status_code == 404
    call(admin, "PUT", f"/api/users/{tecnico.id}", {"activo": True})
    assert followers(tiquet) == {tecnico.id: "manual"}


def test_opening_a_ticket_and_being_given_it_make_followers_without_events_of_their_own(
    call, events, admin, tecnico, followers
):
    other = quien("Técnico")
    own = call(tecnico, "POST", TICKETS, NUEVO)
    given = call(admin, "POST", TICKETS, NUEVO | {"id_usuario_asignado": tecnico.id})
    taken = call(tecnico, "POST", TICKETS, NUEVO | {"id_usuario_asignado": tecnico.id})

    assert followers(own.headers["Location"]) == {tecnico.id: "creador"}
    assert followers(given.headers["Location"]) == {admin.id: "creador", tecnico.id: "asignado"}
    assert followers(taken.headers["Location"]) == {tecnico.id: "creador"}
    path = own.headers["Location"]
    call(tecnico, "POST", f"{path}/asignar", {"id_usuario": other.id})
    call(admin, "PUT", path, {"id_usuario_asignado": admin.id})
    assert followers(path) == {tecnico.id: "creador", other.id: "asignado", admin.id: "asignado"}
    assert events("seguidor.creado") == []


def test_whoever_resolves_what_nobody_has_follows_it(call, tecnico, tiquet, followers):
    call(tecnico, "POST", f"{tiquet}/transiciones", {"accion": "resolver", "resolucion": "Se cambió"})

    assert followers(tiquet) == {tecnico.id: "asignado"}


def test_unfollowing_is_remembered_only_until_the_next_reason(call, admin, tecnico, tiquet, followers):
    call(tecnico, "POST", f"{tiquet}/tomar")
    call(tecnico, "DELETE", f"{tiquet}/seguidores/yo")
    call(tecnico, "PUT", tiquet, {"titulo": "Otro título"})
    assert followers(tiquet) == {}

    call(admin, "POST", f"{tiquet}/comentarios", {"mensaje": f"@{tecnico.email}"})

    assert followers(tiquet) == {tecnico.id: "mencion"}


# Mentions


def test_who_is_called_in_a_comment_follows_with_an_event(call, events, admin, tecnico, tiquet, followers):
    other = quien("Administrador", email="josé.ñ@example.org")

    for mensaje, es_interno in (
        (f"@{tecnico.email.upper()}, ¿lo ves?", True),
        ("Gracias @JOSÉ.Ñ@example.org.", False),
    ):
        body = {"mensaje": mensaje, "es_interno": es_interno}
        assert call(admin, "POST", f"{tiquet}/comentarios", body).json["mensaje"] == mensaje

    assert followers(tiquet) == {tecnico.id: "mencion", other.id: "mencion"}
    assert [(e.id_usuario, e.id_entidad) for e in events("seguidor.creado")] == [
        (admin.id, tecnico.id),
        (admin.id, other.id),
    ]
    assert call(admin, "GET", tiquet).json["version"] == 1


def test_whoever_is_no_active_staff_is_plain_text_and_the_answer_is_the_same(
    call, events, tecnico, tiquet, followers
):
    there = UsuarioFactory().email
    gone, asking = UsuarioFactory(activo=False).email, UsuarioFactory(tipo_usuario="Solicitante").email

    def say(email):
        answer = call(tecnico, "POST", f"{tiquet}/comentarios", {"mensaje": f"@{email}"})
        told = {k: v for k, v in answer.json.items() if k not in ("id", "mensaje", "fecha_creacion")}
        return answer.status_code, set(answer.headers.keys()), told

    nobody = say("nadie@example.org")
    assert say(gone) == say(asking) == nobody
    assert events("seguidor.creado") == []
    assert say(there) == nobody
    assert len(followers(tiquet)) == 1


def test_an_edited_comment_calls_those_it_did_not_call_before(
    call, events, admin, tecnico, tiquet, followers
):
    other = quien("Técnico")
    path = call(admin, "POST", f"{tiquet}/comentarios", {"mensaje": f"@{tecnico.email}"}).headers["Location"]
    call(tecnico, "DELETE", f"{tiquet}/seguidores/yo")

    call(admin, "PUT", path, {"mensaje": f"@{tecnico.email} y @{other.email}"})
    call(admin, "PUT", path, {"mensaje": f"@{tecnico.email} y @{other.email}"})

    assert followers(tiquet) == {other.id: "mencion"}
    assert len(events("seguidor.creado")) == 2


@pytest.mark.parametrize(
    ("mensaje", "emails"),
    [
        ("@ana@example.org", ["ana@example.org"]),
        ("Hola, @ana@example.org: mira", ["ana@example.org"]),
        ("(@ana@example.org)", ["ana@example.org"]),
        ("«@ana@example.org»…", ["ana@example.org"]),
        ("¿Y **@ana@example.org**?", ["ana@example.org"]),
        ("@ana@example.org.", ["ana@example.org"]),
        ("@ana@example.org...", ["ana@example.org"]),
        ("@ana@example.org!\n@Bea@Example.ORG\t", ["ana@example.org", "bea@example.org"]),
        ("@ana@example.org,@bea@example.org", ["ana@example.org", "bea@example.org"]),
        ("@ana@example.org @ANA@example.org", ["ana@example.org"]),
        ("@a.b+c'd@sub.example.org", ["a.b+c'd@sub.example.org"]),
        ("@JOSÉ@example.org", ["josé@example.org"]),
        ("ana@example.org", []),
        ("de ana@bea@example.org", []),
        ("@ana", []),
        ("@ana@localhost", []),
        ("@ ana@example.org", []),
        ("@@", []),
        ("@!@..!", []),
        ("@" + "x" * 65 + "@example.org", []),
    ],
)  # fmt: skip
def test_an_address_is_told_from_what_stands_around_it(mensaje, emails):
    assert mentioned(mensaje) == emails


@pytest.mark.parametrize("part", ["@", "@a", "@a@", "@a@b.", "@!", "!@x@y", "@a@b!.!", "@a@b.c"])
def test_no_text_takes_long_to_read(part):
    assert len(mentioned((part * 10_000)[:10_000])) <= 1


def test_a_comment_calls_so_many_and_takes_as_many_statements_for_one_as_for_all(
    client, admin, tiquet, followers
):
    called = [UsuarioFactory().email for _ in range(MAX + 1)]
    client.post(f"{tiquet}/comentarios", json={"mensaje": "Nada"}, headers=admin.headers)

    def statements(emails):
        with noted() as found:
            body = {"mensaje": "Hola " + " ".join(f"@{email}" for email in emails)}
            client.post(f"{tiquet}/comentarios", json=body, headers=admin.headers)
        return [s for s, _ in found if "Log_transaccional" not in s]

    one, all_of_them = statements(called[:1]), statements(called)
    assert len(one) == len(all_of_them) == len(statements([])) + 3
    assert len(followers(tiquet)) == MAX


# Races and what becomes of them


def test_of_many_reasons_at_once_one_stays_and_nobody_is_refused(committed):
    id, admin, tecnico = factories.tiquet(), quien("Administrador"), quien("Técnico")
    path = f"{TICKETS}/{id}"
    calls = [
        (tecnico, "POST", f"{path}/seguidores/yo", {}),
        (admin, "POST", f"{path}/seguidores", {"id_usuario": tecnico.id}),
        (admin, "POST", f"{path}/comentarios", {"mensaje": f"@{tecnico.email}"}),
        (admin, "PUT", path, {"id_usuario_asignado": tecnico.id}),
        (tecnico, "POST", f"{path}/tomar", {}),
    ]

    def work(number):
        who, method, address, body = calls[number % len(calls)]
        return committed.test_client().open(address, method=method, json=body, headers=who.headers)

    answers = at_once(15, work)

    assert Counter(answer.status_code for answer in answers) == {200: 12, 201: 3}
    db.session.rollback()
    assert db.session.query(Seguidores).filter_by(id_tiquet=id, id_usuario=tecnico.id).count() == 1
    listed = committed.test_client().get(f"{path}/seguidores", headers=admin.headers).json["data"]
    assert [row["id_usuario"] for row in listed] == [tecnico.id]


def test_a_ticket_that_is_purged_takes_its_followers_along(session):
    gone, kept = (factories.tiquet(fecha_eliminacion=days_ago(days)) for days in (90, 89))
    who = UsuarioFactory().id
    for id in (gone, kept):
        db.session.add(Seguidores(id_tiquet=id, id_usuario=who, motivo="manual", fecha_creacion=utcnow()))
    db.session.commit()

    assert maintenance.maintain()["purgados"] == 1

    assert [row.id_tiquet for row in db.session.query(Seguidores)] == [kept]
