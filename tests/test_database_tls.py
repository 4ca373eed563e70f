"""TLS to the database: encrypted to a server that the authority vouches for, or not at all."""

import pytest
import sqlalchemy as sa

from app import create_app
from app.extensions import db
from app.migrations import upgrade
from config.config import Config, ConfigError
from tests.certificates import certificate
from tests.conftest import config_for, disconnect
from tests.mariadb import Server
from tests.test_config import GOOD

pytestmark = pytest.mark.usefixtures("without_app")


@pytest.mark.mariadb
@pytest.mark.pymysql
def test_the_connection_is_encrypted_and_a_stranger_refused(tmp_path):
    own, other = certificate(tmp_path / "own"), certificate(tmp_path / "other")
    tls = f"--ssl-cert={own.pem}", f"--ssl-key={own.key}", "--require-secure-transport=ON"
    with Server(*tls, flush=0) as server, Server(flush=0) as plain:
        url = server.url("cifrada")

        def ready(url, ca):
            app = create_app(config_for(url, DATABASE_SSL_CA=str(ca)))
            answer = app.test_client().get("/health/ready")
            doctor = app.test_cli_runner().invoke(args=["doctor"]).output
            with app.app_context():
                disconnect()
            return answer.status_code, doctor

        app = create_app(config_for(url, DATABASE_SSL_CA=str(own.pem)))
        with app.app_context():
            upgrade()
            cipher = db.session.execute(sa.text("SHOW STATUS LIKE 'Ssl_cipher'")).one()[1]
            db.session.remove()
            disconnect()
        good = ready(url, own.pem)
        wrong_authority = ready(url, other.pem)
        wrong_name = ready(url.replace("127.0.0.1", "localhost"), own.pem)
        unencrypted = ready(plain.url("abierta"), own.pem)

    assert cipher.startswith("TLS")
    assert good[0] == 200
    assert [status for status, _ in (wrong_authority, wrong_name, unencrypted)] == [503, 503, 503]
    assert "DATABASE_SSL_CA no lo reconoce" in wrong_authority[1]
    assert "DATABASE_SSL_CA no lo reconoce" in wrong_name[1]
    assert "no ofrece TLS" in unencrypted[1]


@pytest.mark.parametrize("content", [None, "", "no es un certificado"])
def test_an_authority_that_cannot_be_read_is_a_refusal(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(GOOD | {"DATABASE_SSL_CA": str(file)})

    assert "DATABASE_SSL_CA" in refused.value.message


def test_sqlite_needs_no_authority(tmp_path):
    settings = {"FLASK_ENV": "testing", "DATABASE_SSL_CA": str(certificate(tmp_path).pem)}

    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(settings | {"SECRET_KEY": "x", "JWT_SECRET_KEY": "y"})

    assert "SQLite" in refused.value.message
