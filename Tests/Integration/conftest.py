"""Fixtures: the built programs, a state directory, the whole system in one process, a real engine."""

import itertools
import os
import pathlib
import shutil
import socket

import pytest

from support import web
from support.aws import Deployment, Moto
from support.aws_proxy import Proxy
from support.cloud import Cloud
from support.folder_server import FolderServer
from support.nodes import Account
from support.processes import Process, Programs, clean_environment
from support.state import State
from support.waiting import wait_until
from support.webui import WebUI

# The browser at the dashboard.
pytest_plugins = ["support.dashboard"]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = "v1-5-pruned-emaonly.safetensors"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tells fixtures how the test went, so that a failure shows what the programs said."""
    report = yield
    setattr(item, f"report_{report.when}", report)
    return report


@pytest.fixture(scope="session")
def binaries():
    folder = pathlib.Path(os.environ.get("SDTEST_BIN", ROOT / ".build" / "debug"))
    return folder if folder.is_absolute() else ROOT / folder


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def programs(binaries, logs, request):
    programs = Programs(binaries, logs)
    yield programs
    programs.stop_all()
    if any(getattr(request.node, f"report_{when}", None) and getattr(request.node, f"report_{when}").failed
           for when in ("setup", "call")):
        for process in programs.started:
            print(process.tail())


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


class Dev:
    """`sdctl dev` on a free port."""

    def __init__(self, programs, state, *arguments):
        self.programs, self.state = programs, state
        self.process = programs.start(
            "sdctl", "dev", "--port", "0", "--state", state.directory, "--log-format", "json", *arguments)
        self.url = self.process.address()
        self.process.wait_for(lambda: web.answers(f"{self.url}/readyz"), 30, "readiness")

    def sdctl(self, *arguments, **options):
        return self.programs.run("sdctl", *arguments, "--server", self.url, **options)

    def task(self, task):
        return web.get(f"{self.url}/v1/tasks/{task}").json

    def wait_for(self, task, *states, limit=30):
        return wait_until(
            lambda: (found := self.task(task)).get("state") in states and found, limit, f"{task} becoming {states}")


@pytest.fixture
def start_dev(programs, state):
    return lambda *arguments: Dev(programs, state, *arguments)


@pytest.fixture
def dev(start_dev):
    return start_dev()


def free_port():
    """A port that was free just now, for programs that cannot choose one and tell."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def run_engine():
    """Starts a real engine with a tiny random model, on a port or any that is free. See scripts/build-engine."""
    folder = pathlib.Path(os.environ.get("SDTEST_ENGINE", ""))
    if not (folder / "sd-server").is_file():
        pytest.fail("there is no real engine: run 'make engine', or 'make integration', which does")
    started = []

    def run(logs, port=None, text_encoder=True):
        # Without its text encoder it starts, and segfaults over the first request.
        encoder = ["--clip_l", folder / "models/tiny-clip_l.safetensors"] if text_encoder else []
        for _ in range(5):  # somebody else may take a free port in between
            chosen = port or free_port()
            server = Process(
                f"sd-server-{chosen}",
                [folder / "sd-server", "-l", "127.0.0.1", "--listen-port", chosen, "-t", "1", "--steps", "2",
                 "--diffusion-model", folder / "models/tiny-flux.safetensors",
                 *encoder, "--taesd", folder / "models/tiny-tae.safetensors",
                 "--cfg-scale", "1", "--sampling-method", "euler", "--lora-model-dir", folder / "loras"],
                logs, clean_environment())
            started.append(server)
            server.url = f"http://127.0.0.1:{chosen}"
            wait_until(
                lambda: not server.is_running or web.answers(f"{server.url}/sdapi/v1/options"), 60, "the engine's start")
            if server.is_running:
                return server
        pytest.fail(f"the engine does not start\n{server.tail()}")

    yield run
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def engine(run_engine, tmp_path_factory):
    """A real engine that all tests share: its address."""
    logs = tmp_path_factory.mktemp("engine")
    yield run_engine(logs).url
    shutil.rmtree(logs, ignore_errors=True)


@pytest.fixture
def serve_folder():
    """Serves folders on ports of their own."""
    started = []

    def serve(folder, **options):
        started.append(FolderServer(folder, **options))
        return started[-1]

    yield serve
    for server in started:
        server.stop()


@pytest.fixture
def runtimes_file(state):
    """The catalog that processes on one directory share, as dev mode would make it."""
    state.directory.mkdir(parents=True, exist_ok=True)
    path = state.directory / "runtimes.yaml"
    path.write_text(
        f"runtimes:\n  - name: sdruntime\n    engine: test-pattern\n    model: {MODEL}\n"
        f"  - name: sdruntime-job\n    engine: test-pattern\n    model: {MODEL}\n    job: true\n")
    return path


@pytest.fixture
def start_gateway(programs, state, runtimes_file):
    def start(*arguments, name="gateway"):
        gateway = programs.start(
            "sd-gateway", "--state", state.directory, "--port", "0", "--log-format", "json", *arguments, name=name)
        gateway.url = gateway.address()
        gateway.wait_for(lambda: web.answers(f"{gateway.url}/readyz"), 30, "readiness")
        return gateway
    return start


@pytest.fixture
def start_agent(programs, state, runtimes_file):
    def start(*arguments, runtime="sdruntime", name=None):
        return programs.start(
            "sd-agent", "--state", state.directory, "--runtime", runtime, "--log-format", "json", *arguments, name=name)
    return start


@pytest.fixture(scope="session")
def moto():
    """AWS, for all tests: each has queues, buckets and topics of its own."""
    moto = Moto()
    yield moto
    moto.stop()


_deployments = itertools.count()


@pytest.fixture
def deploy(moto, request):
    """Makes what the infrastructure makes; SQS allows names of 80 characters, S3 of 63, and we add to them."""
    words = request.node.name.replace("[", "-").rstrip("]").replace("_", "-").lower()
    name = "".join(letter for letter in words if letter.isalnum() or letter == "-")[:40].strip("-")
    return lambda **settings: Deployment(moto, f"{name}-{next(_deployments)}", **settings)


@pytest.fixture
def webui():
    webui = WebUI()
    yield webui
    webui.stop()


@pytest.fixture
def make_cloud(deploy, moto, webui, programs):
    """Makes a deployment behind a proxy, with an engine: what a fault on AWS happens to."""
    proxies = []

    def make(**settings):
        proxies.append(Proxy(moto.url))
        return Cloud(deploy(proxy=proxies[-1], **settings), proxies[-1], webui, programs)

    yield make
    for proxy in proxies:
        proxy.stop()


@pytest.fixture
def cloud(make_cloud):
    return make_cloud()


@pytest.fixture
def brief_cloud(make_cloud):
    """One whose leases run for three seconds, so that what a killed agent held is soon had again."""
    return make_cloud(visibility=3)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """An account of AWS with Bottlerocket nodes, for all tests of a file."""
    with Account(tmp_path_factory.mktemp("account")) as account:
        yield account


@pytest.fixture
def account(nodes):
    """The same, emptied."""
    nodes.begin()
    yield nodes
    nodes.end()
