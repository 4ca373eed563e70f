"""Signing in, going on, signing out."""

import hashlib
import statistics
from time import perf_counter

import pytest

from app.extensions import db
from app.models import LogTransaccional, Sesion, Usuario
from app.services import passwords
from tests import factories


def login(client, email, password=factories.CLAVE):
    return client.post("/api/auth/login", json={"email": email, "password": password})


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_signing_in_answers_a_token_and_the_user(client):
    user = factories.UsuarioFactory(email="ana@example.org", nombre="Ana", apellido="Paz")
    id = user.id

    answer = login(client, " Ana@Example.org ")

    assert answer.status_code == 200
    assert answer.json["user"] == {
        "id": id,
        "email": "ana@example.org",
        "nombre": "Ana",
        "apellido": "Paz",
        "tipo_usuario": "Técnico",
    }
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    me = client.get("/api/auth/me", headers=bearer(answer.json["access_token"]))
    assert me.json["email"] == "ana@example.org"
    assert "tiquet.editar" in me.json["permisos"]
    assert "password_hash" not in me.json


@pytest.mark.parametrize("who", ["unknown", "wrong", "inactive"])
def test_every_failed_sign_in_looks_the_same_and_is_remembered(client, who):
    user = factories.UsuarioFactory(activo=who != "inactive")
    email = "nadie@example.org" if who == "unknown" else user.email

    answer = login(client, email, "no es esta" if who == "wrong" else factories.CLAVE)

    assert (answer.status_code, answer.json["codigo"]) == (401, "credenciales_invalidas")
    assert db.session.query(LogTransaccional).filter_by(accion="sesion.rechazada").count() == 1
    assert db.session.query(Sesion).count() == 0


def test_an_unknown_email_takes_as_long_as_a_wrong_password(client):
    email = factories.UsuarioFactory().email
    passwords.hash_of_nobody()

    def seconds(address):
        start = perf_counter()
        login(client, address, "no es esta clave")
        return perf_counter() - start

    pairs = [(seconds(email), seconds("nadie@example.org")) for _ in range(15)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert abs(known - unknown) < 0.2 * known


def test_an_unsalted_sha256_signs_in_once_and_is_upgraded(client):
    old = hashlib.sha256(factories.CLAVE.encode()).hexdigest()
    user = factories.UsuarioFactory(password_hash=old)
    id, email, version = user.id, user.email, user.version

    assert login(client, email, "otra clave").status_code == 401
    assert login(client, email).status_code == 200
    db.session.expire_all()
    stored = db.session.get(Usuario, id)
    assert stored.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored.version == version
    assert login(client, email).status_code == 200


def test_the_hash_itself_is_no_password(client):
    old = hashlib.sha256(b"una clave").hexdigest()
    email = factories.UsuarioFactory(password_hash=old).email

    assert login(client, email, old).status_code == 401


def test_no_connection_is_held_while_a_password_is_hashed(client, monkeypatch):
    email = factories.UsuarioFactory().email
    held = []
    verify = passwords.verify
    monkeypatch.setattr(
        passwords, "verify", lambda *a: (held.append(db.session.registry.has()), verify(*a))[1]
    )

    login(client, email)

    assert held == [False]


def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(client):
    first = login(client, factories.UsuarioFactory().email).json

    second = client.post("/api/auth/refresh", headers=bearer(first["refresh_token"]))
    assert second.status_code == 200
    assert client.get("/api/auth/me", headers=bearer(second.json["access_token"])).status_code == 200

    again = client.post("/api/auth/refresh", headers=bearer(first["refresh_token"]))
    assert (again.status_code, again.json["codigo"]) == (401, "refresco_reutilizado")
    for token in (first["access_token"], second.json["access_token"]):
        assert client.get("/api/auth/me", headers=bearer(token)).status_code == 401
    assert client.post("/api/auth/refresh", headers=bearer(second.json["refresh_token"])).status_code == 401


def test_signing_out_takes_effect_at_once(client, tecnico):
    assert client.post("/api/auth/logout", headers=tecnico.headers).status_code == 204
    gone = client.get("/api/auth/me", headers=tecnico.headers)
    assert (gone.status_code, gone.json["codigo"]) == (401, "sesion_terminada")


def test_tokens_are_nowhere_in_the_database(client):
    pair = login(client, factories.UsuarioFactory().email).json

    sesion = db.session.query(Sesion).one()
    assert pair["refresh_token"] not in (sesion.refresco, sesion.id)
    assert sesion.refresco == hashlib.sha256(pair["refresh_token"].encode()).hexdigest()
