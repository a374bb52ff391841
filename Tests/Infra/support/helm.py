"""The chart as real helm renders it."""

import functools
import os
import pathlib
import subprocess

from support import strictyaml
from support.paths import CHART, CI_VALUES, ROOT, feature

RELEASE = "sdruntime"
NAMESPACE = "pictures"


def programs():
    """Helm 3 and helm 4, by name; fails with what to do where one is missing."""
    where = subprocess.run([ROOT / "scripts" / "fetch-helm", "--where"], check=True, capture_output=True, text=True)
    folder = pathlib.Path(where.stdout.strip())
    found = {name: folder / name for name in ("helm3", "helm4")}
    missing = [name for name, path in found.items() if not os.access(path, os.X_OK)]
    if missing:
        raise FileNotFoundError(f"{' and '.join(missing)} are not in {folder}: run scripts/fetch-helm")
    return found


def run(program, *arguments, check=True):
    result = subprocess.run([programs()[program], *arguments], capture_output=True, text=True, timeout=60)
    if check and result.returncode:
        raise AssertionError(f"{program} {' '.join(map(str, arguments))}\n{result.stderr}")
    return result


@functools.cache
def text(values, program="helm3", sets=()):
    """What a values file renders to; `sets` are further `--set` arguments."""
    extra = [part for one in sets for part in ("--set", one)]
    return run(program, "template", RELEASE, CHART, "--namespace", NAMESPACE, "--values", values, *extra).stdout


def refusal(values, *sets):
    """The message by which helm refuses values."""
    extra = [part for one in sets for part in ("--set", one)]
    result = run("helm3", "template", RELEASE, CHART, "--values", values, *extra, check=False)
    assert result.returncode != 0, f"{values} with {sets} was rendered"
    return result.stderr


class Manifests:
    """Rendered objects, by kind."""

    def __init__(self, documents):
        self.documents = documents

    def all(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind, suffix=""):
        found = [document for document in self.all(kind) if document["metadata"]["name"].endswith(suffix)]
        assert len(found) == 1, f"{len(found)} of {kind} *{suffix}"
        return found[0]

    @property
    def pod(self):
        """The runtime's pod: its metadata and spec."""
        for document in self.all("Deployment"):
            if document["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "runtime":
                return document["spec"]["template"]
        return self.one("ScaledJob")["spec"]["jobTargetRef"]["template"]

    @property
    def containers(self):
        """All containers of the runtime's pod, by name."""
        spec = self.pod["spec"]
        return {one["name"]: one for one in spec.get("initContainers", []) + spec["containers"]}

    def environment(self, container):
        """The plain variables of a container."""
        return {one["name"]: one["value"] for one in self.containers[container]["env"] if "value" in one}


def render(name, *sets):
    """The objects of the values file of a feature."""
    path = CHART / "ci" / f"{name}-values.yaml"
    return Manifests(strictyaml.load_all(text(path, "helm3", tuple(sets))))


def runtimes():
    """The features whose release holds a runtime."""
    return [feature(path) for path in CI_VALUES if feature(path) != "gateway-alone"]
