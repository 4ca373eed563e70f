"""Image, compose and units, as far as they can be held to account without their engines."""

import ipaddress
import os
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from app.extensions import db
from config.config import Config
from config.places import ROOT
from tests.gunicorn import gunicorn
from tests.nginx import SAMPLE
from tests.test_config import GOOD

OPERACION = ROOT / "docs" / "operacion"
SECRETS = {
    **{name: GOOD[name] for name in ("SECRET_KEY", "JWT_SECRET_KEY")},
    "MARIADB_PASSWORD": "clave",
    "MARIADB_ROOT_PASSWORD": "otra",
}
GRACE = int(re.search(r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.M)[1])


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def described() -> set[str]:
    """The variables of .env.example."""
    return set(re.findall(r"^([A-Z_]+)=", read(".env.example"), re.MULTILINE))


@pytest.fixture
def compose() -> dict:
    found: dict = yaml.safe_load(read("compose.yaml"))
    return found


@pytest.mark.usefixtures("without_app")
def test_each_variable_is_described_once_and_has_its_comment():
    text = read(".env.example")
    settings = set(re.findall(r'"([A-Z][A-Z_]{3,})"', read("config/config.py") + read("config/reader.py")))
    elsewhere = {"PORT", "MARIADB_PASSWORD", "MARIADB_ROOT_PASSWORD"}
    flask = set(Config.from_mapping(GOOD).flask()) - {"SECRET_KEY", "JWT_SECRET_KEY"}

    assert described() == (settings - flask) | elsewhere
    assert len(described()) == len(re.findall(r"^[A-Z_]+=", text, re.MULTILINE))
    for block in text.strip().split("\n\n"):
        assert block.startswith("#"), block


@pytest.mark.usefixtures("without_app")
def test_compose_starts_the_service_with_settings_that_it_takes(compose):
    asked = set(re.findall(r"\$\{([A-Z_]+)", read("compose.yaml")))
    assert asked <= described()

    def filled(text: str) -> str:
        return re.sub(r"\$\{([A-Z_]+)(?::[?-]([^}]*))?\}", lambda m: SECRETS.get(m[1], ""), text)

    for service in ("app", "migraciones"):
        environment = {k: filled(v) for k, v in compose["services"][service]["environment"].items()}
        config = Config.from_mapping(environment)
        assert config.is_production
        assert config.database_url.host == "base"
        assert set(environment) <= described()


@pytest.mark.usefixtures("without_app")
def test_compose_holds_together(compose):
    services, networks = compose["services"], compose["networks"]
    for name, service in services.items():
        assert set(service["networks"]) <= set(networks), name
        assert set(service.get("depends_on", ())) <= set(services), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or source in ("./docs/operacion/nginx.conf", "./tls"), volume
    address = services["nginx"]["networks"]["frente"]["ipv4_address"]
    subnet = ipaddress.ip_network(networks["frente"]["ipam"]["config"][0]["subnet"])
    assert ipaddress.ip_address(address) in subnet
    assert services["app"]["environment"]["TRUSTED_PROXIES"] == address
    assert services["app"]["depends_on"] == {"migraciones": {"condition": "service_completed_successfully"}}
    assert int(services["app"]["stop_grace_period"].rstrip("s")) > GRACE
    assert "ports" not in services["app"]
    assert "ports" not in services["base"]
    replaced = re.search(r"s/([\d.:]+)/app:5000/", services["nginx"]["command"][2])
    assert replaced
    assert SAMPLE.read_text("utf-8").count(replaced[1]) == 1


@pytest.mark.usefixtures("without_app")
def test_the_unit_gives_a_stop_its_time_and_runs_what_there_is():
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(OPERACION / "soporteplus.service", "utf-8")
    socket = ConfigParser()
    socket.read(OPERACION / "soporteplus.socket", "utf-8")

    assert int(unit["Service"]["TimeoutStopSec"]) > GRACE
    assert unit["Service"]["RestartPreventExitStatus"] == "78"
    assert unit["Service"]["User"] != "root"
    assert Path(unit["Service"]["ExecStart"]).name == "gunicorn"
    assert f"server {socket['Socket']['ListenStream']};" in SAMPLE.read_text("utf-8")


def instructions(name: str) -> list[str]:
    """The arguments of each such instruction of the Dockerfile."""
    text = read("Dockerfile").replace("\\\n", "")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def test_the_image_has_all_that_serving_needs(committed, database_url, tmp_path):
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = [shlex.split(line) for line in instructions("COPY") if "--from" not in line]
    assert {source for *sources, _ in copied for source in sources} == allowed
    assert instructions("USER") == ["10001"]
    assert "--require-hashes" in instructions("RUN")[0]

    image = tmp_path / "imagen"
    image.mkdir()
    for *sources, target in copied:
        for source in sources:
            if (ROOT / source).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, image / target, ignore=ignore)
            elif target == "./":
                shutil.copy(ROOT / source, image)
    settings = {**GOOD, "DATABASE_URL": database_url, "PERMITIR_SQLITE": "true", "TMPDIR": "/var/tmp"}
    for command in (["db", "upgrade"], ["seed"], ["doctor"]):
        program = [sys.executable, "-m", "flask", "--app", "run", *command]
        subprocess.run(program, cwd=image, env={**os.environ, **settings}, check=True, capture_output=True)
    with gunicorn(database_url, "-w", "1", folder=image, **settings) as server:
        check = yaml.safe_load(instructions("HEALTHCHECK")[0].split("CMD ")[1])
        here = [part.replace(":5000", f":{server.port}") for part in check]
        program = [sys.executable, *here[1:]]
        assert subprocess.run(program, check=False).returncode == 0
        server.stop()
        assert subprocess.run(program, check=False, capture_output=True).returncode != 0
    db.session.remove()
