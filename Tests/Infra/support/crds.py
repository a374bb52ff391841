"""Custom resources against their definitions: the schema, and the CEL rules in it."""

import functools

import celpy
import jsonschema
import yaml
from celpy import celtypes

from support.paths import CRDS


class Definitions:
    def __init__(self, folder=CRDS):
        self.schemas = {}
        for path in sorted(folder.glob("*.yaml")):
            definition = yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"]
            for version in definition["versions"]:
                key = (f"{definition['group']}/{version['name']}", definition["names"]["kind"])
                self.schemas[key] = version["schema"]["openAPIV3Schema"]

    def schema(self, document):
        return self.schemas.get((document["apiVersion"], document["kind"]))

    def errors(self, document):
        """Everything that an API server would refuse."""
        schema = self.schema(document)
        validator = jsonschema.Draft7Validator(closed(schema))
        found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
        return found + [message for _, ok, message in rules(schema, document, "$") if not ok]


def closed(schema):
    """The schema as an API server applies it under strict validation: fields that are not in it are refused."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(value) for name, value in schema.items()}
    if result.pop("x-kubernetes-int-or-string", False):
        result.pop("anyOf", None)
        result["type"] = ["integer", "string"]
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            if schema["properties"].keys() != {"metadata"}:
                result["additionalProperties"] = False
    if isinstance(result.get("properties"), dict) and result["properties"].get("metadata") == {"type": "object"}:
        result["properties"]["metadata"] = {"type": "object", "additionalProperties": True}
    # A pattern is RE2's; what Python reads otherwise is left to the rules.
    return result


def rules(schema, value, path):
    """Every CEL rule that applies: its text, whether it holds, and what is said where not."""
    for rule in schema.get("x-kubernetes-validations", []):
        if "oldSelf" in rule["rule"]:
            continue
        ok = bool(program(rule["rule"]).evaluate({"self": celpy.json_to_cel(value)}))
        yield rule["rule"], ok, f"{path}: {rule.get('message', rule['rule'])}"
    if isinstance(value, dict):
        for name, part in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if isinstance(inner, dict):
                yield from rules(inner, part, f"{path}.{name}")
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, part in enumerate(value):
            yield from rules(schema["items"], part, f"{path}[{index}]")


def _split(text, separator):
    return celtypes.ListType([celtypes.StringType(part) for part in str(text).split(str(separator))])


def _find(text, pattern):
    import re2
    match = re2.search(str(pattern), str(text))
    return celtypes.StringType(match.group(0) if match else "")


@functools.cache
def program(rule):
    environment = celpy.Environment()
    return environment.program(environment.compile(rule), functions={"split": _split, "find": _find})


def count(schema):
    """How many CEL rules a schema holds."""
    if isinstance(schema, list):
        return sum(count(one) for one in schema)
    if not isinstance(schema, dict):
        return 0
    own = len(schema["x-kubernetes-validations"]) if isinstance(schema.get("x-kubernetes-validations"), list) else 0
    return own + sum(count(value) for value in schema.values())
