"""What production installs: locked, with hashes, and looked up among the known vulnerabilities."""

import json
import re
import runpy
import subprocess
import sys

import pytest

from config.places import ROOT

pytestmark = pytest.mark.usefixtures("without_app")

audit = runpy.run_path(str(ROOT / ".ci" / "audit.py"))
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(name: str) -> dict[str, str]:
    """Each requirement as it is pinned, with its marker, and the hashes that follow it."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", "")
    lines = [line.partition(" --hash") for line in text.splitlines() if re.match(r"\w", line)]
    return {pin.rstrip(): mark + rest for pin, mark, rest in lines}


def test_the_lock_is_the_requirements_with_hashes():
    locked = pins("requirements.lock")

    assert set(locked) == set(pins("requirements.txt"))
    for pin, hashes in locked.items():
        assert re.match(r"[\w.-]+==[\w.]+", pin)
        assert HASH.search(hashes), pin


def test_development_has_the_same_versions_as_production():
    assert set(pins("requirements.txt")) <= set(pins("requirements-dev.txt"))


def test_each_direct_dependency_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text("utf-8").split("dependencies = [\n")[1].split("\n]")[0]

    for line in text.splitlines():
        assert re.fullmatch(r'  "[^"]+", +# .+', line), line


@pytest.mark.parametrize(
    ("report", "complaint", "status", "said"),
    [
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, "", 0, "1 audited, 0 vulnerab"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}, "", 1, "a 1: CVE-1"),
        ({"dependencies": [{"name": "a", "skip_reason": "not found"}]}, "", 0, "NOT AUDITED"),
        (None, "Traceback\nrequests.exceptions.ConnectionError: no route", 0, "NOT AUDITED"),
        (None, "error: unrecognized arguments", 1, "unrecognized"),
        (None, "", 1, ""),
    ],
)
def test_a_found_vulnerability_fails_and_a_source_that_is_away_is_said(report, complaint, status, said):
    answer, text = audit["judge"](report, complaint)

    assert answer == status
    assert said in text


def test_the_bill_of_materials_names_all_that_production_installs(tmp_path):
    """As CI makes it."""
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "requirements.lock"]
    command += ["--pyproject", "pyproject.toml", "--output-reproducible", "-o", str(tmp_path / "sbom.json")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    bill = json.loads((tmp_path / "sbom.json").read_text("utf-8"))

    named = {f"{one['name']}=={one['version']}" for one in bill["components"]}
    assert named == {pin.partition(" ;")[0].strip() for pin in pins("requirements.lock")}
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"])
