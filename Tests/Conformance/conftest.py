"""What AWSKit is compared with: botocore in two versions, the probe that drives AWSKit, moto."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tls_server import make_certificate

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REFERENCE = HERE / "reference"

# How many cases of each operation; the short form is for CI.
COUNT = int(os.environ.get("SDTEST_CASES", "30"))
SEED = int(os.environ.get("SDTEST_SEED", "1"))
# What hangs is ended; many cases on a busy machine are not.
LIMIT = 1200 + 6 * COUNT


def python_for(service):
    """SQS needs a botocore that speaks its query protocol: see requirements-sqs.txt."""
    if service != "sqs":
        return sys.executable
    found = ROOT / ".venv-sqs" / "bin" / "python"
    if not found.exists():
        pytest.fail("there is no .venv-sqs: run 'scripts/setup conformance', or 'make conformance', which does")
    return found


@pytest.fixture(scope="session")
def binaries():
    folder = pathlib.Path(os.environ.get("SDTEST_BIN", ROOT / ".build" / "debug"))
    return folder if folder.is_absolute() else ROOT / folder


@pytest.fixture(scope="session")
def probe(binaries):
    """Runs the probe; its JSON lines."""
    def run(*arguments, lines=(), limit=LIMIT):
        done = subprocess.run([binaries / "awskit-probe", *map(str, arguments)], input="".join(f"{line}\n" for line in lines),
                              capture_output=True, text=True, timeout=limit)
        assert done.returncode == 0, f"awskit-probe {arguments} ended with {done.returncode}: {done.stderr[-2000:]}"
        return [json.loads(line) for line in done.stdout.splitlines()]
    return run


@pytest.fixture(scope="session")
def reference():
    """Runs a program of reference/; its lines."""
    def run(program, *arguments, service=None, limit=LIMIT):
        done = subprocess.run([python_for(service), REFERENCE / program, *map(str, arguments)], capture_output=True,
                              text=True, timeout=limit)
        assert done.returncode == 0, f"{program} ended with {done.returncode}: {done.stderr[-3000:]}"
        return done.stdout.splitlines()
    return run


@pytest.fixture(scope="session")
def swift_test():
    """Runs suites of the built Swift tests with variables set; how many tests ran."""
    def run(suites, variables, limit=LIMIT):
        done = subprocess.run(
            ["swift", "test", "--skip-build", "--disable-xctest", "--filter", f"AWSKitTests\\.({suites})"], cwd=ROOT,
            env=os.environ | variables, capture_output=True, text=True, timeout=limit)
        ended = re.search(r"Test run with (\d+) tests?.* passed", done.stdout)
        assert done.returncode == 0 and ended, (done.stdout + done.stderr)[-6000:]
        return int(ended.group(1))
    return run


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A folder with a certificate for localhost and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))
