"""GitHub's workflows: of the right form, safe, with every action pinned by commit."""

import pathlib
import re
import subprocess
import sys

import pytest

from support import strictyaml
from support.paths import ROOT, WORKFLOWS

FILES = sorted(WORKFLOWS.glob("*.yaml"))


def tool(name, *arguments):
    return subprocess.run([pathlib.Path(sys.executable).with_name(name), *arguments], capture_output=True, text=True,
                          timeout=120, cwd=ROOT)


def test_they_have_the_form_that_github_wants():
    result = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *FILES)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_auditor_finds_nothing(path):
    strictyaml.load(path.read_text())
    result = tool("zizmor", "--offline", "--no-progress", path)
    assert result.returncode == 0 and "failed to parse" not in result.stderr, result.stdout + result.stderr
    assert "No findings" in result.stdout + result.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_and_says_its_version(path):
    uses = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert uses
    for action, comment in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_job_has_an_end_and_its_own_rights(path):
    workflow = strictyaml.load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 120, name
        assert job["permissions"], name
        assert not re.search(r":latest$", str(job.get("container", "")))


def test_a_release_builds_every_image_scans_signs_and_records():
    workflow = strictyaml.load((WORKFLOWS / "release.yaml").read_text())
    listed = subprocess.run([ROOT / "scripts" / "images", "list"], capture_output=True, text=True, check=True).stdout.split()
    assert workflow["jobs"]["images"]["strategy"]["matrix"]["name"] == listed
    text = (WORKFLOWS / "release.yaml").read_text()
    for step in ("scripts/images digests", "cosign sign", "cosign attest", "format: cyclonedx", "helm push", "SHA256SUMS",
                 "gh release create", 'exit-code: "1"'):
        assert step in text, step
    order = text.index("Scan;"), text.index("Push, sign, attest")
    assert order[0] < order[1], "nothing is pushed that was not scanned"
    assert workflow["jobs"]["images"]["needs"] == "test" and workflow["jobs"]["publish"]["needs"] == "images"
