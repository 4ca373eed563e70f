"""Service tokens: what each scope opens, how they begin and end, and that nobody else learns them."""

import logging
import secrets
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import update

from app import transaction
from app.extensions import db
from app.models import LogTransaccional, TokenServicio, Usuario, utcnow
from app.permissions import ALCANCE_DE, ALCANCES, POLITICA, TODOS, Permiso
from app.services.access.tokens import note_use
from tests import factories
from tests.client import Form, codes, operations
from tests.factories import NUEVO, programa, quien, tiquet
from tests.gunicorn import gunicorn, prepared
from tests.statements import noted
from tests.test_matrix import World
from tests.world import (
    AUTH,
    TIQUETS,
    between_requests,
    events_after,
    last_event,
    snapshot,
    success_of,
    undone,
)

TOKENS = f"{AUTH}tokens"
CATALOGOS = "/api/tickets/catalogos"
NEVER = {
    *("propio", "usuario.administrar", "auditoria.ver", "token.administrar", "cambio.pedir_pase"),
    *("persona.exportar", "persona.anonimizar"),
    "webhook.administrar",
}
LEER = {"nombre": "Panel", "alcances": ["catalogos:leer"]}

# Scope -> what it opens; the README's table, written again so that none widens unseen.
OPENS = {
    "tickets:leer": {
        *("tiquet.ver", "tiquet.ver_seguidores", "tiquet.ver_papelera", "tiquet.exportar"),
        *("comentario.ver", "adjunto.ver", "vista.ver", "relacion.ver"),
    },
    "tickets:escribir": {
        *("tiquet.crear", "tiquet.editar", "tiquet.mover", "tiquet.gestionar", "tiquet.eliminar"),
        *("tiquet.asignar", "tiquet.fusionar", "tiquet.seguir", "tiquet.reabrir_cerrado", "tiquet.restaurar"),
        *("comentario.crear", "comentario.editar", "comentario.eliminar", "adjunto.crear"),
        *("adjunto.eliminar", "vista.crear", "vista.editar", "relacion.editar"),
    },
    "tickets:importar": {"tiquet.importar"},
    "comentarios:internos": {"comentario.interno", "tiquet.ver_historial"},
    "catalogos:leer": {"catalogo.ver", "catalogo.ver_inactivo"},
    "catalogos:escribir": {"catalogo.administrar"},
    "personas:leer": {"persona.ver"},
    "personas:escribir": {"persona.editar", "persona.eliminar"},
    "usuarios:leer": {"usuario.ver", "usuario.ver_datos"},
    "cambios:leer": {"cambio.ver"},
    "correo:recibir": {"correo.recibir"},
}

# Operation -> the scope that it needs beside: what is restored is first seen in the trash.
ALSO = {
    f"POST {TIQUETS}/{{id}}/restaurar": "tickets:leer",
}


def made(client, owner, body=LEER):
    answer = client.post(TOKENS, json=body, headers=owner.headers)
    assert answer.status_code == 201, answer.json
    return answer.json


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def status(client, token, path=CATALOGOS):
    return client.get(path, headers=bearer(token)).status_code


def stored(**values):
    db.session.execute(update(TokenServicio).values(**values))
    db.session.commit()


def last_use(id):
    with between_requests():
        return db.session.scalar(sa.select(TokenServicio.ultimo_uso).where(TokenServicio.id == id))


def test_every_permission_is_in_one_scope_or_never_a_tokens():
    scoped = [permiso for some in ALCANCES.values() for permiso in some]

    assert len(scoped) == len(set(scoped)) == len(ALCANCE_DE)
    assert {permiso.value for permiso in set(POLITICA) - set(scoped)} == NEVER


def test_each_scope_opens_what_the_readme_says():
    assert {alcance: {permiso.value for permiso in some} for alcance, some in ALCANCES.items()} == OPENS


def expected_of(operation, about, role, alcance):
    """With which code a program of this one scope is refused, for its role or what it lacks, and that."""
    permiso = Permiso(about["x-permiso"])
    if role not in POLITICA[permiso][0]:
        return "permiso_denegado", None
    needed = ALCANCE_DE.get(permiso)
    if needed is None:
        return "solo_con_sesion", None
    needed = ALSO.get(operation) if needed == alcance else needed
    return ("alcance_insuficiente", needed) if needed else (None, None)


@pytest.mark.parametrize("alcance", ALCANCES)
@pytest.mark.parametrize("role", ["Administrador", "Técnico"])
def test_a_scope_alone_opens_what_its_permissions_open_to_the_role_and_nothing_else(
    app, client, session, role, alcance
):
    world, wrong, opened = World(role), {}, 0
    program, documents = programa(world.yo.id, alcance), dict(operations(app))
    # Of each operation the first call that the owner's session could make, or any where there is none.
    visits = {}
    for visit in sorted(world.visits(app), key=lambda visit: visit.codigo is not None):
        visits.setdefault(visit.operation, visit)
    for operation, visit in visits.items():
        about = documents[operation]
        if "x-permiso" not in about:
            continue  # Nobody is asked who it is, or only for a refresh token.
        expected = expected_of(operation, about, role, alcance)
        with undone():
            answer = client.open(
                visit.path, method=operation.split()[0], json=visit.body, headers=program.headers
            )
        refused = answer.json if answer.status_code >= 400 else {}
        status = 403 if expected[0] else success_of(about)
        told = answer.status_code, refused.get("codigo"), refused.get("alcance")
        if told != (status, *expected):
            wrong[operation] = (told, (status, *expected))
        opened += answer.status_code < 300

    assert wrong == {}
    assert bool(opened) == any(role in POLITICA[permiso][0] for permiso in ALCANCES[alcance])


def test_with_all_scopes_there_is_still_nothing_of_auth(app, client, admin):
    program = programa(admin.id, *ALCANCES)
    own = [operation for operation, about in operations(app) if AUTH in operation and "x-permiso" in about]

    answers = [
        client.open(
            path.replace("{id}", "1" if "tokens" in path else "0" * 32),
            method=method,
            headers=program.headers,
        )
        for method, path in map(str.split, own)
    ]

    assert len(own) > 10
    assert {(answer.status_code, answer.json["codigo"]) for answer in answers} == {(403, "solo_con_sesion")}
    assert client.post(f"{AUTH}refresh", headers=program.headers).status_code == 401


def test_the_token_is_told_once_and_is_nowhere_afterwards(client, admin, caplog):
    caplog.set_level(logging.DEBUG)
    first = client.post(TOKENS, json=LEER, headers=admin.headers)
    token, id = first.json["token"], first.json["id"]
    assert len(token) == 47
    assert status(client, token) == 200
    assert client.get(TIQUETS, headers=bearer(token)).status_code == 403

    address = f"{TOKENS}/{id}"
    one, page = (client.get(path, headers=admin.headers) for path in (address, TOKENS))

    assert first.headers["Location"] == address
    assert one.json | {"token": token, "ultimo_uso": None} == first.json
    assert page.json["data"] == [one.json]
    everywhere = [one.text, page.text, repr(snapshot()), caplog.text]
    assert [text for text in everywhere if token in text or token.removeprefix("spt_") in text] == []
    huella = db.session.scalars(sa.select(TokenServicio.huella)).one()
    assert [text for text in (*everywhere[:2], repr(events_after(0)), caplog.text) if huella in text] == []


def test_a_program_acts_as_its_owner_and_its_events_name_the_token(client, tecnico):
    program = programa(tecnico.id, "tickets:escribir")
    mark = last_event()

    created = client.post(TIQUETS, json=NUEVO, headers=program.headers).json

    event, *_ = events_after(mark)
    assert created["id_usuario_creador"] == event["id_usuario"] == tecnico.id
    assert (event["tipo_actor"], event["origen"]) == ("token", f"token {program.id_token}")
    assert {ALCANCE_DE[Permiso(name)] for name in created["permisos"]} == {"tickets:escribir"}


def test_without_their_scope_internal_comments_are_not_seen_nor_written_nor_made_public(client, tecnico):
    id = tiquet()
    path = f"{TIQUETS}/{id}/comentarios"
    client.post(path, json={"mensaje": "Solo para el personal"}, headers=tecnico.headers)
    client.post(path, json={"mensaje": "Para todos", "es_interno": False}, headers=tecnico.headers)
    some = programa(tecnico.id, "tickets:leer", "tickets:escribir")
    all_of_them = programa(tecnico.id, "tickets:leer", "tickets:escribir", "comentarios:internos")

    def seen(program):
        comments = client.get(path, headers=program.headers).json["data"]
        return [one["mensaje"] for one in comments], client.get(
            f"{TIQUETS}/{id}", headers=program.headers
        ).json

    def say(**more):
        return client.post(path, json={"mensaje": "Hecho"} | more, headers=some.headers)

    messages, ticket = seen(some)
    assert (messages, ticket["numero_comentarios"]) == (["Para todos"], 1)
    assert seen(all_of_them)[1]["numero_comentarios"] == 2
    assert [(say(**more).status_code) for more in ({}, {"es_interno": True}, {"es_interno": False})] == [
        403,
        403,
        201,
    ]
    assert say().json["alcance"] == "comentarios:internos"
    assert seen(all_of_them)[0] == ["Solo para el personal", "Para todos", "Hecho"]
    for query in ("orden=fecha_actualizacion", "orden=-fecha_actualizacion&id_estado=1", "orden=prioridad"):
        (row,) = client.get(f"{TIQUETS}?{query}", headers=some.headers).json["data"]
        assert row["numero_comentarios"] == 2


@pytest.mark.parametrize("vence", [{}, {"vence": None}])
def test_it_is_good_for_a_year_unless_told(client, session, vence):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        token = made(client, quien("Técnico"), LEER | vence)
    assert token["vence"] == "2027-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("vence", "status"),
    [
        ("2026-03-01T12:00:00Z", 422),
        ("2026-03-01T12:00:01Z", 201),
        ("2028-02-29T12:00:00Z", 201),
        ("2028-02-29T12:00:01Z", 422),
    ],
)
def test_it_is_good_until_when_it_is_told_to_in_the_future_and_in_two_years(client, session, vence, status):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        answer = client.post(TOKENS, json=LEER | {"vence": vence}, headers=quien("Técnico").headers)

    assert answer.status_code == status
    if status == 201:
        assert answer.json["vence"] == vence
    else:
        assert codes(answer) == {"vence": ["fuera_de_plazo"]}
        assert "730 días" in answer.json["errores"]["vence"][0]["mensaje"]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (TokenServicio, {"vence": utcnow() - timedelta(seconds=1)}),
        (Usuario, {"activo": False}),
        (Usuario, {"tipo_usuario": "Solicitante"}),
    ],
)
def test_it_ends_at_once_when_it_expires_and_with_its_owner(client, admin, table, values):
    token = made(client, admin)["token"]
    assert status(client, token) == 200

    db.session.execute(update(table).values(**values))
    db.session.commit()

    answer = client.get(CATALOGOS, headers=bearer(token))
    assert (answer.status_code, answer.json["codigo"]) == (401, "token_invalido")


def test_of_an_owner_whose_password_is_temporary_it_waits(client, tecnico):
    program = programa(tecnico.id, "catalogos:leer")
    db.session.execute(update(Usuario).values(debe_cambiar_clave=True))
    db.session.commit()

    answer = client.get(CATALOGOS, headers=program.headers)

    assert (answer.status_code, answer.json["codigo"]) == (403, "cambio_de_clave_requerido")


def test_a_revoked_one_is_refused_and_others_go_on(client, admin, tecnico):
    first, second = (made(client, admin) for _ in range(2))
    theirs = made(client, tecnico)

    for id, expected in ((theirs["id"], 404), (first["id"], 204), (first["id"], 404)):
        assert client.delete(f"{TOKENS}/{id}", headers=admin.headers).status_code == expected

    assert [status(client, one["token"]) for one in (first, second, theirs)] == [401, 200, 200]


def test_it_is_revoked_on_every_worker_at_once(fresh_database, without_app):
    with prepared(fresh_database):
        somebody = quien("Técnico")
    with gunicorn(fresh_database) as server:
        token = server.ask("POST", TOKENS, LEER, **somebody.headers).json
        before = {server.ask("GET", CATALOGOS, **bearer(token["token"])).status for _ in range(20)}
        assert server.ask("DELETE", f"{TOKENS}/{token['id']}", **somebody.headers).status == 204

        after = {server.ask("GET", CATALOGOS, **bearer(token["token"])).status for _ in range(40)}
        written = server.written()

    assert (before, after) == ({200}, {401})
    assert token["token"] not in written


def test_wrong_tokens_are_401(client, admin):
    good = made(client, admin)["token"]
    wrong = [f"spt_{secrets.token_urlsafe(32)}" for _ in range(500)]
    wrong += [
        good[:-1],
        good + "A",
        good.swapcase(),
        "spt_",
        f"spt_{'é' * 43}",
        good + " x",
        good + "," + good,
    ]

    with noted() as statements:
        answers = [client.get(CATALOGOS, headers=bearer(token)) for token in wrong]

    assert {(answer.status_code, answer.json["codigo"]) for answer in answers} == {(401, "token_invalido")}
    assert len(statements) <= 502  # What does not have the form is not looked up.


def test_one_statement_tells_who_calls(client, admin):
    token = made(client, admin)["token"]
    status(client, token)

    with noted() as statements:
        assert status(client, token) == 200

    assert len(statements) == 1, statements


def test_who_calls_is_read_within_the_time_of_the_request(client, tecnico, monkeypatch):
    program = programa(tecnico.id, "catalogos:leer")
    monkeypatch.setattr(transaction, "LIMIT", None)  # What a read takes that is told no end.

    answers = [client.get(CATALOGOS, headers=who.headers) for who in (tecnico, program)]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_last_use_is_noted_once_a_minute_and_changes_no_version(client, session):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        owner = quien("Técnico")
        token = made(client, owner)
        for seconds, expected in ((0, "12:00:00"), (59, "12:00:00"), (2, "12:01:01"), (600, "12:11:01")):
            clock.shift(seconds)
            assert status(client, token["token"]) == 200
            assert str(last_use(token["id"]).time()) == expected
        shown = client.get(f"{TOKENS}/{token['id']}", headers=owner.headers).json
    assert shown["version"] == token["version"]


def test_what_another_worker_has_just_noted_is_not_noted_again(session):
    used = utcnow() - timedelta(seconds=30)
    program = programa(quien("Técnico").id, "catalogos:leer", ultimo_uso=used)

    note_use(program.id_token, None)  # It saw the token before the other had noted it.

    assert last_use(program.id_token) == used


@pytest.mark.alone
def test_noting_the_last_use_waits_for_nobody(committed):
    client, owner = committed.test_client(), quien("Técnico")
    program = programa(owner.id, "catalogos:leer", ultimo_uso=None)
    db.session.remove()
    clock = LogTransaccional.__table__  # any table: SQLite has one writer for all
    with db.engine.connect() as other:
        other.execution_options(begin="IMMEDIATE")
        row = sa.select(TokenServicio.id).where(TokenServicio.id == program.id_token)
        other.execute(row.with_for_update())
        other.execute(clock.delete().where(clock.c.id == -1))
        start = utcnow()
        answer = client.get(CATALOGOS, headers=program.headers)
        took = (utcnow() - start).total_seconds()
        other.rollback()
    missed = last_use(program.id_token)
    again = client.get(CATALOGOS, headers=program.headers)

    assert (answer.status_code, missed, again.status_code) == (200, None, 200)
    assert took < 0.9  # a lock wait is a second at least
    assert last_use(program.id_token) is not None


def test_the_policy_for_tokens_is_of_staff():
    assert POLITICA[Permiso.ADMINISTRAR_TOKEN][0] == tuple(role for role in TODOS if role != "Solicitante")


def test_whoever_lists_its_tokens_sees_its_own_only(client, admin, tecnico):
    factories.TokenFactory(id_usuario=tecnico.id)

    assert client.get(TOKENS, headers=admin.headers).json["data"] == []
    assert len(client.get(TOKENS, headers=tecnico.headers).json["data"]) == 1


def test_the_feed_tells_a_program_nothing_of_internal_comments_unless_it_may_see_them(client, session, call):
    tecnico = quien("Técnico")
    path = f"{TIQUETS}/{tiquet()}"
    ids = [programa(tecnico.id, "cambios:leer", *more) for more in ((), ("comentarios:internos",))]
    db.session.remove()
    internal = call(tecnico, "POST", f"{path}/comentarios", {"mensaje": "secreto uno"}).json["id"]
    call(tecnico, "PUT", f"{path}/comentarios/{internal}", {"mensaje": "secreto dos"})
    form = Form(archivo=("secreto.txt", b"tres"), id_comentario=internal)
    assert client.post(f"{path}/adjuntos", json=form, headers=tecnico.headers).status_code == 201
    call(tecnico, "DELETE", f"{path}/comentarios/{internal}")
    call(tecnico, "POST", f"{path}/comentarios", {"mensaje": "para todos", "es_interno": False})

    without, within = (client.get("/api/cambios", headers=one.headers).get_data(as_text=True) for one in ids)

    assert ("secreto" in without, "para todos" in without) == (False, True)
    assert ("secreto uno" in within, "secreto dos" in within, "secreto.txt" in within) == (True,) * 3


def test_a_pass_is_for_sessions(client, session):
    program = programa(quien("Técnico").id, "cambios:leer")

    answer = client.post("/api/cambios/pase", headers=program.headers)

    assert (answer.status_code, answer.json["codigo"]) == (403, "solo_con_sesion")
