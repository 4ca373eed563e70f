"""``flask doctor`` and readiness: what is wrong is said, soon, and with what to do about it."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from time import monotonic

import pytest
import sqlalchemy as sa
import time_machine
from flask import current_app

from app.extensions import db
from app.models import CatalogoEpoca, LogTransaccional, utcnow
from app.services import doctor
from tests import factories
from tests.gunicorn import prepared
from tests.mariadb import Server, free_port
from tests.test_config import GOOD

SOON = 5.0  # seconds, on a busy machine; a database that hangs would hold a request for ten


@pytest.fixture
def examined(app, session):
    """The problem of each thing that the command looks at, and its exit status."""

    def run():
        ended = app.test_cli_runner().invoke(args=["doctor"])
        lines = [line.split(maxsplit=1) for line in ended.output.splitlines()]
        return ended.exit_code, {text.split(": ")[0]: text for mark, text in lines if mark == "MAL"}

    return run


def test_a_sound_service_has_nothing_to_mend(examined):
    assert examined() == (0, {})


def test_a_database_behind_the_code_is_told(examined):
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()

    status, wrong = examined()

    assert (status, set(wrong)) == (1, {"migraciones"})
    assert "flask --app run db upgrade" in wrong["migraciones"]


def test_a_desk_without_catalogs_is_told(examined):
    db.session.execute(sa.delete(CatalogoEpoca))
    db.session.commit()

    status, wrong = examined()

    assert (status, set(wrong)) == (1, {"catálogos"})
    assert "flask --app run seed" in wrong["catálogos"]


def test_a_clock_that_was_set_back_is_told(examined, client):
    client.post("/api/auth/login", json={"email": factories.UsuarioFactory().email, "password": "no es esta"})
    assert db.session.scalar(sa.select(sa.func.count(LogTransaccional.id))) == 1

    with time_machine.travel(utcnow() - timedelta(hours=3), tick=True):
        status, wrong = examined()

    assert (status, set(wrong)) == (1, {"reloj"})
    assert "NTP" in wrong["reloj"]


def test_secrets_that_others_can_read_are_told(examined, monkeypatch, tmp_path):
    file = tmp_path / ".env"
    file.touch(0o644)
    file.chmod(0o644)
    monkeypatch.setattr(doctor, "ENV_FILE", file)

    assert "chmod 600" in examined()[1]["configuración"]
    file.chmod(0o600)
    assert examined() == (0, {})


def test_a_full_disk_is_told(examined, monkeypatch):
    monkeypatch.setattr(doctor, "FREE", 1 << 60)

    assert "libres" in examined()[1]["carpetas"]


def command(**environment: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "flask", "--app", "run", "doctor"]
    settings = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(program, env=settings, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("without_app")
def test_what_keeps_it_from_starting_is_told_as_at_the_start():
    ended = command(**GOOD | {"SECRET_KEY": "corta"})

    assert ended.returncode == 78
    assert "SECRET_KEY" in ended.stderr


@pytest.mark.usefixtures("without_app")
def test_a_server_that_is_away_is_told_and_nothing_asked_of_it():
    ended = command(**GOOD | {"DATABASE_URL": f"mysql+pymysql://u:clave@127.0.0.1:{free_port()}/x"})

    assert ended.returncode == 1
    assert "no hay servidor en la dirección de DATABASE_URL" in ended.stdout
    assert "migraciones" not in ended.stdout
    assert "Traceback" not in ended.stderr


@pytest.mark.usefixtures("without_app")
def test_an_empty_database_is_told_by_its_migrations(tmp_path):
    ended = command(FLASK_ENV="development", DATABASE_URL=f"sqlite:///{tmp_path}/vacia.db")

    assert ended.returncode == 1
    assert "migraciones: no están al día" in ended.stdout
    assert "Traceback" not in ended.stderr


@pytest.mark.usefixtures("without_app")
def test_a_folder_that_is_missing_is_told(tmp_path):
    ended = command(FLASK_ENV="development", DATABASE_URL=f"sqlite:///{tmp_path}/falta/base.db")

    assert ended.returncode == 1
    assert f"no existe {tmp_path}/falta" in ended.stdout


@pytest.mark.mariadb
@pytest.mark.usefixtures("without_app")
def test_readiness_and_doctor_against_a_server_that_hangs_lies_or_refuses():
    with Server(flush=0) as server:
        url = server.url("colgada")
        with prepared(url):
            client = current_app.test_client()
            assert client.get("/health/ready").status_code == 200
            server.process.send_signal(signal.SIGSTOP)
            os.waitpid(server.process.pid, os.WUNTRACED)  # Until all its threads stand still.
            try:
                begun = monotonic()
                hanging, alive = client.get("/health/ready"), client.get("/health")
                took = monotonic() - begun
            finally:
                server.process.send_signal(signal.SIGCONT)
        server.execute("CREATE DATABASE latina CHARACTER SET latin1")
        server.execute("CREATE USER otro IDENTIFIED BY 'suya'")
        latin = command(**GOOD | {"DATABASE_URL": server.url("latina")})
        missing = command(**GOOD | {"DATABASE_URL": url.replace("colgada", "falta")})
        stranger = command(**GOOD | {"DATABASE_URL": url.replace("root@", "otro:ajena@")})

    assert (hanging.status_code, hanging.json["codigo"]) == (503, "base_de_datos_no_disponible")
    assert alive.status_code == 200
    assert took < SOON
    assert "ALTER DATABASE" in latin.stdout
    assert "CREATE DATABASE" in missing.stdout
    assert "no acepta el usuario o la clave" in stranger.stdout
    assert "ajena" not in stranger.stdout + stranger.stderr
