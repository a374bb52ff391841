"""Alerts and dashboard: expressions that Prometheus can read, of metrics that there are, with a runbook each."""

import json
import re

import promql_parser
import pytest

from support import helm
from support.paths import DOCS

SERVICE = f"{helm.RELEASE}-stable-diffusion-metrics"
# What Prometheus' operator adds to each, by the service that it reads.
ADDED = {"namespace", "service", "pod", "job"}


def documented():
    """The metrics of docs/metrics.md with their labels, as Prometheus names them."""
    metrics = {"up": set()}
    for name, kind, labels in re.findall(r"^\| `(sd_\w+)` \| (\w+) \|([^|]*)\|", (DOCS / "metrics.md").read_text(), re.M):
        known = set(re.findall(r"`(\w+)`", labels))
        metrics[name + "_bucket" if kind == "histogram" else name] = known | ({"le"} if kind == "histogram" else set())
    assert len(metrics) > 8
    return metrics


def alerts():
    return [rule for group in helm.render("monitoring").one("PrometheusRule")["spec"]["groups"]
            for rule in group["rules"]]


def dashboard():
    return json.loads(next(iter(helm.render("monitoring").one("ConfigMap", "-dashboard")["data"].values())))


def expressions():
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5m").replace("$namespace", helm.NAMESPACE)
            yield panel["title"], expression.replace("$service", SERVICE)


@pytest.mark.parametrize("name,expression", list(expressions()))
def test_prometheus_can_read_it(name, expression):
    promql_parser.parse(expression)
    selectors = re.findall(r"\b(sd_[a-z_]+|up)\{([^}]*)\}", expression)
    assert selectors, name
    metrics = documented()
    for metric, matchers in selectors:
        assert metric in metrics, f"{metric} is not in docs/metrics.md"
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert labels <= metrics[metric] | ADDED, f"{metric} has no label {labels - metrics[metric]}"
        assert f'namespace="{helm.NAMESPACE}",service="{SERVICE}"' in matchers, "each release looks at its own pods"


def test_every_alert_says_what_to_do():
    runbooks = (DOCS / "runbooks.md").read_text()
    for rule in alerts():
        assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("warning", "critical")
        address = rule["annotations"]["runbook_url"]
        assert address == f"https://docs.example/runbooks#{rule['alert'].lower()}"
        assert re.search(rf"^## {rule['alert']}$", runbooks, re.M), f"no runbook for {rule['alert']}"


def test_the_monitor_finds_the_service_and_the_service_the_agents():
    manifests = helm.render("monitoring")
    service, monitor = manifests.one("Service"), manifests.one("ServiceMonitor")
    assert service["metadata"]["name"] == SERVICE
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
    chosen = {one["name"]: one["current"].get("value") for one in board["templating"]["list"]}
    assert (chosen["namespace"], chosen["service"]) == (helm.NAMESPACE, SERVICE)
