"""What everybody may do to its own account: the profile and the password."""

import hashlib
from collections import Counter

import pytest

from app.extensions import db
from app.models import Usuario
from tests import factories
from tests.client import codes
from tests.factories import CLAVE
from tests.threads import at_once

ME = "/api/auth/me"
PASSWORD = "/api/auth/me/password"
NUEVA = "tres tigres en el trigal"
PROPIOS = {"nombre", "apellido", "telefono", "idioma", "preferencias"}
COLUMNAS = {column.key for column in Usuario.__table__.columns}
AJENOS = sorted(COLUMNAS - PROPIOS)
OCULTOS = {"password_hash", "busqueda"}


def login(call, email, password=CLAVE):
    return call(None, "POST", "/api/auth/login", {"email": email, "password": password})


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_own_profile_can_be_read_edited_and_sent_back_whole(call, events, tecnico, method):
    shown = call(tecnico, "GET", ME)
    wanted = {
        "nombre": "Íñigo",
        "apellido": "Ñáñez",
        "telefono": "555 0101",
        "idioma": "en",
        "preferencias": {"tema": "oscuro", "columnas": ["numero", "titulo"], "filas": 20},
    }

    answer = call(tecnico, method, ME, shown.json | wanted, If_Match=shown.headers["ETag"])

    assert answer.status_code == 200, answer.json
    assert answer.json == shown.json | wanted | {"version": 2}
    assert call(tecnico, "GET", ME).json == answer.json
    (event,) = events("usuario.actualizado")
    assert (event.id_usuario, event.id_entidad, event.version_resultante) == (tecnico.id, tecnico.id, 2)
    assert {change["campo"] for change in event.cambios} == set(wanted)


def test_a_profile_that_is_sent_as_it_is_stays_as_it_is(call, events, tecnico):
    shown = call(tecnico, "GET", ME)

    answer = call(tecnico, "PUT", ME, shown.json)

    assert (answer.json, answer.headers["ETag"]) == (shown.json, shown.headers["ETag"])
    assert events("usuario.actualizado") == []


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", None, [True], [1], {"1": 1}])
def test_a_preference_comes_back_as_what_it_was_sent(call, events, tecnico, value):
    """Python takes ``True``, ``1`` and ``1.0`` for the same; whoever reads JSON does not."""
    for before in ([1], True, 1):
        call(tecnico, "PUT", ME, {"preferencias": {"a": before}})

    answer = call(tecnico, "PUT", ME, {"preferencias": {"a": value}})

    assert repr(answer.json["preferencias"]) == repr({"a": value})
    assert repr(call(tecnico, "GET", ME).json["preferencias"]) == repr({"a": value})
    last = events("usuario.actualizado")[-1].cambios[-1]
    assert repr(last["nuevo"]) == repr({"a": value})


@pytest.mark.parametrize(
    ("field", "value", "codigo"),
    [
        ("nombre", None, "nulo"),
        ("nombre", "  ", "longitud"),
        ("apellido", "x" * 121, "longitud"),
        ("telefono", "5" * 41, "longitud"),
        ("telefono", "555\u202e0101", "caracteres"),
        ("idioma", "fr", "opcion"),
        ("preferencias", [], "tipo"),
        ("preferencias", {"a": "x" * 4000}, "demasiado_grande"),
    ],
)
def test_a_faulty_field_of_the_profile_is_named(call, tecnico, field, value, codigo):
    answer = call(tecnico, "PUT", ME, {field: value})

    assert (answer.status_code, codes(answer)) == (422, {field: [codigo]})


@pytest.mark.parametrize("column", AJENOS)
def test_nobody_changes_more_of_itself_than_its_profile(call, tecnico, column):
    shown = call(tecnico, "GET", ME).json
    codigo = "desconocido" if column in OCULTOS else "solo_lectura"

    for value in ("Administrador", 987, False, None if shown.get(column) is not None else []):
        if value == shown.get(column) and type(value) is type(shown.get(column)):
            continue
        answer = call(tecnico, "PUT", ME, {"nombre": "Otra", column: value})
        assert (answer.status_code, codes(answer)) == (422, {column: [codigo]})
    assert call(tecnico, "GET", ME).json == shown


def test_a_profile_that_changed_meanwhile_is_told_with_who_and_what(call, admin, tecnico):
    etag = call(tecnico, "GET", ME).headers["ETag"]
    call(admin, "PUT", f"/api/users/{tecnico.id}", {"telefono": "555 0102"})

    answer = call(tecnico, "PUT", ME, {"telefono": "555 0103"}, If_Match=etag)

    assert (answer.status_code, answer.json["version_actual"], answer.json["campos"]) == (
        412,
        2,
        ["telefono"],
    )
    assert answer.json["modificado_por"]["id"] == admin.id


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(call, events, tecnico):
    _, other = factories.signed_in(tecnico.id)
    stranger = factories.quien("Técnico")
    body = {"password_actual": CLAVE, "password_nuevo": NUEVA}

    answer = call(tecnico, "POST", PASSWORD, body)

    assert (answer.status_code, answer.data) == (204, b"")
    assert call(tecnico, "GET", ME).json["version"] == 2
    assert call(None, "GET", ME, **other).json["codigo"] == "sesion_terminada"
    assert call(stranger, "GET", ME).status_code == 200
    assert login(call, tecnico.email).status_code == 401
    assert login(call, tecnico.email, NUEVA).status_code == 200
    (event,) = events("usuario.clave_cambiada")
    assert (event.id_usuario, event.id_entidad, event.cambios) == (tecnico.id, tecnico.id, [])


def test_a_wrong_present_password_is_refused_and_remembered(call, events, tecnico):
    _, other = factories.signed_in(tecnico.id)

    answer = call(tecnico, "POST", PASSWORD, {"password_actual": "no es esta", "password_nuevo": NUEVA})

    assert (answer.status_code, answer.json["codigo"]) == (403, "clave_actual_incorrecta")
    (event,) = events("acceso.denegado")
    told = {change["campo"]: change["nuevo"] for change in event.cambios}
    assert event.id_usuario == tecnico.id
    assert told["motivo"] == "clave_actual_incorrecta"
    assert told["peticion"] == f"POST {PASSWORD}"
    assert "no es esta" not in str(event.cambios)
    assert NUEVA not in str(event.cambios)
    assert call(None, "GET", ME, **other).status_code == 200
    assert call(tecnico, "GET", ME).json["version"] == 1


@pytest.mark.parametrize(
    ("nueva", "codigo"),
    [
        ("x" * 9, "longitud"),
        ("x" * 129, "longitud"),
        ("Secret123", "longitud"),
        ("ANA.PAZ@example.org", "clave_parecida"),
        (CLAVE, "clave_repetida"),
        (1234567890, "tipo"),
    ],
)
def test_a_poor_new_password_is_refused_at_its_field(call, nueva, codigo):
    ana = factories.quien("Técnico", email="ana.paz@example.org")

    answer = call(ana, "POST", PASSWORD, {"password_actual": CLAVE, "password_nuevo": nueva})

    assert answer.status_code == 422
    assert codigo in codes(answer)["password_nuevo"]
    assert set(codes(answer)) == {"password_nuevo"}


def test_a_password_of_an_older_database_can_be_changed_too(call):
    old = hashlib.sha256(CLAVE.encode()).hexdigest()
    quien = factories.quien("Técnico", password_hash=old)

    answer = call(quien, "POST", PASSWORD, {"password_actual": CLAVE, "password_nuevo": NUEVA})

    assert answer.status_code == 204
    assert db.session.get(Usuario, quien.id, populate_existing=True).password_hash.startswith("$argon2id$")


def test_of_two_who_change_the_same_password_at_once_one_wins(committed, events):
    quien = factories.quien("Técnico")
    body = {"password_actual": CLAVE}

    def work(number):
        new = body | {"password_nuevo": f"{NUEVA} {number}"}
        return committed.test_client().post(PASSWORD, json=new, headers=quien.headers)

    answers = at_once(2, work)

    assert Counter(answer.status_code for answer in answers) in ({204: 1, 409: 1}, {204: 1, 403: 1})
    assert len(events("usuario.clave_cambiada")) == 1
