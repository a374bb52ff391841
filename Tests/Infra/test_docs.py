"""Guides: links that lead somewhere, values and files that exist, figures that the chart still has."""

import json
import re

import pytest

from support import helm, strictyaml
from support.paths import CHART, DOCS, IMAGES, INFRA, ROOT
from support.quantities import pod_requests

PAGES = [DOCS / name for name in ("architecture.md", "gpu-slicing.md", "cost.md", "upgrading.md", "runbooks.md", "metrics.md",
                                 "dashboard.md")]
PAGES += [INFRA / "README.md", IMAGES / "README.md", CHART / "README.md", ROOT / "README.md"]
VALUES = strictyaml.load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
CONFIG = json.loads((INFRA / "config.schema.json").read_text())


def anchors(path):
    return {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in path.read_text().splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_links_lead_somewhere(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("http"):
            path, _, anchor = target.partition("#")
            other = (page.parent / path) if path else page
            assert other.exists(), target
            assert not anchor or anchor in anchors(other), target
    # Links are relative to their page; what is named in the text, to the root.
    prose = re.sub(r"\]\([^)]*\)", "]", text)
    for path, anchor in re.findall(r"\b((?:docs|infra|charts|images|scripts|Tests)/[\w./-]+\w)(?:#(\w+))?", prose):
        assert (ROOT / path).exists() or path == "images/digests.yaml" or "snapshot.sh" in path, path
        assert not anchor or anchor in anchors(ROOT / path), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_values_that_are_named_exist(page):
    """`agent.graceSeconds` in backticks is a value of the chart, `cluster.zones` a key of the configuration."""
    for name in re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)(?::[^`]*)?`", page.read_text()):
        root = name.split(".")[0]
        if root in VALUES and root not in ("global",):
            assert known(SCHEMA, name) or known(CONFIG, name), name
        elif root in CONFIG["properties"] and not name.endswith(".yaml"):
            assert known(CONFIG, name), name


def known(schema, name):
    for part in name.split("."):
        if "properties" not in schema:
            return schema.get("type") == "object" and schema.get("additionalProperties") is not False
        if part not in schema["properties"]:
            return False
        schema = schema["properties"][part]
    return True


def test_the_slicing_guides_figures_are_the_charts():
    text = (DOCS / "gpu-slicing.md").read_text()
    spec = helm.render("gpu-time-slicing").pod["spec"]
    cpu, memory = pod_requests(spec, "cpu"), pod_requests(spec, "memory")
    assert f"{round(cpu * 1000)}m in all" in text
    assert f"| CPU | {round(cpu * 1000)}m | {4 * cpu:.1f} |" in text
    assert f"| memory | {round(memory / 2**20)} MiB | {4 * memory / 2**30:.2f} GiB |" in text


def test_the_readme_says_how_the_chart_is_used():
    """The values of its example render."""
    text = (CHART / "README.intro.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", text, re.S)[1]
    path = CHART / "ci" / "minimal-values.yaml"
    assert strictyaml.load(example)["queue"] == strictyaml.load(path.read_text())["queue"]


def test_no_page_names_a_price():
    for page in PAGES:
        assert not re.search(r"(\$|USD|EUR) ?\d|\d+ ?(cents|dollars)", page.read_text()), page
