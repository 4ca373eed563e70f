"""Signing in, going on, signing out."""

import hashlib
import statistics
import unicodedata
from time import perf_counter

import jwt
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from app.extensions import db
from app.models import LogTransaccional, Sesion, Usuario
from app.queries.access.sessions import INACTIVIDAD
from app.services.access import passwords
from tests import factories
from tests.world import events_after, last_event


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


@pytest.mark.parametrize("who", ["wrong", "unknown", "inactive", "inactive, right"])
def test_whoever_is_refused_costs_one_hash_and_a_locked_account_none(client, monkeypatch, who):
    """The same work for all: what cannot differ by time on a busy machine either."""
    account = factories.UsuarioFactory(activo=not who.startswith("inactive"))
    email = "nadie@example.org" if who == "unknown" else account.email
    passwords.hash_of_nobody()
    looked_at, verify = [], PasswordHasher.verify

    def counted(hasher, stored, password):
        looked_at.append(stored.rpartition("$")[0].rpartition("$")[0])  # its kind and what it costs
        return verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    monkeypatch.setattr(PasswordHasher, "hash", lambda *_: pytest.fail("nothing is to be stored"))
    password = factories.CLAVE if who.endswith("right") else "no es esta clave"

    answers = [login(client, email, password) for _ in range(12)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert looked_at == ["$argon2id$v=19$m=19456,t=2,p=1"] * 10


LONGEST = "ñ" * 128


@pytest.mark.parametrize("password", ["x" * 129, "x" * 100_000, "", None, 1, ["x"], {"$ne": None}, True])
def test_what_can_be_no_password_is_refused_before_anything_is_hashed(client, monkeypatch, password):
    """One is 128 characters at most: a sign-in hashes no more than 512 bytes, whatever is sent."""
    monkeypatch.setattr(passwords, "verify", lambda *_: pytest.fail("hashed"))

    answer = login(client, factories.UsuarioFactory().email, password)

    assert (answer.status_code, set(answer.json["errores"])) == (422, {"password"})


COMPOSED = unicodedata.normalize("NFC", "una canción de cuna")
# What somebody's password is, and what it is not.
ALMOST = {
    "another byte behind the 72nd": ("x" * 72 + "a", "x" * 72 + "b"),
    "nothing behind the 72nd byte": ("x" * 72 + "a", "x" * 72),
    "another character behind the 64th": ("x" * 64 + "a", "x" * 64 + "b"),
    "another one at the 128th": (LONGEST, LONGEST[:-1] + "n"),
    "one less than 128": (LONGEST, LONGEST[:-1]),
    "another case": ("Una Clave De Prueba", "una clave de prueba"),
    "another case of one letter": ("una clave de prueba", "una clave de pruebA"),
    "a blank behind": ("una clave de prueba", "una clave de prueba "),
    "a blank before": ("una clave de prueba", " una clave de prueba"),
    "no blank behind": ("una clave de prueba ", "una clave de prueba"),
    "cut at a NUL": ("una clave\0de prueba", "una clave\0otra"),
    "no accent": (COMPOSED, "una cancion de cuna"),
    "decomposed letters": (COMPOSED, unicodedata.normalize("NFD", COMPOSED)),
    "full-width letters": ("una clave 123", "una clave １２３"),
}


@pytest.mark.parametrize(("password", "almost"), ALMOST.values(), ids=ALMOST)
def test_a_password_counts_to_its_last_byte(client, password, almost):
    email = factories.UsuarioFactory(password_hash=passwords.hash_password(password)).email

    assert login(client, email, almost).status_code == 401
    assert login(client, email, password).status_code == 200


SHA256 = hashlib.sha256(factories.CLAVE.encode()).hexdigest()
OLDER = {
    "an unsalted SHA-256": lambda: SHA256,
    "one that was wrapped": lambda: passwords.wrap(SHA256),
    "a cheaper argon2id": lambda: PasswordHasher(time_cost=1, memory_cost=1024).hash(factories.CLAVE),
}


@pytest.mark.parametrize("older", OLDER.values(), ids=OLDER)
def test_an_older_hash_signs_in_once_and_is_upgraded(client, older):
    user = factories.UsuarioFactory(password_hash=older())
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


@pytest.mark.parametrize("change", [{"activo": False}, {"password_hash": "of another password"}], ids=str)
def test_an_account_that_changes_while_its_password_is_hashed_lets_nobody_in(client, monkeypatch, change):
    user, _same_password = factories.UsuarioFactory(), factories.UsuarioFactory()
    id, email, verify, mark = user.id, user.email, passwords.verify, last_event()

    def changing(*args):
        right = verify(*args)
        db.session.execute(sa.update(Usuario).where(Usuario.id == id).values(**change))
        db.session.commit()
        return right

    monkeypatch.setattr(passwords, "verify", changing)

    answer = login(client, email)

    assert (answer.status_code, answer.json["codigo"]) == (401, "credenciales_invalidas")
    assert [(e["accion"], e["id_entidad"], e["ip"]) for e in events_after(mark)] == [
        ("sesion.rechazada", id, "127.0.0.1")
    ]


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


def test_a_token_ends_when_it_is_said_to(client):
    pair = login(client, factories.UsuarioFactory().email).json

    said = [
        jwt.decode(pair[name], options={"verify_signature": False})
        for name in ("access_token", "refresh_token")
    ]
    lives = [claims["exp"] - claims["iat"] for claims in said]
    assert lives == [pair["expires_in"], INACTIVIDAD.total_seconds()]


def test_tokens_are_nowhere_in_the_database(client):
    pair = login(client, factories.UsuarioFactory().email).json

    sesion = db.session.query(Sesion).one()
    assert pair["refresh_token"] not in (sesion.refresco, sesion.id)
    assert sesion.refresco == hashlib.sha256(pair["refresh_token"].encode()).hexdigest()
