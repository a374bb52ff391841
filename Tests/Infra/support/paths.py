"""Where things are in the repository."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
CHART = ROOT / "charts" / "stable-diffusion"
INFRA = ROOT / "infra"
IMAGES = ROOT / "images"
DOCS = ROOT / "docs"
WORKFLOWS = ROOT / ".github" / "workflows"
# KEDA's and Karpenter's definitions, which are not part of the repository.
CRDS = ROOT.parent / "shared" / "crds"
CI_VALUES = sorted(CHART.glob("ci/*-values.yaml"))


def feature(path):
    """What a values file of ci/ shows: its name without the ending."""
    return path.name.removesuffix("-values.yaml")
