"""``docs/seguridad.md``: every requirement names tests that there are."""

import ast
import re
from functools import cache

import pytest

from config.places import ROOT

TEXT = (ROOT / "docs" / "seguridad.md").read_text("utf-8")
ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/test_\w+\.py)::(test_\w+)`")
LAST = 64


def rows() -> list[tuple[int, list[str]]]:
    """The number of each requirement, and the other cells of its row."""
    found = [(int(number), rest) for number, rest in ROW.findall(TEXT)]
    return [(number, [cell.strip() for cell in rest.split("|")]) for number, rest in found]


@cache
def functions_of(name: str) -> set[str]:
    """The tests that a file has."""
    file = ROOT / name
    tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def fault(cells: list[str]) -> str | None:
    """What is wrong with a row."""
    if len(cells) != 4 or not all(cells[:3]):
        return "it has four cells beside its number: ids, requirement, where, tests"
    if cells[3].startswith("n/a"):
        return None if re.match(r"n/a: .{20,}", cells[3]) else "what does not apply says why"
    named = TEST.findall(cells[3])
    if not named or TEST.sub("", cells[3]).replace("<br>", "").strip():
        return "it names tests, and nothing else"
    missing = [f"{file}::{name}" for file, name in named if name not in functions_of(file)]
    return f"there is no {', '.join(missing)}" if missing else None


def test_no_number_is_missing_or_comes_twice():
    assert [number for number, _ in rows()] == list(range(1, LAST + 1))


@pytest.mark.parametrize(("number", "cells"), rows(), ids=[str(number) for number, _ in rows()])
def test_a_requirement_names_tests_that_there_are(number, cells):
    assert fault(cells) is None, number


GOOD = "`tests/test_access.py::test_a_forged_token_is_refused`"


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["V1", "Algo", "`app`", GOOD], False),
        (["V1", "Algo", "`app`", "n/a: no hay servidor de correo entrante"], False),
        (["V1", "Algo", "`app`", ""], True),
        (["V1", "Algo", "`app`", "n/a"], True),
        (["V1", "Algo", "`app`", "n/a: no"], True),
        (["V1", "", "`app`", GOOD], True),
        (["V1", "Algo", GOOD], True),
        (["V1", "Algo", "`app`", f"{GOOD} y otra"], True),
        (["V1", "Algo", "`app`", GOOD.replace("forged", "forgotten")], True),
        (["V1", "Algo", "`app`", GOOD.replace("access", "accesos")], True),
        (["V1", "Algo", "`app`", f"{GOOD}<br>`tests/test_access.py::test_no_hay`"], True),
    ],
)
def test_a_row_that_shows_nothing_is_found(cells, found):
    assert bool(fault(cells)) == found
