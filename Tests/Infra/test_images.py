"""Dockerfiles, what starts in them, and scripts/images. No image is built: that needs an engine and the network."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support import helm, strictyaml
from support.paths import IMAGES, ROOT
from support.recorder import Recorder

DOCKERFILES = sorted(IMAGES.glob("*/Dockerfile"))
NAMES = ["sd-agent", "sd-job", "sd-gateway", "sdctl", "sd-guard", "engine-forge", "engine-a1111", "engine-comfyui"]
# What the contracts with the engines were read from.
VERSIONS = [("engine-webui", "FORGE_COMMIT=dfdcbab685e57677014f05a3309b48cc87383167"),
            ("engine-webui", "A1111_COMMIT=82a973c04367123ae98bd9abdf80d9eda9b910e2"),
            ("engine-comfyui", "COMFYUI_VERSION=v0.3.64")]


def name(path):
    return path.parent.name


@pytest.mark.parametrize("path", DOCKERFILES, ids=name)
def test_the_linter_has_nothing_to_say(path):
    hadolint = pathlib.Path(sys.executable).with_name("hadolint")
    result = subprocess.run([hadolint, path], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("path", DOCKERFILES, ids=name)
def test_bases_are_exact_and_nobody_is_root(path):
    text = path.read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.M))
    for base in re.findall(r"^FROM (\S+)", text, re.M):
        if base not in stages | {"scratch", "source-${WEBUI}"}:
            assert re.fullmatch(r"[a-z]+:[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z0-9]+)*(@sha256:[0-9a-f]{64})?", base), base
    users = re.findall(r"^USER (\S+)", text, re.M)
    assert users and all(user in ("10000:10000", "10001:10001") for user in users) or name(path) == "guard"


@pytest.mark.parametrize("path", DOCKERFILES, ids=name)
def test_what_is_copied_is_there(path):
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", path.read_text(), re.M):
        for source in sources.split():
            assert (ROOT / source).exists(), source


def test_what_is_copied_is_not_ignored():
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    for path in DOCKERFILES:
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", path.read_text(), re.M):
            assert not {source.split("/")[0] for source in sources.split()} & set(ignored)


@pytest.mark.parametrize("engine,version", VERSIONS)
def test_engines_have_the_versions_that_their_apis_were_read_from(engine, version):
    assert f"ARG {version}\n" in (IMAGES / engine / "Dockerfile").read_text()


def test_users_are_those_of_the_chart():
    containers = helm.render("minimal").containers
    for engine, _ in VERSIONS:
        assert f"USER {containers['engine']['securityContext']['runAsUser']}:" in (IMAGES / engine / "Dockerfile").read_text()
    programs = (IMAGES / "programs" / "Dockerfile").read_text()
    assert set(re.findall(r"^USER (\d+):", programs, re.M)) == {str(containers["agent"]["securityContext"]["runAsUser"])}
    assert "HOME=/data" in (IMAGES / "engine-webui" / "Dockerfile").read_text() and "/data" in str(containers["engine"])


def test_the_charts_images_are_built():
    used = set()
    for feature in helm.runtimes() + ["gateway-alone"]:
        used |= set(re.findall(r"registry\.example/sd/([a-z0-9-]+)[:@]", helm.text(
            ROOT / "charts" / "stable-diffusion" / "ci" / f"{feature}-values.yaml")))
    assert used <= set(NAMES), used - set(NAMES)
    targets = re.findall(r"^FROM base AS (\S+)", (IMAGES / "programs" / "Dockerfile").read_text(), re.M)
    assert targets == ["sd-agent", "sd-job", "sd-gateway", "sdctl"]


class TestStart:
    """What is run in an engine's container, with a python3 that only writes down its arguments."""

    @pytest.fixture
    def start(self, tmp_path):
        recorder = Recorder(tmp_path / "bin")
        recorder.program("python3")
        models = tmp_path / "models"
        for place in ("Stable-diffusion/a.safetensors", "Lora/l.safetensors", "checkpoints/c.safetensors"):
            (models / place).parent.mkdir(parents=True, exist_ok=True)
            (models / place).write_text("x")
        home = tmp_path / "home"
        home.mkdir()
        (home / ".flags").write_text("--disable-mmap\n")

        def run(script, **settings):
            return subprocess.run(
                [IMAGES / script], capture_output=True, text=True, timeout=20, env={
                    **recorder.environment, "DATA_DIR": str(tmp_path / "data"), "ENGINE_HOME": str(home),
                    "MODELS_DIR": str(models), **settings})

        run.recorder, run.data, run.models = recorder, tmp_path / "data", models
        return run

    def flags(self, start):
        [call] = start.recorder.calls
        return call

    def test_a_web_ui_serves_its_api_on_loopback_only(self, start):
        assert start("engine-webui/start.sh", SD_MODEL_CHECKPOINT="a.safetensors").returncode == 0
        flags = self.flags(start)
        assert flags[:3] == ["python3", "launch.py", "--nowebui"]
        assert flags[flags.index("--server-name") + 1] == "127.0.0.1" and flags[flags.index("--port") + 1] == "8080"
        assert flags[flags.index("--ckpt") + 1] == str(start.models / "Stable-diffusion" / "a.safetensors")
        assert "--listen" not in flags and "--skip-prepare-environment" in flags
        assert json.loads((start.data / "config.json").read_text())["disable_mmap_load_safetensors"] is True
        assert os.readlink(start.data / "models" / "Lora") == str(start.models / "Lora")

    def test_models_of_comfyuis_folders_are_found_too(self, start):
        assert start("engine-webui/start.sh", SD_MODEL_CHECKPOINT="c.safetensors").returncode == 0
        assert self.flags(start)[-1] == str(start.models / "checkpoints" / "c.safetensors")

    def test_a_model_that_is_not_there_is_said_with_those_that_are(self, start):
        result = start("engine-webui/start.sh", SD_MODEL_CHECKPOINT="b.safetensors")
        assert result.returncode == 1 and not start.recorder.calls
        assert "b.safetensors is not under" in result.stderr and "a.safetensors" in result.stderr

    def test_tasks_that_choose_the_model_find_none_loaded(self, start):
        assert start("engine-webui/start.sh", SD_MODEL_CHECKPOINT="b.safetensors", DYNAMIC_SD_MODEL="true").returncode == 0
        assert "--ckpt" not in self.flags(start)

    def test_flags_and_address_of_the_chart_are_taken(self, start):
        start("engine-webui/start.sh", EXTRA_CMD_ARG="--medvram --no-half-vae", ENGINE_ADDRESS="0.0.0.0", ENGINE_PORT="9000")
        flags = self.flags(start)
        assert flags[-2:] == ["--medvram", "--no-half-vae"] and "0.0.0.0" in flags and "9000" in flags

    def test_a_second_start_keeps_the_settings(self, start):
        start("engine-webui/start.sh")
        (start.data / "config.json").write_text("{}")
        assert start("engine-webui/start.sh").returncode == 0 and (start.data / "config.json").read_text() == "{}"

    def test_comfyui_writes_nowhere_else(self, start):
        assert start("engine-comfyui/start.sh", EXTRA_CMD_ARG="--fast").returncode == 0
        flags = self.flags(start)
        assert flags[1] == "main.py" and flags[flags.index("--listen") + 1] == "127.0.0.1"
        assert flags[-2:] == ["--disable-mmap", "--fast"]
        for flag in ("--output-directory", "--input-directory", "--user-directory", "--temp-directory"):
            assert flags[flags.index(flag) + 1].startswith(str(start.data))
        paths = strictyaml.load((start.data / "model-paths.yaml").read_text())["models"]
        assert paths["base_path"] == str(start.models)
        assert paths["checkpoints"].split() == ["checkpoints", "Stable-diffusion"]


class TestScript:
    """scripts/images with a docker that only writes down its arguments."""

    DIGEST = "sha256:" + "a" * 64

    @pytest.fixture
    def images(self, tmp_path):
        tree = tmp_path / "tree"
        for part in ("scripts/images", "charts/stable-diffusion/Chart.yaml"):
            (tree / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, tree / part)
        shutil.copytree(IMAGES, tree / "images", ignore=shutil.ignore_patterns("digests.yaml"))
        recorder = Recorder(tmp_path / "bin")
        recorder.program("docker", f'case "$1 $2 $3" in "buildx imagetools inspect") echo {self.DIGEST};; esac')

        def run(*arguments, **settings):
            return subprocess.run([tree / "scripts" / "images", *arguments], capture_output=True, text=True, timeout=30,
                                  env={**recorder.environment, **settings})

        run.recorder, run.tree = recorder, tree
        return run

    def test_it_lists_what_there_is(self, images):
        assert images("list").stdout.split() == NAMES

    def test_it_builds_each_from_its_file(self, images):
        assert images("build").returncode == 0
        builds = [call for call in images.recorder.calls if call[1:3] == ["buildx", "build"]]
        assert [call[call.index("--tag") + 1] for call in builds] == [f"{one}:0.1.0" for one in NAMES]
        for call in builds:
            assert (images.tree / call[call.index("--file") + 1]).exists()
            assert call[call.index("--platform") + 1] == "linux/amd64" and "--provenance=false" in call
        targets = [call[call.index("--target") + 1] for call in builds if "--target" in call]
        assert targets == NAMES[:4]
        webuis = [call[call.index("--build-arg") + 1] for call in builds if "--build-arg" in call]
        assert webuis == ["WEBUI=forge", "WEBUI=a1111"]

    def test_it_pushes_to_a_registry_and_makes_missing_repositories(self, images):
        images.recorder.program("aws", '[ "$2" != describe-repositories ]')
        registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/sd"
        assert images("push", registry + "/", "sd-agent", TAG="9.9.9").returncode == 0
        calls = images.recorder.calls
        assert ["docker", "push", f"{registry}/sd-agent:9.9.9"] in calls
        [made] = [call for call in calls if call[1:3] == ["ecr", "create-repository"]]
        assert made[made.index("--repository-name") + 1] == "sd/sd-agent"
        assert made[made.index("--region") + 1] == "eu-central-1"

    def test_it_records_digests(self, images):
        assert images("digests", "registry.example/sd").returncode == 0
        recorded = strictyaml.load((images.tree / "images" / "digests.yaml").read_text())
        assert recorded == {"registry": "registry.example/sd", "tag": "0.1.0", "images": {one: self.DIGEST for one in NAMES}}

    def test_no_digest_is_made_up(self, images):
        images.recorder.program("docker", 'case "$2" in imagetools) echo "<no value>";; esac')
        result = images("digests", "registry.example/sd")
        assert result.returncode == 1 and "has no digest" in result.stderr
        assert not list((images.tree / "images").glob("digests.yaml*"))

    def test_it_asks_for_the_digests_of_all_bases(self, images):
        lines = images("bases").stdout.split("\n")
        assert f"FROM debian:12.12-slim@{self.DIGEST}" in lines and f"FROM swift:6.3.1-bookworm@{self.DIGEST}" in lines

    @pytest.mark.parametrize("arguments,message", [
        (["build", "sd-agnet"], "there is no image sd-agnet"), (["push"], "say where"), (["digests"], "say where"),
        ([], "scripts/images build"),
    ])
    def test_it_says_what_is_wrong(self, images, arguments, message):
        result = images(*arguments)
        assert result.returncode != 0 and message in result.stderr
        assert not [call for call in images.recorder.calls if call[1] in ("buildx", "push")]

    def test_a_failed_build_ends_it(self, images):
        images.recorder.program("docker", '[ "$1" = version ]')
        result = images("build", "sd-agent", "sd-job")
        assert result.returncode == 1 and "sd-agent was not built" in result.stderr

    def test_without_an_engine_it_says_so(self, images):
        images.recorder.program("docker", "exit 1")
        assert "no Docker engine answers" in images("build").stderr
