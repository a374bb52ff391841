"""The getting-started page of AWSKit's documentation, as a newcomer follows it: its program, its commands, its output."""

import os
import pathlib
import re
import subprocess

import pytest

from moto_server import MotoServer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "Sources" / "AWSKit" / "AWSKit" / "AWSKit.docc" / "GettingStarted.md"
EXAMPLE = ROOT / "examples" / "aws"


@pytest.fixture(scope="module")
def blocks():
    """The page's blocks, each with the words that lead to it."""
    return re.findall(r"([^\n]*)\n\n```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def block(blocks, lead):
    found = [text for words, _, text in blocks if lead in words]
    assert len(found) == 1, f"the page has {len(found)} blocks after {lead!r}"
    return found[0]


def declarations(manifest):
    """A manifest without its comments, and without where the checkout lies."""
    manifest = re.sub(r"\n//(?! swift-tools)[^\n]*", "", manifest)
    return re.sub(r"\.package\([^)]*\)", ".package(…)", re.sub(r"\n+", "\n", manifest))


def test_the_pages_package_is_the_example(blocks):
    assert block(blocks, "`Sources/aws/main.swift`") == (EXAMPLE / "Sources/aws/main.swift").read_text(encoding="utf-8")
    assert declarations(block(blocks, "`Package.swift`")) == declarations(
        (EXAMPLE / "Package.swift").read_text(encoding="utf-8"))


def test_it_prints_what_the_page_says(blocks):
    commands = block(blocks, "### Run it").splitlines()
    assert commands.pop() == "swift run"
    variables = dict(re.fullmatch(r"export (\w+)=(\S+)", line).groups() for line in commands)
    page = variables["AWS_ENDPOINT_URL"]
    assert block(blocks, "In one terminal").splitlines()[-1].endswith(" --port " + page.rsplit(":", 1)[1])
    with MotoServer() as moto:
        variables["AWS_ENDPOINT_URL"] = moto.url
        # Nothing of this machine's own AWS settings.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(["swift", "run", "--package-path", EXAMPLE], capture_output=True, text=True, timeout=1800,
                              env=clean | variables | {"HOME": os.environ.get("HOME", "/")})
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        assert done.stdout.replace(moto.url, page) == block(blocks, "It prints")
