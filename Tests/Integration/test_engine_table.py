"""docs/engines.md says which test holds each thing that engines were seen to do: that there are such tests."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TESTS = [*(ROOT / "Tests/BackendPluginsTests").rglob("*Tests.swift"), *(ROOT / "Tests/Integration").glob("test_engine*.py")]
NAME = re.compile(r'@Test\(\s*"((?:[^"\\]|\\.)*)"|^def (test_\w+)', re.MULTILINE)


def words(text):
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("'", "")))


def rows():
    section = (ROOT / "docs/engines.md").read_text().partition("## What is known of the engines")[2]
    found = re.findall(r"^\| (.+) \| (.+) \|$", section, re.MULTILINE)
    return [(seen, tests) for seen, tests in found if tests not in ("test", "---")]


@pytest.fixture(scope="module")
def names():
    """The tests' names in plain words, file by file."""
    return {path.name: [words(one or other) for one, other in NAME.findall(path.read_text())] for path in TESTS}


@pytest.mark.parametrize("seen, tests", rows())
def test_every_row_names_tests_that_there_are(seen, tests, names):
    for part in tests.split(";"):
        file = re.match(r"\s*`([\w.]+)`:?", part)
        name = file and (file[1] if file[1] in names else f"{file[1]}.swift")
        assert not file or name in names, f"{seen}: there is no {file[1]}"
        candidates = names[name] if file else [each for one in names.values() for each in one]
        for wanted in part[file.end() if file else 0:].split(", "):
            assert any(words(wanted) in each for each in candidates), f"{seen}: no test is called {wanted!r}"


def test_there_are_rows_of_each_engine():
    assert len(rows()) >= 39
