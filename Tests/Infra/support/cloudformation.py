"""CloudFormation templates as data: short forms of functions read as their long ones, and conditions worked out."""

import re

import yaml

from support.paths import INFRA
from support.strictyaml import StrictLoader

NO_VALUE = object()
PSEUDO = {
    "AWS::AccountId": "123456789012", "AWS::Region": "us-west-2", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "sd", "AWS::NoValue": NO_VALUE,
}


class Loader(StrictLoader):
    pass


def _function(loader, tag, node):
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _function)


class Template:
    def __init__(self, name):
        self.name = name
        self.data = yaml.load((INFRA / name).read_text(), Loader)
        self.resources = self.data["Resources"]
        self.outputs = self.data["Outputs"]
        self.parameters = self.data["Parameters"]

    def deployed(self, **parameters):
        """The resources that exist for these parameters, their functions worked out."""
        unknown = parameters.keys() - self.parameters.keys()
        assert not unknown, f"{self.name} has no parameter {unknown}"
        values = {name: parameters.get(name, one.get("Default")) for name, one in self.parameters.items()}
        missing = [name for name, value in values.items() if value is None]
        assert not missing, f"{self.name} needs {missing}"
        for name, one in self.parameters.items():
            if "AllowedPattern" in one and isinstance(values[name], str):
                assert re.search(one["AllowedPattern"], values[name]), f"{name}: {values[name]}"
            if one["Type"].startswith(("CommaDelimitedList", "List<")) and isinstance(values[name], str):
                values[name] = values[name].split(",")
        return Deployment(self, values)


class Deployment:
    def __init__(self, template, values):
        self.template, self.values = template, values
        self.resources = {
            name: self.resolve(resource) for name, resource in template.resources.items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }

    def of_type(self, kind):
        return {name: one for name, one in self.resources.items() if one["Type"] == kind}

    def holds(self, condition):
        return bool(self.resolve(self.template.data["Conditions"][condition]))

    def resolve(self, value):
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            method = getattr(self, "_" + name.removeprefix("Fn::"), None) if name.startswith("Fn::") else None
            if name == "Ref":
                return self.reference(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if method:
                return method(argument)
        return {name: one for name, one in ((name, self.resolve(one)) for name, one in value.items()) if one is not NO_VALUE}

    def reference(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        return self.values[name] if name in self.values else f"<{name}>"

    def _If(self, argument):
        return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])

    def _Equals(self, argument):
        first, second = map(self.resolve, argument)
        return str(first) == str(second)

    def _Not(self, argument):
        return not self.resolve(argument[0])

    def _And(self, argument):
        return all(map(self.resolve, argument))

    def _Or(self, argument):
        return any(map(self.resolve, argument))

    def _Join(self, argument):
        return argument[0].join(self.resolve(argument[1]))

    def _Select(self, argument):
        values = self.resolve(argument[1])
        return values[int(argument[0])] if isinstance(values, list) else f"<{argument[0]} of {values}>"

    def _GetAtt(self, argument):
        return f"<{argument[0]}.{argument[1]}>"

    def _GetAZs(self, argument):
        return ["us-west-2a", "us-west-2b", "us-west-2c"]

    def _Cidr(self, argument):
        return [f"<part {number}>" for number in range(int(argument[1]))]

    def _Sub(self, argument):
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))

        def replace(match):
            name = match[1]
            if name in own:
                return str(own[name])
            return str(self.reference(name)) if "." not in name else f"<{name}>"

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", replace, text)


TEMPLATES = sorted(path.name for path in INFRA.glob("*.yaml") if "Resources:" in path.read_text())
