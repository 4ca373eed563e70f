"""Who sees what of whom."""

import pytest

from app.extensions import db
from app.models import Usuario
from tests.factories import HASH, UsuarioFactory
from tests.rows import pages

USERS = "/api/users"
BREVES = {"id", "nombre", "apellido", "tipo_usuario"}


@pytest.fixture
def listed(client):
    """All users on all pages of the list."""

    def listed(quien, limite=200, **query):
        found = pages(client, quien.headers, query, limite, path=USERS)
        return [user for page in found for user in page["data"]]

    return listed


def test_a_technician_sees_four_fields_of_active_users(client, tecnico, listed):
    gone = UsuarioFactory(activo=False).id
    active = {user.id for user in db.session.query(Usuario).filter_by(activo=True)}

    users = listed(tecnico)

    assert {user["id"] for user in users} == active
    assert all(set(user) == BREVES for user in users)
    assert set(client.get(f"{USERS}/{tecnico.id}", headers=tecnico.headers).json) == BREVES
    assert client.get(f"{USERS}/{gone}", headers=tecnico.headers).status_code == 404


def test_an_administrator_sees_everything_of_everybody(client, admin, listed):
    gone = UsuarioFactory(activo=False, telefono="555 0100")

    shown = next(user for user in listed(admin) if user["id"] == gone.id)

    assert shown.items() >= {"email": gone.email, "activo": False, "telefono": "555 0100"}.items()
    assert shown == client.get(f"{USERS}/{gone.id}", headers=admin.headers).json
    assert {user["id"] for user in listed(admin)} == {user.id for user in db.session.query(Usuario)}


@pytest.mark.parametrize("role", ["admin", "tecnico"])
def test_nobody_sees_a_password_or_its_hash(client, request, role):
    quien = request.getfixturevalue(role)

    for path in (USERS, f"{USERS}/{quien.id}", "/api/auth/me"):
        text = client.get(path, headers=quien.headers).text
        assert HASH not in text
        assert "argon2" not in text
        assert "password" not in text


def test_users_are_for_those_who_signed_in(client):
    assert client.get(USERS).status_code == 401
    assert client.get(f"{USERS}/1").status_code == 401


def test_a_user_that_does_not_exist_is_not_found(client, admin):
    missing = client.get(f"{USERS}/2147483647", headers=admin.headers)

    assert (missing.status_code, missing.json["codigo"]) == (404, "usuario_no_encontrado")


def test_users_stand_by_surname_then_name(listed, admin):
    for nombre, apellido in (("Bea", "Aab"), ("Ana", "Aab"), ("Zoe", "Aaa"), ("Ana", "Aab")):
        UsuarioFactory(nombre=nombre, apellido=apellido)

    users = [user for user in listed(admin) if user["apellido"].startswith("Aa")]

    assert [(user["apellido"], user["nombre"]) for user in users[:4]] == [
        ("Aaa", "Zoe"),
        ("Aab", "Ana"),
        ("Aab", "Ana"),
        ("Aab", "Bea"),
    ]
    assert users[1]["id"] < users[2]["id"]


@pytest.mark.parametrize("limite", [1, 2, 3, 7, 200])
def test_pages_of_any_size_show_everybody_once_and_in_one_order(listed, admin, limite):
    for apellido in (
        "Ñuñez",
        "nunez",
        "Núñez",
        "NUNEZ",
        "Zoë",
        "zoe",
        "😀",
        "@arroba",
        "@2026-01-01",
        "",
        " ",
    ):
        UsuarioFactory(nombre="Ana", apellido=apellido)

    assert [user["id"] for user in listed(admin, limite)] == [user["id"] for user in listed(admin)]
    assert len(listed(admin, limite)) == db.session.query(Usuario).count()


def test_the_longest_surname_still_fits_into_a_cursor(listed, admin):
    for _ in range(3):
        UsuarioFactory(nombre="".join(map(chr, range(0x4E00, 0x4E78))), apellido="😀" * 120)

    assert len(listed(admin, 1)) == db.session.query(Usuario).count()


def test_users_can_be_asked_for_by_role(listed, admin, tecnico):
    shown = listed(tecnico, tipo_usuario="Administrador")

    assert admin.id in {user["id"] for user in shown}
    assert {user["tipo_usuario"] for user in shown} == {"Administrador"}


def test_the_total_counts_only_whom_the_caller_sees(client, admin, tecnico):
    UsuarioFactory(activo=False)

    totals = [
        client.get(USERS, headers=quien.headers).json["paginacion"]["total"] for quien in (admin, tecnico)
    ]

    assert totals[0] == totals[1] + 1


@pytest.mark.parametrize("role", ["admin", "tecnico"])
def test_a_user_that_the_caller_has_already_is_not_sent_again(client, request, role):
    quien = request.getfixturevalue(role)
    path = f"{USERS}/{quien.id}"
    etag = client.get(path, headers=quien.headers).headers["ETag"]

    assert client.get(path, headers=quien.headers | {"If-None-Match": etag}).status_code == 304

    db.session.get(Usuario, quien.id).nombre = "Otra"
    db.session.commit()

    assert client.get(path, headers=quien.headers | {"If-None-Match": etag}).status_code == 200
