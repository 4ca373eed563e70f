"""Who sees what of whom."""

import unicodedata

import pytest
from sqlalchemy import update

from app.extensions import db
from app.models import Usuario, UsuarioCategoria
from tests.client import codes
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


# Filters


def test_each_filter_finds_what_is_so(listed, admin):
    there = UsuarioFactory(activo=False, disponible=False, id_ubicacion=9, email="rosa@example.org").id
    db.session.add(UsuarioCategoria(id_usuario=there, id_categoria=8))
    db.session.commit()

    for query in (
        {"activo": "false"},
        {"disponible": "false"},
        {"id_ubicacion": 9},
        {"id_categoria": 8},
        {"email": " ROSA@Example.org"},
        {"activo": "false", "id_ubicacion": 9, "tipo_usuario": "Técnico"},
    ):
        assert [user["id"] for user in listed(admin, **query)] == [there], query
    for query in (
        {"activo": "true", "email": "rosa@example.org"},
        {"email": "rosa@example.or"},
        {"id_ubicacion": 8},
        {"id_categoria": 7},
    ):
        assert listed(admin, **query) == [], query
    assert there not in {user["id"] for user in listed(admin, disponible="true")}


@pytest.mark.parametrize(
    "query", ["activo=true", "disponible=true", "id_ubicacion=1", "id_categoria=1", "email=a@example.org"]
)
def test_what_a_technician_does_not_see_it_does_not_filter_by(call, tecnico, query):
    answer = call(tecnico, "GET", f"{USERS}?{query}")

    assert (answer.status_code, answer.json["permiso"]) == (403, "usuario.ver_datos")


@pytest.mark.parametrize(
    "query", ["activo=1", "id_ubicacion=x", "tipo_usuario=Jefe", "email=rosa", "q=", "telefono=5"]
)
def test_a_faulty_filter_is_named(call, admin, query):
    answer = call(admin, "GET", f"{USERS}?{query}")

    assert (answer.status_code, list(codes(answer))) == (422, [query.partition("=")[0]])


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("rosa", {"rosa"}),
        ("ROSÁ li", {"rosa"}),
        ("li ro", {"rosa"}),
        ("osa", set()),
        ("peñ", {"peña"}),
        ("pen", {"pena"}),
        ("pe", {"peña", "pena"}),
        (unicodedata.normalize("NFD", "PEÑA"), {"peña"}),
        ("%", set()),
        ("_", set()),
        ("r%a", set()),
        ("50%", {"raro"}),
        ("50_", set()),
        ("mesa", set()),
        ("example", set()),
        ("mesa.ayuda@example.org", set()),
        ("@", set()),
        ("´ ¨", set()),
    ],
)
def test_users_are_found_by_the_beginnings_of_their_names_only(listed, admin, tecnico, q, wanted):
    """Never by the e-mail, which a Técnico could guess letter by letter."""
    names = {
        "rosa": ("Rosa María", "Lima"),
        "peña": ("Ana", "Peña"),
        "pena": ("Ana", "Pena"),
        "raro": ("50% Raro", "Zas"),
    }
    email = iter(f"mesa.ayuda{n or ''}@example.org" for n in range(len(names)))
    ids = {UsuarioFactory(nombre=n, apellido=a, email=next(email)).id: key for key, (n, a) in names.items()}
    db.session.execute(update(Usuario).where(Usuario.id.not_in(ids)).values(busqueda=" nadie"))
    db.session.commit()

    for quien in (admin, tecnico):
        assert {ids[user["id"]] for user in listed(quien, q=q)} == wanted


def test_who_was_renamed_is_found_by_the_new_name_only(call, listed, admin):
    id = UsuarioFactory(nombre="Xiomara", apellido="Xul").id

    call(admin, "PUT", f"{USERS}/{id}", {"nombre": "Yolotzin"})

    assert [user["id"] for user in listed(admin, q="yolot xul")] == [id]
    assert listed(admin, q="xiomara") == []
