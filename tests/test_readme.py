"""What the documents name is there, and what is there is named."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Not of the settings object: run.py, the command and compose.yaml read these themselves.
ELSEWHERE = {"PORT", "LEGADO_URL"}
IN_COMPOSE = {"MARIADB_PASSWORD", "MARIADB_ROOT_PASSWORD"}


def settings() -> set[str]:
    source = "".join(
        (ROOT / "config" / name).read_text(encoding="utf-8") for name in ("config.py", "reader.py")
    )
    return set(re.findall(r'"([A-Z][A-Z_]{3,})"', source)) - {
        *("TESTING", "MAX_CONTENT_LENGTH", "SQLALCHEMY_DATABASE_URI", "API_TITLE", "API_VERSION"),
        "OPENAPI_VERSION",
    }


def anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")


def test_every_variable_is_in_the_table_and_in_the_example():
    table = README.partition("## Configuración")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})`", "".join(re.findall(r"^\|[^|]+\|", table, re.M))))
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M))

    assert named == settings() | ELSEWHERE
    assert example - IN_COMPOSE == settings() | {"PORT"}


def test_every_command_is_in_its_table(app):
    table = README.partition("## Órdenes")[2].partition("\n## ")[0]
    foreign = {"db", "openapi", "run", "shell", "routes"}

    assert set(app.cli.commands) - foreign == set(re.findall(r"--app run ([a-z-]+)", table)) - foreign


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    outside = re.sub(r"```.*?```", "", text, flags=re.S)
    anchors = {anchor(title) for title in re.findall(r"^##+ (.+)$", outside, re.M)}
    links = re.findall(r"\]\(([^)\s]+)\)", outside)

    for link in links:
        if link.startswith("#"):
            assert unquote(link[1:]) in anchors, link
        elif "://" not in link:
            assert (document.parent / link).exists(), link


def test_the_map_names_every_room():
    rooms = {
        f"app/{path.name}/" for path in (ROOT / "app").iterdir() if path.is_dir() and path.name[0] != "_"
    }
    rooms |= {f"app/{path.name}" for path in (ROOT / "app").glob("*.py")}

    assert {room for room in rooms if f"`{room}`" not in README} == set()
