"""config.yaml: ours and those of the two systems before, by the JSON schema that sdctl and editors read."""

import json

import jsonschema
import pytest

from support import helm, strictyaml
from support.paths import CHART, INFRA, ROOT

SCHEMA = json.loads((INFRA / "config.schema.json").read_text())
SAMPLES = ROOT / "Tests" / "Infra" / "samples"
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
# What sdctl adds from the stacks' outputs.
GENERATED = """
global: {awsRegion: us-west-2, stackName: sd}
images: {registry: registry.example/sd}
queue: {url: https://sqs.us-west-2.amazonaws.com/123456789012/sd-r}
store: {uri: s3://sd-output}
events: {topic: 'arn:aws:sns:us-west-2:123456789012:sd-output'}
engine: {model: m.safetensors}
models: {s3: {bucket: sd-models}}
karpenter: {clusterName: sd-cluster, nodeClass: {role: sd-nodes}}
"""


def errors(config):
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(config)]


def configurations():
    yield INFRA / "config.example.yaml"
    yield from sorted(SAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("path", list(configurations()), ids=lambda path: path.name)
def test_it_is_taken(path):
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert errors(strictyaml.load(path.read_text())) == []


@pytest.mark.parametrize("folder", ["reference", "successor"])
def test_the_systems_own_samples_are_taken(folder):
    path = ROOT.parent / "shared" / "contracts" / "samples" / folder / "config.yaml"
    if not path.is_file():
        pytest.skip(f"{path} is not there: only the copies in Tests/Infra/samples were checked")
    assert errors(strictyaml.load(path.read_text())) == []


@pytest.mark.parametrize("path", list(configurations()), ids=lambda path: path.name)
def test_the_chart_takes_the_values_in_it(path, tmp_path):
    for runtime in strictyaml.load(path.read_text())["modelsRuntime"]:
        extra, generated = tmp_path / "extra.yaml", tmp_path / "generated.yaml"
        extra.write_text(json.dumps(runtime["extraValues"]))
        generated.write_text(GENERATED)
        result = helm.run("helm3", "template", runtime["name"].lower(), CHART, "--values", generated, "--values", extra)
        manifests = helm.Manifests(strictyaml.load_all(result.stdout))
        for one in manifests.all("ScaledObject"):
            assert one["spec"]["maxReplicaCount"] == 5 and one["spec"]["minReplicaCount"] == 0
            assert one["spec"]["triggers"][0]["metadata"]["queueLength"] == ("20" if "snapshot" in runtime["name"] else "10")


@pytest.mark.parametrize("change,message", [
    (lambda config: config.pop("stackName"), "stackName"),
    (lambda config: config.update(modelRuntimes=[]), "modelRuntimes"),
    (lambda config: config.update(modelsRuntime=[]), "modelsRuntime"),
    (lambda config: config.update(modelBucketArn="sd-models"), "modelBucketArn"),
    (lambda config: config["modelsRuntime"][0].update(type="invokeai"), "type"),
    (lambda config: config["modelsRuntime"][0].pop("name"), "name"),
    (lambda config: config["APIGW"]["throttle"].update(rateLimit="30"), "rateLimit"),
    (lambda config: config["cluster"].update(zones=4), "zones"),
])
def test_what_is_wrong_is_found_at_its_place(change, message):
    config = strictyaml.load((INFRA / "config.example.yaml").read_text())
    change(config)
    assert any(message in error for error in errors(config)), errors(config)


def test_every_key_is_explained():
    def walk(schema, path):
        for name, inner in schema.get("properties", {}).items():
            assert inner.get("description"), f"{path}{name}"
            walk(inner, f"{path}{name}.")
            walk(inner.get("items", {}), f"{path}{name}[].")

    walk(SCHEMA, "")
