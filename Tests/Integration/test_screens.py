"""What sdctl's users see: its screens in a terminal, looked at whole. SDTEST_SHOTS names a folder for pictures of them:

    SDTEST_SHOTS=FOLDER make integration ARGS="-k screens"
"""

import json
import os
import pathlib
import re
import shlex
import shutil

import pytest

from support import browser
from support.aws import KEYS
from support.nodes import TOKEN
from support.registry import Registry
from support.screen import Screen, page
from support.waiting import wait_until
from test_deploy import Account as CloudAccount

COLUMNS = 110
IMAGES = "public.ecr.aws/sd/engine-forge:0.1.0,123456789012.dkr.ecr.us-east-1.amazonaws.com/sd/sd-agent:0.1.0"


@pytest.fixture(scope="module")
def photograph():
    """Takes a screen's picture, where pictures are wanted."""
    folder = os.environ.get("SDTEST_SHOTS")
    if not folder:
        yield lambda screen, name: None
        return
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.executable(), args=["--no-sandbox"])
        view = chromium.new_page(viewport={"width": 1100, "height": 700}, device_scale_factor=1.5)
        view.emulate_media(reduced_motion="reduce")

        def take(screen, name):
            view.set_content(page(screen.text(coloured=True)))
            view.locator("pre").screenshot(path=pathlib.Path(folder) / f"sdctl-{name}.png")
        yield take
        chromium.close()


@pytest.fixture
def show(binaries, tmp_path, photograph):
    """Runs sdctl on a screen; the caller says until what."""
    if shutil.which("tmux") is None:
        pytest.fail("tmux is not installed: run 'scripts/setup integration', or 'apt-get install tmux'")
    screens = []

    def show(name, *arguments, until=None, status=0, said=None, rows=30, **environment):
        folder = tmp_path / f"screen-{len(screens)}"
        folder.mkdir()
        given = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        screens.append(Screen(folder, given | environment, COLUMNS, rows))
        screen, words = screens[-1], shlex.join(map(str, arguments))
        screen.run(f"sdctl {said or words}", binaries / "sdctl", *arguments, cwd=tmp_path)
        if until:
            wait_until(lambda: re.search(until, screen.text()), 90, f"{until} on the screen of {words}, which has\n{screen.text()}")
        else:
            assert screen.wait_for_end() == status, screen.text()
        shown = screen.text()
        assert "Traceback" not in shown and "Optional(" not in shown and "Error Domain" not in shown, shown
        photograph(screen, name)
        return shown
    yield show
    for screen in screens:
        screen.stop()


# Tasks

def test_screens_of_a_task(start_dev, show):
    dev = start_dev("--backend", "test-pattern:?seconds=5")
    here = {"SDCTL_SERVER": dev.url}
    shown = show("submit", "submit", "--prompt", "a lighthouse at dusk", "--steps", "20", "--wait", "--out", "pictures",
                 until=r"\d+ ?%", **here)
    assert re.search(r"\d+ ?%", shown), shown
    wait_until(lambda: [task for task in tasks(dev) if task["state"] == "succeeded"], 60, "its success")
    done = dev.sdctl("submit", "--prompt", "a pier in the fog", "--id", "pier")
    assert done.returncode == 0
    assert "pier" in show("watch", "watch", "pier", until=r"\d+ ?%", **here)
    dev.wait_for("pier", "succeeded")
    shown = show("tasks-list", "tasks", "list", **here)
    assert "TASK" in shown.upper() and shown.count("succeeded") == 2
    assert "succeeded" in show("tasks-show", "tasks", "show", "pier", **here)
    shown = show("error", "tasks", "show", "nobody", status=4, **here)
    assert "nobody" in shown and len(shown.splitlines()) <= 4
    assert "cannot be reached" in show("unreachable", "tasks", "list", status=3, SDCTL_SERVER="http://127.0.0.1:1")


def tasks(dev):
    return json.loads(dev.sdctl("tasks", "list", "--output", "json").stdout)


def test_screens_of_queues_and_letters(start_dev, show, tmp_path):
    (tmp_path / "sd.yaml").write_text("max-attempts: 1\n")
    dev = start_dev("--backend", "test-pattern:?fail=engine_failed", "--config", tmp_path / "sd.yaml")
    for name in ("lighthouse", "pier"):
        assert dev.sdctl("submit", "--prompt", name, "--id", name, "--wait").returncode == 1
    dev.state.put("sdruntime", '{"metadata": {"id": "third", "runtime": "sdruntime", "tasktype": "text-to-imag"}, "content": {"prompt": "a"}}')
    wait_until(lambda: dev.state.waiting("sdruntime-dlq") == 3, 60, "three letters")
    where = ("--state", dev.state.directory)
    assert "sdruntime" in show("queue-stats", "queue", "stats", *where, said="queue stats --state ./state")
    runtime = (*where, "--runtime", "sdruntime")
    shown = show("dlq-list", "dlq", "list", *runtime, said="dlq list --state ./state --runtime sdruntime")
    assert "engine_failed" in shown and "poison" in shown
    letter = re.search(r"^(\S+) .*poison", shown, re.MULTILINE).group(1)
    shown = show("dlq-show", "dlq", "show", letter, *runtime, said=f"dlq show {letter} --state ./state --runtime sdruntime")
    assert "text-to-imag" in shown
    assert "[y/N]" in show("dlq-drop", "dlq", "drop", "--all", *runtime, said="dlq drop --all --state ./state --runtime sdruntime",
                           until=re.escape("[y/N]"))


# AWS

def test_screens_of_a_snapshot(account, show, tmp_path):
    account.offers("public.ecr.aws/sd/engine-forge:0.1.0", "1" * 64, until=str(tmp_path / "go"))
    account.offers(IMAGES.split(",")[1], "2" * 64, user=f"AWS:{TOKEN}")
    registry = Registry()
    image = registry.push("app", "1", "3" * 64)
    try:
        shown = show("snapshot-dry-run", "snapshot", "create", "--dry-run", image, **account.environment)
    finally:
        registry.stop()
    assert "no snapshot" in shown and "sha256:3333" in shown
    shown = show("snapshot-progress", "snapshot", "create", "--output-parameter", "/nodes/snapshot", IMAGES,
                 until=r"engine-forge.*\d+ s|pulled", **account.environment)
    assert "engine-forge" in shown
    (tmp_path / "go").touch()
    wait_until(lambda: not account.temporary()["stacks"], 60, "the end")
    assert "snap-" in show("snapshot-list", "snapshot", "list", **account.environment)


def test_screens_of_a_deployment(programs, tmp_path, show):
    account = CloudAccount(programs, tmp_path)
    try:
        config = ("--config", account.config)
        shown = show("deploy-plan", "deploy", *config, said="deploy --config config.yaml", until=re.escape("[y/N]"),
                     **account.environment)
        assert "to be created" in shown
        shown = show("deploy-progress", "deploy", *config, "--yes", said="deploy --config config.yaml --yes", rows=40,
                     **account.environment)
        assert "CREATE_COMPLETE" in shown
        show("deploy-status", "deploy", "status", *config, said="deploy status --config config.yaml", status=1, **account.environment)
    finally:
        account.moto.stop()


def test_screens_of_models_on_their_way(moto, show):
    from test_models import MIB, Relay
    relay = Relay(moto.url)
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="models-on-screen")
    for name, size in (("v1-5-pruned-emaonly.safetensors", 9), ("sdxl-base.safetensors", 14), ("vae.safetensors", 2)):
        s3.put_object(Bucket="models-on-screen", Key=f"checkpoints/{name}", Body=os.urandom(size * MIB))
    try:
        relay.gate.clear()
        relay.budget = 12 * MIB
        shown = show("models-pull", "models", "pull", "s3://models-on-screen/checkpoints/", "models", until=r"\d+ ?%",
                     **KEYS, AWS_ENDPOINT_URL=relay.url)
        assert "safetensors" in shown or "MiB" in shown
    finally:
        relay.gate.set()
        relay.stop()
