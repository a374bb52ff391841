"""What agents and jobs do for the pod around them: health, metrics, marks, exit statuses, sidecars."""

import json
import os
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import free_port
from support import web
from support.processes import Process
from support.waiting import wait_until
from support.webui import WebUI

COST = "controller.kubernetes.io/pod-deletion-cost"
DISRUPT = "karpenter.sh/do-not-disrupt"


def submit(gateway, task, runtime="sdruntime"):
    answer = web.post(f"{gateway.url}/v1/tasks", {
        "id": task, "runtime": runtime, "type": "text-to-image",
        "content": {"prompt": "a lighthouse", "width": 64, "height": 64, "steps": 1}})
    assert answer.status == 201, answer.text


def health_port(agent):
    return agent.wait_for(
        lambda: next((event["port"] for event in agent.events if event.get("message") == "health"), None), 20, "a health port")


def metric(text, line):
    return next((float(found.rsplit(" ", 1)[1]) for found in text.splitlines() if found.startswith(line)), None)


def test_health_and_metrics(start_gateway, start_agent):
    gateway = start_gateway()
    agent = start_agent("--backend", "test-pattern:", "--health-port", "0")
    url = f"http://127.0.0.1:{health_port(agent)}"
    wait_until(lambda: web.answers(f"{url}/readyz"), 20, "readiness")
    submit(gateway, "t1")
    done = 'sd_tasks_total{code="ok",runtime="sdruntime",state="succeeded"}'
    text = wait_until(
        lambda: (text := web.get(f"{url}/metrics").text) and metric(text, done) == 1 and text, 30, "a counted task")
    assert metric(text, 'sd_engine_ready{runtime="sdruntime"}') == 1
    assert metric(text, 'sd_stage_seconds_count{stage="infer"}') == 1
    assert metric(text, "sd_engine_busy_seconds_total") > 0
    assert metric(text, "sd_leases_lost_total") == 0
    wait_until(lambda: metric(web.get(f"{url}/metrics").text, 'sd_tasks_held{runtime="sdruntime"}') == 0, 10, "idleness")


class Kubernetes:
    """An API server's answer to patches of pods, over TLS, with a service account's folder as the kubelet mounts it."""

    def __init__(self, folder):
        folder.mkdir()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=kubernetes", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key",
             "-out", folder / "ca.crt"], check=True, capture_output=True)
        (folder / "token").write_text("secret-token")
        (folder / "namespace").write_text("pictures")
        self.folder, self.patches = folder, []
        patches = self.patches

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PATCH(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                patches.append((self.path, self.headers["Authorization"], body["metadata"]["annotations"]))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "ca.crt", folder / "key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self):
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.server.server_port),
                "HOSTNAME": "sd-0"}


@pytest.fixture
def kubernetes(tmp_path):
    if not shutil.which("openssl"):
        pytest.fail("openssl is missing: apt-get install openssl")
    api = Kubernetes(tmp_path / "account")
    yield api
    api.server.shutdown()


def test_a_busy_pod_is_marked(start_gateway, programs, state, kubernetes):
    gateway = start_gateway()
    agent = programs.start(
        "sd-agent", "--state", state.directory, "--runtime", "sdruntime", "--backend", "test-pattern:?seconds=2",
        "--log-format", "json", "--mark-pod", "--service-account", kubernetes.folder, **kubernetes.environment)
    agent.wait_for(lambda: kubernetes.patches, 20, "the first patch")
    submit(gateway, "t1")
    agent.wait_for(lambda: len(kubernetes.patches) >= 2, 20, "the marks")
    agent.wait_for(lambda: len(kubernetes.patches) >= 3, 30, "the marks' end")
    paths, tokens, annotations = zip(*kubernetes.patches)
    assert set(paths) == {"/api/v1/namespaces/pictures/pods/sd-0"}
    assert set(tokens) == {"Bearer secret-token"}
    off = {COST: None, DISRUPT: None}
    assert list(annotations) == [off, {COST: "1000", DISRUPT: "true"}, off]
    assert "secret-token" not in agent.text


def test_marking_outside_a_pod_is_refused(programs, state, runtimes_file):
    ended = programs.run(
        "sd-agent", "--state", state.directory, "--runtime", "sdruntime", "--backend", "test-pattern:", "--mark-pod")
    assert ended.returncode == 78
    assert "KUBERNETES_SERVICE_HOST" in ended.stderr


@pytest.fixture
def run_job(programs, state, runtimes_file):
    def run(*arguments):
        return programs.run(
            "sd-job", "--state", state.directory, "--runtime", "sdruntime-job", "--log-format", "json", *arguments)
    return run


def test_a_job_says_how_it_went(start_gateway, run_job):
    gateway = start_gateway()
    assert run_job("--backend", "test-pattern:").returncode == 0
    assert run_job("--backend", "test-pattern:", "--empty-status", "3").returncode == 3
    submit(gateway, "t1", "sdruntime-job")
    assert run_job("--backend", "test-pattern:", "--empty-status", "3").returncode == 0
    submit(gateway, "t2", "sdruntime-job")
    assert run_job("--backend", "test-pattern:?fail=engine_rejected").returncode == 1


def test_a_job_whose_engine_is_away_ends_with_an_empty_queue_and_waits_for_it_while_tasks_wait(start_gateway, run_job, state):
    gateway = start_gateway()
    away = ("--backend", f"webui+http://127.0.0.1:{free_port()}")
    assert run_job(*away, "--empty-status", "3").returncode == 3
    submit(gateway, "t1", "sdruntime-job")
    ended = run_job(*away, "--empty-status", "3", "--engine-wait", "3s")
    assert ended.returncode == 70 and "the engine did not come" in ended.stderr
    [(received,)] = state._rows("SELECT received FROM message")
    assert received == 0 and state.record("t1").state == "queued"
    assert run_job("--backend", "test-pattern:").returncode == 0


@pytest.fixture
def sidecar(logs, tmp_path):
    """A process beside the job, by a name that no other has."""
    name = f"sidecar-{os.getpid()}"
    shutil.copy("/bin/sleep", tmp_path / name)
    process = Process("sidecar", [tmp_path / name, "600"], logs)
    process.program = name
    yield process
    process.kill()


@pytest.fixture
def webui():
    engine = WebUI()
    yield engine
    engine.stop()


def test_a_job_ends_the_processes_beside_it(start_gateway, run_job, sidecar):
    gateway = start_gateway()
    submit(gateway, "t1", "sdruntime-job")
    assert run_job("--backend", "test-pattern:", "--stop-engine", "--stop-processes", f"xray-none, {sidecar.program}").returncode == 0
    assert sidecar.wait(10) == -15


def test_a_job_asks_an_engine_to_end_that_can_be_asked(start_gateway, run_job, webui):
    gateway = start_gateway()
    submit(gateway, "t1", "sdruntime-job")
    assert run_job("--backend", f"webui+{webui.url}").returncode == 0
    assert (len(webui.calls), webui.stops) == (1, 0)
    assert run_job("--backend", f"webui+{webui.url}", "--stop-engine").returncode == 0
    assert (len(webui.calls), webui.stops) == (1, 1)


@pytest.mark.parametrize("fault, status", [
    ({"SD_VISIBILITY": "soon"}, 78), ({"SD_NO_SUCH_KEY": "1"}, 78), ({"SD_STORE": "s4://nowhere"}, 78),
    ({"SD_STATE": "/proc/none"}, 70)], ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "")
def test_a_job_that_cannot_begin_ends_what_is_beside_it_all_the_same(programs, state, webui, sidecar, fault, status):
    environment = {"SD_STATE": state.directory, "SD_RUNTIME": "sdruntime-job"} | fault
    ended = programs.run("sd-job", "--backend", f"webui+{webui.url}", "--stop-engine", "--stop-processes", sidecar.program,
                         **environment)
    assert ended.returncode == status, ended.stderr
    assert webui.stops == 1 and sidecar.wait(10) == -15
