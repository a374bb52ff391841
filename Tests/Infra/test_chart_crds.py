"""KEDA's and Karpenter's objects against their definitions: the schema and every CEL rule in it."""

import copy

import pytest

from support import crds, helm, strictyaml
from support.paths import CI_VALUES, feature

KINDS = {"ScaledObject", "ScaledJob", "TriggerAuthentication", "NodePool", "EC2NodeClass"}


@pytest.mark.parametrize("values", CI_VALUES, ids=feature)
def test_the_definitions_take_every_object(definitions, values):
    for document in strictyaml.load_all(helm.text(values)):
        if document["kind"] in KINDS:
            assert definitions.schema(document), f"no definition of {document['apiVersion']} {document['kind']}"
            assert definitions.errors(document) == []


def test_every_rule_can_be_read(definitions):
    """A rule that the library could not compile would otherwise pass unseen where nothing renders its field."""
    read = 0
    for schema in definitions.schemas.values():
        read += compile_all(schema)
    assert read == sum(crds.count(schema) for schema in definitions.schemas.values()) > 40


def compile_all(schema):
    if isinstance(schema, list):
        return sum(compile_all(one) for one in schema)
    if not isinstance(schema, dict):
        return 0
    own = 0
    if isinstance(schema.get("x-kubernetes-validations"), list):
        for rule in schema["x-kubernetes-validations"]:
            crds.program(rule["rule"])
            own += 1
    return own + sum(compile_all(value) for value in schema.values())


@pytest.mark.parametrize("kind,path,value", [
    ("EC2NodeClass", ["spec", "amiSelectorTerms"], [{"alias": "bottlerocket"}]),
    ("EC2NodeClass", ["spec", "instanceProfile"], "both-that-and-a-role"),
    ("EC2NodeClass", ["spec", "blockDeviceMappings", 1, "ebs", "volumeInitializationRate"], 50),
    ("EC2NodeClass", ["spec", "tags"], {"karpenter.sh/nodepool": "mine"}),
    ("NodePool", ["spec", "template", "spec", "requirements", 0, "operator"], "Is"),
    ("NodePool", ["spec", "template", "metadata", "labels"], {"karpenter.sh/nodepool": "mine"}),
    ("NodePool", ["spec", "disruption", "consolidateAfter"], "soon"),
    ("ScaledObject", ["spec", "scaleOnInFlight"], True),
    ("ScaledObject", ["spec", "triggers", 0, "metadata", "queueLength"], 10),
    ("TriggerAuthentication", ["spec", "podIdentity", "provider"], "aws-pod-identity"),
])
def test_what_is_wrong_is_found(definitions, kind, path, value):
    document = copy.deepcopy(helm.render("karpenter-snapshot").one(kind))
    folder = document
    for part in path[:-1]:
        folder = folder[part]
    folder[path[-1]] = value
    assert definitions.errors(document)
