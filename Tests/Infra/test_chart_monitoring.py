"""Alerts and dashboard: expressions that Prometheus can read, of metrics that there are, with a runbook each."""

import json
import re

import promql_parser
import pytest

from support import helm
from support.paths import CHART, DOCS

# What agents tell (docs/metrics.md), and what Prometheus knows by itself.
METRICS = {"sd_tasks_total": {"runtime", "state", "code"}, "sd_stage_seconds_bucket": {"runtime", "stage", "le"},
           "sd_engine_busy_seconds_total": {"runtime"}, "sd_leases_lost_total": {"runtime"},
           "sd_retries_total": {"runtime", "cause"}, "up": {"namespace", "service"}}


def alerts():
    return [rule for group in helm.render("monitoring").one("PrometheusRule")["spec"]["groups"]
            for rule in group["rules"]]


def dashboard():
    return json.loads(next(iter(helm.render("monitoring").one("ConfigMap", "-dashboard")["data"].values())))


def expressions():
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$runtime", helm.RELEASE)


@pytest.mark.parametrize("name,expression", list(expressions()))
def test_prometheus_can_read_it(name, expression):
    promql_parser.parse(expression)
    selectors = re.findall(r"\b(sd_[a-z_]+|up)\{([^}]*)\}", expression)
    assert selectors, name
    for metric, matchers in selectors:
        assert metric in METRICS, metric
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert labels <= METRICS[metric], f"{metric} has no label {labels - METRICS[metric]}"
        assert metric == "up" or f'runtime="{helm.RELEASE}"' in matchers, "each release looks at its own runtime"


def test_every_alert_says_what_to_do():
    runbooks = (DOCS / "runbooks.md").read_text()
    for rule in alerts():
        assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("warning", "critical")
        address = rule["annotations"]["runbook_url"]
        assert address == f"https://docs.example/runbooks#{rule['alert'].lower()}"
        assert re.search(rf"^## {rule['alert']}$", runbooks, re.M), f"no runbook for {rule['alert']}"


def test_documented_metrics_are_the_ones_used():
    page = DOCS / "metrics.md"
    if not page.exists():
        pytest.skip("docs/metrics.md is not written yet: the names were checked against this file's own list only")
    text = page.read_text()
    for metric in METRICS.keys() - {"up"}:
        assert metric.removesuffix("_bucket") in text, metric


def test_the_monitor_finds_the_service_and_the_service_the_agents():
    manifests = helm.render("monitoring")
    service, monitor = manifests.one("Service"), manifests.one("ServiceMonitor")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["spec"]["selector"].items() <= manifests.pod["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert service["spec"]["ports"][0]["targetPort"] == manifests.containers["agent"]["ports"][0]["name"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_the_dashboard_is_whole():
    board = dashboard()
    assert board["title"].endswith(helm.RELEASE) and "@" not in board["title"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(places) == len(set(places)) and all(panel["description"] for panel in board["panels"])
    assert (CHART / "dashboards" / "runtime.json").read_text().count("@RUNTIME@") == 3
