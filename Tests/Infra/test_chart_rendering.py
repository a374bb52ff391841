"""Every values file of ci/ through both helms, and what comes out through Kubernetes' own schemas."""

import shutil

import pytest

from support import helm, kubernetes, strictyaml
from support.paths import CHART, CI_VALUES, feature

# The oldest that the chart says it runs on, and three that are in use.
KUBERNETES = ["1.29", "1.33", "1.34", "1.35"]
CUSTOM = {"keda.sh", "karpenter.sh", "karpenter.k8s.aws", "monitoring.coreos.com"}

every_feature = pytest.mark.parametrize("values", CI_VALUES, ids=feature)


def is_core(document):
    return document["apiVersion"].split("/")[0] not in CUSTOM


@pytest.mark.parametrize("program", ["helm3", "helm4"])
def test_the_chart_is_without_complaint(program):
    for values in CI_VALUES:
        result = helm.run(program, "lint", "--strict", CHART, "--values", values)
        assert "[WARNING]" not in result.stdout and "[ERROR]" not in result.stdout, result.stdout


@every_feature
def test_both_helms_render_the_same(values):
    assert helm.text(values, "helm3") == helm.text(values, "helm4")


@every_feature
def test_no_key_stands_twice(values):
    assert strictyaml.load_all(helm.text(values))


@every_feature
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(values, version):
    checked = 0
    for document in filter(is_core, strictyaml.load_all(helm.text(values))):
        kubernetes.validate(document, version)
        checked += 1
    assert checked


@every_feature
def test_every_object_says_where_it_belongs(values):
    cluster_wide = {"PersistentVolume", "PriorityClass", "NodePool", "EC2NodeClass", "NodeOverlay"}
    for document in strictyaml.load_all(helm.text(values)):
        metadata = document["metadata"]
        assert metadata["labels"]["app.kubernetes.io/instance"] == helm.RELEASE
        assert len(metadata["name"]) <= 63
        if document["kind"] not in cluster_wide:
            assert metadata["namespace"] == helm.NAMESPACE, metadata["name"]


@every_feature
def test_no_two_objects_have_one_name(values):
    names = [(one["kind"], one["metadata"]["name"]) for one in strictyaml.load_all(helm.text(values))]
    assert len(names) == len(set(names))


def test_a_validator_that_took_anything_would_be_noticed():
    document = helm.render("minimal").one("Deployment")
    document["spec"]["replicaz"] = 1
    with pytest.raises(kubernetes.Refused):
        kubernetes.validate(document, KUBERNETES[-1])


@pytest.fixture
def notes(tmp_path):
    """The notes of a release: `helm template` leaves them out and `helm install` wants a cluster, so they become an object
    of a copy of the chart."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    text = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "NOTES.txt").unlink()
    (chart / "templates" / "notes.yaml").write_text(
        '{{- define "notes" }}' + text + '{{ end }}\nnotes: {{ include "notes" . | toJson }}\n')

    def show(name, *sets):
        extra = [part for one in sets for part in ("--set", one)]
        shown = [
            strictyaml.load(helm.run(
                program, "template", helm.RELEASE, chart, "--namespace", helm.NAMESPACE, "--values",
                CHART / "ci" / f"{name}-values.yaml", "--show-only", "templates/notes.yaml", *extra).stdout)["notes"]
            for program in ("helm3", "helm4")]
        assert shown[0] == shown[1]
        return shown[0]

    return show


def test_the_notes_say_what_to_do_next(notes):
    text = notes("minimal")
    assert "sdctl smoke --runtime sdruntime" in text
    assert f"kubectl --namespace {helm.NAMESPACE} get scaledobject,deployment,pods" in text
    assert "get scaledjob,jobs" in notes("job")
    assert "it must be our sd-job" in notes("legacy-first", "images.registry=") and "it must be" not in text
    assert "https://pictures.example" in notes("gateway")
    assert "asks for no API key" in notes("gateway-alone") and "asks for no API key" not in notes("gateway")
    assert "karpenter.nodeClass.amiVersion" in notes("gpu-time-slicing")
