"""The operators' commands."""

import pytest

from app.extensions import db
from app.models import LogTransaccional, Usuario
from app.services.access import passwords

CLAVE = "una clave bien larga"


@pytest.fixture
def command(app, session):
    runner = app.test_cli_runner()
    return lambda *args, **options: runner.invoke(args=list(args), **options)


def test_an_administrador_is_created_with_the_password_of_standard_input(command):
    ended = command(
        "create-admin", " Ana@Example.ORG ", "--nombre", "Ana", "--apellido", "Paz", input=f"{CLAVE}\n"
    )

    assert ended.exit_code == 0, ended.output
    user = db.session.query(Usuario).filter_by(email="ana@example.org").one()
    assert (user.tipo_usuario, user.activo, user.nombre, user.apellido) == (
        "Administrador",
        True,
        "Ana",
        "Paz",
    )
    assert passwords.verify(user.password_hash, CLAVE) == (True, None)
    event = db.session.query(LogTransaccional).filter_by(accion="usuario.creado").one()
    assert (event.tipo_actor, event.origen) == ("sistema", "cli")
    assert "password" not in str(event.cambios)


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("no es un correo", CLAVE, "email"),
        ("b@example.org", "corta", "password"),
        ("b@example.org", "x" * 129, "password"),
        ("b@example.org", "secret123", "conocida"),
        ("larguisima@example.org", "larguisima@example.org", "Se parece al correo"),
    ],
)
def test_a_bad_account_is_refused_in_spanish(command, email, password, said):
    ended = command("create-admin", email, input=f"{password}\n")

    assert ended.exit_code == 1
    assert said in ended.output
    assert db.session.query(Usuario).count() == 0


def test_an_email_is_taken_once(command):
    assert command("create-admin", "ana@example.org", input=f"{CLAVE}\n").exit_code == 0
    again = command("create-admin", "ANA@example.org", input=f"{CLAVE}\n")

    assert again.exit_code == 1
    assert "Ya existe otro con el mismo valor en: email." in again.output


def test_seed_says_what_was_there(command):
    assert "ya estaban" in command("seed").output


def test_seed_loads_the_demonstration_once(command):
    assert "Demostración: datos creados." in command("seed", "--demo").output
    assert "Demostración: los datos ya estaban." in command("seed", "--demo").output
    assert db.session.query(Usuario).count() == 4


def test_production_takes_no_demonstration(command, app, monkeypatch):
    config = app.extensions["soporteplus"]
    production = type(config)(
        env="production",
        database_url=config.database_url,
        secret_key=config.secret_key,
        jwt_secret_key=config.jwt_secret_key,
    )
    monkeypatch.setitem(app.extensions, "soporteplus", production)

    ended = command("seed", "--demo")

    assert ended.exit_code == 1
    assert "producción" in ended.output
    assert db.session.query(Usuario).count() == 0
