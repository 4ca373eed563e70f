"""Settings: what is refused, and with which words."""

import os
import subprocess
import sys

import pytest

from config import reader as module
from config.config import Config, ConfigError

pytestmark = pytest.mark.usefixtures("without_app")

GOOD = {
    "FLASK_ENV": "production",
    "DATABASE_URL": "mysql+pymysql://u:p@127.0.0.1/soporte",
    "SECRET_KEY": "pW3v0c8mZq5uXy7Lk2Nf9Rb4Ht6Jd1Gs",
    "JWT_SECRET_KEY": "Qe8Tz2Vn5Bk7Lm0Xc4Yp9Ws3Rf6Uh1Jd",
}


def test_production_starts_with_good_settings():
    config = Config.from_mapping(GOOD | {"CORS_ORIGINS": "https://a.example, https://b.example/"})

    assert config.cors_origins == ("https://a.example", "https://b.example")
    assert config.jwt_access_minutes == 60


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"JWT_SECRET_KEY": None}, "JWT_SECRET_KEY"),
        ({"SECRET_KEY": "corta"}, "SECRET_KEY"),
        ({"SECRET_KEY": "cambie-esto-por-un-secreto-de-verdad-largo"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY"),
        ({"JWT_SECRET_KEY": GOOD["SECRET_KEY"]}, "JWT_SECRET_KEY"),
        ({"DATABASE_URL": ""}, "PERMITIR_SQLITE"),
        ({"DATABASE_URL": "sqlite:////srv/datos.db"}, "PERMITIR_SQLITE"),
        ({"DATABASE_URL": "sqlite:////tmp/datos.db", "PERMITIR_SQLITE": "true"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite://", "PERMITIR_SQLITE": "true"}, "DATABASE_URL"),
        ({"DATABASE_URL": "no es una url"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u@127.0.0.1/x"}, "DATABASE_URL"),
        (
            {"DATABASE_URL": "mysql+mysqldb://u@127.0.0.1/x", "DATABASE_SSL_CA": "/etc/ssl/ca.pem"},
            "DATABASE_SSL_CA",
        ),
        *(
            ({"CORS_ORIGINS": f"https://a.example, {origin}"}, "CORS_ORIGINS")
            for origin in (
                *("*", "null", "mesa.example.org", "https://mesa.example.org/app", "https://"),
                *(r"https://[a-z]+\.example\.org", "https://*.example.org", "https://mesa.example.org$"),
                *("https://ana@mesa.example.org", "https://mesa.example.org?a"),
            )
        ),
        ({"JWT_ACCESS_MINUTES": "0"}, "JWT_ACCESS_MINUTES"),
        ({"JWT_ACCESS_MINUTES": "una hora"}, "JWT_ACCESS_MINUTES"),
        ({"EXIGIR_IF_MATCH": "quizás"}, "EXIGIR_IF_MATCH"),
        ({"JWT_SECRET_KEY_ANTERIOR": "corta"}, "JWT_SECRET_KEY_ANTERIOR"),
        ({"RATELIMIT_ENABLED": "a veces"}, "RATELIMIT_ENABLED"),
        ({"REDIS_URL": "127.0.0.1:6379"}, "REDIS_URL"),
        ({"REDIS_URL": "http://127.0.0.1:6379"}, "REDIS_URL"),
        ({"FLASK_ENV": "produccion"}, "FLASK_ENV"),
        ({"CORREO_DESCONOCIDOS": "preguntar"}, "CORREO_DESCONOCIDOS"),
        ({"IMAP_URL": "imaps://u:c@imap.example.org"}, "CORREO_USUARIO"),
        ({"IMAP_URL": "imap://u:c@imap.example.org", "CORREO_USUARIO": "a@b.c"}, "IMAP_URL"),
        ({"IMAP_URL": "imaps://imap.example.org/INBOX", "CORREO_USUARIO": "a@b.c"}, "IMAP_URL"),
        ({"IMAP_URL": "imaps://u:c@imap.example.org/a%22b", "CORREO_USUARIO": "a@b.c"}, "IMAP_URL"),
        ({"IMAP_URL": "imaps://u:c@imap.example.org:99999", "CORREO_USUARIO": "a@b.c"}, "IMAP_URL"),
    ],
)
def test_unsafe_settings_are_refused_by_name(change, named):
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(GOOD | change)

    assert refused.value.exit_code == 78
    assert named in refused.value.message


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping({})

    assert len(refused.value.problems) == 3


def test_where_requests_are_counted_is_told_without_the_password_of_redis():
    config = Config.from_mapping(GOOD | {"REDIS_URL": "redis://:clave-de-redis@127.0.0.1:6379/2"})

    assert config.redis_url == "redis://:clave-de-redis@127.0.0.1:6379/2"
    assert config.limits_are_kept == "en Redis, 127.0.0.1:6379/2"


def test_sqlite_in_production_is_a_choice():
    allowed = GOOD | {"DATABASE_URL": "sqlite:////srv/datos.db", "PERMITIR_SQLITE": "sí"}

    assert Config.from_mapping(allowed).database_url.database == "/srv/datos.db"


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mariadb+pymysql", "mysql+pymysql"])
def test_mariadb_has_one_dialect_name(scheme):
    assert (
        Config.from_mapping(GOOD | {"DATABASE_URL": f"{scheme}://u@127.0.0.1/x"}).database_url.drivername
        == "mysql+pymysql"
    )


@pytest.mark.parametrize("installed", [True, False])
def test_the_other_driver_of_mariadb_has_to_be_installed(monkeypatch, installed):
    monkeypatch.setattr(module, "find_spec", lambda name: (installed and name == "MySQLdb") or None)
    wanted = GOOD | {"DATABASE_URL": "mysql+mysqldb://u@127.0.0.1/x"}

    if installed:
        assert Config.from_mapping(wanted).database_url.get_driver_name() == "mysqldb"
    else:
        with pytest.raises(ConfigError, match="pip install mysqlclient"):
            Config.from_mapping(wanted)


def test_development_makes_its_secrets_once_and_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "INSTANCE", tmp_path / "instance")

    first, second = (Config.from_mapping({"FLASK_ENV": "development"}) for _ in range(2))

    assert first == second
    assert first.secret_key != first.jwt_secret_key
    assert len(first.secret_key) >= 32


def test_the_command_line_says_in_spanish_what_to_mend_and_ends_with_78():
    environment = {**os.environ, **GOOD, "SECRET_KEY": "corta", "FLASK_APP": "run"}

    ended = subprocess.run(
        [sys.executable, "-m", "flask", "seed"], env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 78
    assert "SECRET_KEY" in ended.stderr
    assert "Traceback" not in ended.stderr
