"""What is checked loudly: tools that are missing fail, definitions that are not there warn."""

import warnings

import pytest

from support import crds, helm
from support.paths import CRDS


@pytest.fixture(scope="session", autouse=True)
def helm_programs():
    """Real helm, both of them; nothing here is worth much without."""
    return helm.programs()


@pytest.fixture(scope="session")
def definitions():
    """KEDA's and Karpenter's definitions, where somebody laid them beside the repository."""
    if not CRDS.is_dir():
        message = f"{CRDS} is not there: KEDA's and Karpenter's objects were NOT checked against their definitions"
        warnings.warn(message)
        pytest.skip(message)
    return crds.Definitions()
