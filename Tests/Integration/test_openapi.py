"""The OpenAPI document against what is served: schemathesis asks for whatever it allows, and for what it does not.

SDTEST_OPENAPI_SECONDS says how long (600 for a long look); the answers are judged by all checks that there are.
"""

import os
import pathlib
import subprocess
import sys

import pytest

from support import web
from support.processes import clean_environment

HERE = pathlib.Path(__file__).resolve().parent / "openapi"


def test_no_answer_is_undocumented_and_none_is_a_server_error(start_dev, programs, tmp_path):
    seconds = int(os.environ.get("SDTEST_OPENAPI_SECONDS", "50"))
    keys = tmp_path / "keys.yaml"
    made = programs.run("sdctl", "keys", "new", "tester", "--operator", "--api-keys", keys)
    assert made.returncode == 0, made.stderr
    dev = start_dev("--api-keys", keys, "--proxies", "1")
    assert web.get(f"{dev.url}/v1/tasks").status == 401
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run",
         f"{dev.url}/openapi.json", "--header", f"x-api-key: {made.stdout.strip()}", "--max-time", str(seconds),
         "--report", "ndjson", "--report-ndjson-path", tmp_path / "report.ndjson"],
        cwd=HERE, env=clean_environment(PYTHONPATH=str(HERE), TERM="dumb"), capture_output=True, text=True,
        timeout=seconds + 240)
    print(done.stdout[-8000:])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    # A run that tested nothing proves nothing. The document's own address is what it does not ask.
    methods = [method for path, item in web.get(f"{dev.url}/openapi.json").json["paths"].items() for method in item
               if method in ("get", "put", "post", "delete") and path != "/openapi.json"]
    assert f"Tested: {len(methods)}" in done.stdout, done.stdout[-3000:]
    assert dev.process.is_running
    errors = [event for event in dev.process.events if event.get("level") in ("error", "critical")]
    assert errors == []
