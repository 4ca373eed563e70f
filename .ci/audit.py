"""Look up the locked dependencies among the known vulnerabilities; one that is found fails.

A source that cannot be asked is no failure of ours: it is said, and the run goes on.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
AWAY = ("requests.exceptions.", "Could not connect")


def look_up(lock: Path) -> tuple[dict[str, Any] | None, str]:
    """pip-audit's report, if it could make one, and what it complained of."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "-r", str(lock), "--require-hashes", "--disable-pip"]
        options = ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
        ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False)  # noqa: S603
        return (json.loads(report.read_text()) if report.exists() else None), ended.stderr.strip()


def judge(report: dict[str, Any] | None, complaint: str) -> tuple[int, str]:
    """The exit status, and what to print."""
    if report is None:
        last = (complaint.splitlines() or [""])[-1]
        away = any(word in last for word in AWAY)
        return (0, f"NOT AUDITED, the source cannot be reached: {last}") if away else (1, complaint)
    found = [
        f"{dependency['name']} {dependency['version']}: {vulnerability['id']}"
        for dependency in report["dependencies"]
        for vulnerability in dependency.get("vulns", ())
    ]
    skipped = [dependency["name"] for dependency in report["dependencies"] if "skip_reason" in dependency]
    lines = [*found, f"{len(report['dependencies']) - len(skipped)} audited, {len(found)} vulnerabilities"]
    if skipped:  # pip-audit itself calls this «No known vulnerabilities found».
        lines.append(f"NOT AUDITED, unknown to the source: {', '.join(skipped)}")
    return int(bool(found)), "\n".join(lines)


if __name__ == "__main__":
    status, text = judge(*look_up(LOCK))
    print(text)
    sys.exit(status)
