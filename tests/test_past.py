"""A ticket as it was: whatever happened since, each instant is answered as it was then."""

import json
from datetime import UTC, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extensions import db
from app.models import LogTransaccional, Tiquet, utcnow
from app.queries.desk import past
from tests import factories
from tests.client import Form, codes
from tests.factories import NUEVO, quien
from tests.statements import noted
from tests.world import TIQUETS, undone

# What can be done to a ticket is done to the present one.
OF_NOW = {"permisos": [], "transiciones_permitidas": []}
TEXTS = st.sampled_from(["Uno", "Otro", "=1+1", "ñandú 😀", "a\nb"])


def instant(moment):
    return f"{moment.isoformat()}Z"


@pytest.fixture
def at(client, tecnico):
    """A ticket at an instant, as somebody sees it."""

    def at(id, moment, who=tecnico, **headers):
        query = {"al": moment if isinstance(moment, str) else instant(moment)}
        return client.get(f"{TIQUETS}/{id}", query_string=query, headers=who.headers | headers)

    return at


@pytest.fixture
def opened(client, tecnico):
    db.session.remove()
    return client.post(TIQUETS, json=NUEVO, headers=tecnico.headers).json


def change(client, who, id, **changes):
    answer = client.put(f"{TIQUETS}/{id}", json=changes, headers=who.headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def same(answer, then):
    """Whether an answer is what was read then; the clock of the log is a little behind the ticket's."""
    assert answer.status_code == 200, answer.json
    return answer.json | {"fecha_actualizacion": None} == then | OF_NOW | {"fecha_actualizacion": None}


# Anything that can be done to a ticket, as somebody; it may be refused.
STEPS = st.one_of(
    st.tuples(
        st.just("PUT"),
        st.just(""),
        st.fixed_dictionaries(
            {},
            optional={
                "titulo": st.sampled_from(["Uno y otro", "Otro más"]),
                "descripcion": TEXTS,
                "etiquetas": st.lists(st.sampled_from(["red", "vpn"]), max_size=2),
                "telefono_contacto": st.none() | TEXTS.filter(str.isprintable),
                "resolucion": st.none() | TEXTS,
                "id_estado": st.integers(1, 7),
                "id_prioridad": st.integers(1, 4),
                "id_problema": st.none() | st.just(2),
                "id_usuario_asignado": st.none() | st.just("<yo>"),
                "id_cliente": st.none() | st.just("<cliente>"),
            },
        ),
    ),
    st.tuples(
        st.just("POST"),
        st.just("/transiciones"),
        st.sampled_from(
            [
                {"accion": "pedir_datos"},
                {"accion": "responder"},
                {"accion": "resolver", "resolucion": "Listo"},
                {"accion": "cerrar"},
                {"accion": "reabrir"},
                {"accion": "cancelar", "motivo": "No hace falta"},
            ]
        ),
    ),
    st.tuples(st.just("POST"), st.sampled_from(["/tomar", "/soltar", "/restaurar"]), st.just({})),
    st.tuples(
        st.just("POST"),
        st.just("/comentarios"),
        st.fixed_dictionaries({"mensaje": TEXTS, "es_interno": st.booleans()}),
    ),
    st.tuples(st.just("DELETE"), st.just(""), st.none()),
    st.tuples(st.just("DELETE"), st.just("/comentarios/<comentario>"), st.none()),
    st.tuples(st.just("POST"), st.just("/adjuntos"), st.just(Form(archivo=("a.txt", b"a")))),
    st.tuples(st.just("POST"), st.just("/relaciones"), st.just({"tipo": "hijo", "id_tiquet": "<otro>"})),
    st.tuples(st.just("POST"), st.just("/fusionar"), st.just({"id_destino": "<otro>"})),
    st.tuples(st.just("FUSE"), st.just(""), st.none()),  # another one into it
)


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.tuples(STEPS, st.sampled_from([1, 1_000, 60_000_000])), min_size=1, max_size=12))
def test_each_instant_is_answered_as_it_was_then(client, session, at, steps):
    start = utcnow().replace(tzinfo=UTC)
    with undone(), time_machine.travel(start, tick=False) as clock:
        who = quien("Administrador")
        words = {"<yo>": who.id, "<cliente>": factories.ClienteFactory().id}
        db.session.remove()
        words["<otro>"] = client.post(TIQUETS, json=NUEVO, headers=who.headers).json["id"]
        id = client.post(TIQUETS, json=NUEVO, headers=who.headers).json["id"]
        path, seen = f"{TIQUETS}/{id}", []

        def look():
            seen.append((utcnow(), client.get(path, headers=who.headers)))

        look()
        for (method, below, body), microseconds in steps:
            clock.shift(timedelta(microseconds=microseconds))
            if isinstance(body, dict) and not isinstance(body, Form):
                body = {k: words.get(v, v) if isinstance(v, str) else v for k, v in body.items()}
            where = path + below.replace("<comentario>", str(words.get("<comentario>", 1)))
            if method == "FUSE":
                method, where, body = "POST", f"{TIQUETS}/{words['<otro>']}/fusionar", {"id_destino": id}
            answer = client.open(where, method=method, json=body, headers=who.headers)
            assert answer.status_code < 500
            if below == "/comentarios" and answer.status_code == 201:
                words["<comentario>"] = answer.json["id"]
            look()
        clock.shift(timedelta(seconds=1))
        there_now = seen[-1][1].status_code == 200

        for moment, then in seen:
            answer = at(id, moment, who)
            if not there_now or then.status_code == 404:  # It is, or was, in the trash.
                assert (answer.status_code, answer.json["codigo"]) == (404, "tiquet_no_encontrado")
            else:
                assert answer.json == then.json | OF_NOW
        assert at(id, start.replace(tzinfo=None) - timedelta(microseconds=1), who).status_code == 404


def test_before_it_was_opened_it_was_not_there(at, opened):
    assert at(opened["id"], "2020-01-01T00:00:00Z").status_code == 404
    assert same(at(opened["id"], utcnow()), opened)


def test_what_was_imported_was_here_from_its_import_on(client, at, admin):
    row = NUEVO | {"origen_externo": "x", "id_externo": "1", "fecha_creacion": "2025-01-01T10:00:00Z"}
    db.session.remove()
    sent = Form(archivo=("t", json.dumps(row).encode()))
    id = json.loads(
        client.post(f"{TIQUETS}/importar", json=sent, headers=admin.headers).text.splitlines()[0]
    )["id"]
    then, moment = client.get(f"{TIQUETS}/{id}", headers=admin.headers).json, utcnow()
    change(client, admin, id, titulo="Otro", etiquetas=["red"])

    assert same(at(id, moment), then)
    assert at(id, "2025-06-01T00:00:00Z").status_code == 404


@pytest.mark.parametrize(
    ("al", "codigo"),
    [
        ("2999-01-01T00:00:00Z", "en_el_futuro"),
        ("2026-01-01T00:00:00", "instante"),
        ("2026-01-01", "instante"),
        ("ayer", "instante"),
        ("", "instante"),
    ],
)
def test_no_future_and_no_time_without_an_offset(at, opened, al, codigo):
    answer = at(opened["id"], al)

    assert (answer.status_code, codes(answer)) == (422, {"al": [codigo]})


def test_an_offset_is_heeded(client, at, tecnico, opened):
    moment = utcnow()
    change(client, tecnico, opened["id"], titulo="Otro")
    elsewhere = (moment + timedelta(hours=5, minutes=30)).isoformat()

    assert same(at(opened["id"], f"{elsewhere}+05:30"), opened)


def test_it_is_for_those_who_see_the_history(client, at, admin):
    yo = quien("Solicitante")
    db.session.remove()
    mine = client.post(TIQUETS, json=NUEVO, headers=yo.headers).json["id"]

    answer = at(mine, utcnow(), yo)

    assert (answer.status_code, answer.json["permiso"]) == (403, "tiquet.ver_historial")
    assert client.get(f"{TIQUETS}/{mine}", headers=yo.headers).status_code == 200
    program = factories.programa(admin.id, "tickets:leer")
    db.session.remove()
    assert at(mine, utcnow(), program).json["alcance"] == "comentarios:internos"


def test_what_is_in_the_trash_has_no_past_until_it_is_back(client, at, admin, opened):
    before = utcnow()
    path = f"{TIQUETS}/{opened['id']}"
    client.delete(path, headers=admin.headers)
    meanwhile = utcnow()
    assert at(opened["id"], before).status_code == 404
    client.post(f"{path}/restaurar", json={}, headers=admin.headers)

    assert same(at(opened["id"], before), opened)
    assert at(opened["id"], meanwhile).status_code == 404


def test_the_past_has_a_tag_of_its_own(client, at, tecnico, opened):
    moment = utcnow()
    change(client, tecnico, opened["id"], titulo="Otro")

    answer = at(opened["id"], moment)

    tag = answer.headers["ETag"]
    assert tag.startswith('"1.')
    assert at(opened["id"], moment, If_None_Match="x").status_code == 400
    assert at(opened["id"], moment, **{"If-None-Match": tag}).status_code == 304
    stale = tecnico.headers | {"If-Match": tag}
    assert (
        client.put(f"{TIQUETS}/{opened['id']}", json={"titulo": "Tercero"}, headers=stale).status_code == 412
    )


# What the log does not tell


def unknown(answer):
    return (answer.status_code, answer.json["codigo"]) == (410, "estado_desconocido")


def edit_log(statement):
    db.session.execute(statement)
    db.session.commit()


def test_what_was_emptied_in_the_log_is_not_guessed(tampering, client, at, tecnico, opened):
    first = utcnow()
    change(client, tecnico, opened["id"], titulo="Otro")
    second = utcnow()
    then = change(client, tecnico, opened["id"], id_prioridad=3)
    third = utcnow()
    change(client, tecnico, opened["id"], id_prioridad=4)
    log = LogTransaccional
    edit_log(sa.update(log).where(log.version_resultante == 3).values(cambios=[]))

    assert [unknown(at(opened["id"], moment)) for moment in (first, second)] == [True, True]
    assert same(at(opened["id"], third), then)


def test_what_was_purged_is_not_guessed(tampering, client, at, tecnico, opened):
    first = utcnow()
    then = change(client, tecnico, opened["id"], titulo="Otro")
    second = utcnow()
    change(client, tecnico, opened["id"], titulo="Tercero")
    log = LogTransaccional
    edit_log(sa.delete(log).where(log.id_tiquet == opened["id"], log.version_resultante == 1))
    assert unknown(at(opened["id"], first))
    assert same(at(opened["id"], second), then)

    edit_log(sa.delete(log).where(log.id_tiquet == opened["id"], log.version_resultante == 2))

    assert unknown(at(opened["id"], second))
    assert at(opened["id"], utcnow()).json["titulo"] == "Tercero"


def test_a_gap_in_the_log_is_seen(tampering, client, at, tecnico, opened):
    first = utcnow()
    change(client, tecnico, opened["id"], titulo="Otro")
    change(client, tecnico, opened["id"], id_prioridad=3)
    log = LogTransaccional
    edit_log(sa.delete(log).where(log.id_tiquet == opened["id"], log.version_resultante == 2))

    assert unknown(at(opened["id"], first))


def test_what_was_changed_without_a_trace_is_seen(client, at, tecnico, opened):
    first = utcnow()
    change(client, tecnico, opened["id"], titulo="Otro")
    edit_log(sa.update(Tiquet).where(Tiquet.id == opened["id"]).values(titulo="A escondidas"))

    assert unknown(at(opened["id"], first))


def test_what_no_event_tells_of_at_all_is_not_known(at):
    id = factories.tiquet()
    db.session.remove()

    assert unknown(at(id, utcnow()))


def test_a_row_of_a_catalog_that_is_gone_is_named_as_it_was(tampering, client, at, admin):
    made = {
        "id_categoria": client.post(
            "/api/tickets/categorias", json={"nombre": "Fax"}, headers=admin.headers
        ).json["id"],
        "id_cliente": client.post("/api/clientes", json={"nombre": "Rosa"}, headers=admin.headers).json["id"],
    }
    state = {"nombre": "En estudio", "tipo": "nuevo", "color": "#112233"}
    made["id_estado"] = client.post("/api/tickets/estados", json=state, headers=admin.headers).json["id"]
    then = client.post(TIQUETS, json=NUEVO | made, headers=admin.headers).json
    moment = utcnow()
    change(client, admin, then["id"], id_categoria=1, id_cliente=None, id_estado=1)
    for path in ("tickets/categorias/{id_categoria}", "clientes/{id_cliente}", "tickets/estados/{id_estado}"):
        assert client.delete(f"/api/{path.format(**made)}", headers=admin.headers).status_code == 204

    # Whoever was erased has no name any more.
    assert same(at(then["id"], moment), then | {"cliente": None})

    log = LogTransaccional
    edit_log(sa.update(log).where(log.accion == "categoria.eliminado").values(cambios=[]))
    assert unknown(at(then["id"], moment))


def test_names_are_those_of_now(client, at, admin, tecnico, opened):
    moment = utcnow()
    client.put("/api/tickets/categorias/1", json={"nombre": "Máquinas"}, headers=admin.headers)

    assert at(opened["id"], moment).json["categoria"] == {"id": 1, "nombre": "Máquinas"}


def test_a_long_past_is_read_piece_by_piece_and_a_short_one_in_few_statements(
    client, at, tecnico, opened, monkeypatch
):
    monkeypatch.setattr(past, "PIECE", 3)
    seen = [(utcnow(), opened)]
    for number in range(8):
        seen.append((utcnow(), change(client, tecnico, opened["id"], titulo=f"Título {number}")))
        client.post(
            f"{TIQUETS}/{opened['id']}/comentarios", json={"mensaje": "Nada"}, headers=tecnico.headers
        )

    moments = [(after[0], then) for (_, then), after in pairwise(seen)]
    own = ("titulo", "version")
    assert [[at(opened["id"], moment).json[name] for name in own] for moment, _ in moments] == [
        [then[name] for name in own] for _, then in moments
    ]
    monkeypatch.setattr(past, "PIECE", 200)
    with noted() as statements:
        at(opened["id"], seen[1][0])
    # Who asks, the ticket, its events and whom it names.
    assert len(statements) == 4
