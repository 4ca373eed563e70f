"""The real server held to its document by schemathesis, as each of those who may call it.

Left out unless asked for: ``pytest -m schemathesis --schemathesis 3`` gives each operation three random
cases. More of them find more.
"""

import json
import os
import subprocess
import sys

import pytest

from app.services.demo import seed_demo
from config.places import ROOT
from tests.conftest import SECRETS
from tests.gunicorn import gunicorn
from tests.test_killed_workers import prepared

PHASES = ("examples", "fuzzing", "stateful")
MANY = 10  # From so many random cases on, everybody gets the thousands of fixed ones too.


@pytest.mark.schemathesis
@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize(
    "role",
    ["Administrador", "Técnico", "Solicitante", ""],
    ids=["administrador", "tecnico", "solicitante", "nadie"],
)
def test_every_answer_is_as_the_document_says(fresh_database, tmp_path, pytestconfig, role):
    cases = pytestconfig.getoption("--schemathesis")
    phases = {*PHASES, *(["coverage"] if role == "Administrador" or cases >= MANY else [])}
    with prepared(fresh_database):
        seed_demo()
    with gunicorn(fresh_database) as server:
        address = f"http://127.0.0.1:{server.port}"
        environment = {
            **os.environ,
            **SECRETS,
            "FLASK_ENV": "development",
            "DATABASE_URL": fresh_database,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks",
            "SCHEMATHESIS_ROLE": role,
            "SCHEMATHESIS_SERVER": address,
        }
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *("--config-file", str(ROOT / "tests/schemathesis.toml"), "run", f"{address}/api/openapi.json"),
            *("--checks", "all", "--phases", ",".join(phases), "--seed", "1", "--continue-on-failure"),
            *("--max-examples", str(cases)),
            *("--report", "json", "--report-json-path", "report.json"),
        ]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    told = {name: value for name, value in report.items() if not isinstance(value, list)}
    sys.stdout.write(f"{told}\n")  # for pytest -s
    assert report["operations"]["tested"] == report["operations"]["total"] > 0
    assert {name for name, phase in report["phases"].items() if phase["status"] == "success"} == phases
