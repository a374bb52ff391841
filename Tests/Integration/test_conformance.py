"""The two earlier doors, case by case, over HTTP and as a Lambda function: their statuses, their words, and nothing else.

Every case goes through the built program three times: on a socket, and behind API Gateway's two kinds of events.
"""

import copy
import hashlib
import json

import pytest

from conftest import MODEL
from support import web
from support.lambda_runtime import LambdaRuntime
from support.processes import Programs
from support.state import State

KEY, SLOW_KEY = "a-key-of-a-client", "a-key-that-is-good-for-little"
CAT = "https://huggingface.co/datasets/huggingface/documentation-images/resolve/main/diffusers/cat.png"
XL = "sd_xl_turbo_1.0.safetensors"
INCORRECT = "Incorrect payload structure"
LARGE = 1 << 20


class Door:
    """The built gateway behind one carrier of requests."""

    def __init__(self, carrier, programs, folder):
        self.state = State(folder / "state")
        self.state.directory.mkdir()
        (self.state.directory / "runtimes.yaml").write_text(
            f"runtimes:\n  - {{name: sdruntime, engine: webui, model: {XL}}}\n"
            f"  - {{name: sdruntime-job, engine: webui, model: {MODEL}, job: true}}\n")
        keys = folder / "keys.yaml"
        keys.write_text(
            f"keys:\n  - {{name: client, sha256: {digest(KEY)}}}\n"
            f"  - {{name: slow, sha256: {digest(SLOW_KEY)}, rate: 0.001, burst: 1}}\n")
        arguments = ["--state", self.state.directory, "--log-format", "json", "--api-keys", keys]
        self.runtime = None
        if carrier == "http":
            self.process = programs.start("sd-gateway", "--port", "0", *arguments)
            self.url = self.process.address()
            self.process.wait_for(lambda: web.answers(f"{self.url}/readyz"), 30, "readiness")
        else:
            self.runtime = LambdaRuntime()
            self.version = {"rest": 1, "http-api": 2}[carrier]
            self.process = programs.start("sd-gateway", *arguments, AWS_LAMBDA_RUNTIME_API=self.runtime.authority)
            assert self.call("GET", "/readyz")[0] == 200

    def call(self, method, path, body=b"", key=KEY):
        """Status, media type and text."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"x-api-key": key} if key else {})
        if self.runtime:
            status, told, content = self.runtime.request(self.version, method, path, body, headers)
        else:
            answer = web.request(method, self.url + path, body or None, headers)
            status, told, content = answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body
        return status, told.get("content-type", "").split(";")[0], content.decode()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module", params=["http", "rest", "http-api"])
def door(request, binaries, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"door-{request.param}")
    (folder / "logs").mkdir()
    programs = Programs(binaries, folder / "logs")
    door = Door(request.param, programs, folder)
    yield door
    programs.stop_all()
    if door.runtime:
        door.runtime.stop()


# The requests that both systems document.

REFERENCE = {
    "alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": MODEL, "id_task": "307", "uid": "456",
                         "save_dir": "outputs"},
    "prompt": "A dog", "steps": 16, "width": 512, "height": 512, "sdname": "sdruntime-jobAddon"}

SCRIPTS = {
    "alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": XL, "id_task": "test-t2i", "save_dir": "outputs"},
    "prompt": "A dog", "steps": 16, "width": 512, "height": 512}

ANIMATION = {"AnimateDiff": {"args": [{"batch_size": 16, "enable": True, "format": ["GIF"], "fps": 8, "video_length": 32}]}}


def metadata(task_id, kind):
    return {"id": task_id, "runtime": "sdruntime", "tasktype": kind, "prefix": "output", "context": ""}


SUCCESSOR = {"task": {"metadata": metadata("test-t2i", "text-to-image"), "content": {
    "alwayson_scripts": {}, "prompt": "A dog", "steps": 16, "width": 512, "height": 512}}}
CONTENTS = {
    ("test-i2i", "image-to-image"): {
        "alwayson_scripts": {}, "init_images": [CAT], "prompt": "cat wizard, fantasy, 8k", "steps": 16, "width": 512,
        "height": 512},
    ("test-extra", "extra-single-image"): {
        "resize_mode": 0, "upscaling_resize": 4, "upscaling_crop": False, "upscaler_1": "R-ESRGAN 4x+", "image": CAT},
    ("test-pipeline", "pipeline"): {
        "4": {"inputs": {"ckpt_name": XL}, "class_type": "CheckpointLoaderSimple", "_meta": {"title": "Load Checkpoint"}},
        "9": {"inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}, "class_type": "SaveImage"}},
}


def changed(value, **paths):
    """A copy with some members set, or removed where None; two underscores go one level down."""
    value = copy.deepcopy(value)
    for path, new in paths.items():
        *parents, name = path.split("__")
        place = value
        for parent in parents:
            place = place[parent]
        if new is None:
            del place[name]
        else:
            place[name] = new
    return value


TAKEN = {
    "the reference's README": ("/", REFERENCE, {
        "id_task": "307", "task": "text-to-image", "sd_model_checkpoint": MODEL, "output_location": "s3://local/307"}),
    "the same under its version": ("/v1alpha1", REFERENCE, {
        "id_task": "307", "task": "text-to-image", "sd_model_checkpoint": MODEL, "output_location": "s3://local/307"}),
    "v1alpha1 t2i": ("/v1alpha1", SCRIPTS, {
        "id_task": "test-t2i", "sd_model_checkpoint": XL, "output_location": "s3://local/outputs/test-t2i"}),
    "v1alpha1 i2i": (
        "/v1alpha1",
        changed(SCRIPTS, alwayson_scripts__task="image-to-image", alwayson_scripts__image_link=CAT,
                alwayson_scripts__id_task="test-i2i"),
        {"id_task": "test-i2i", "sd_model_checkpoint": XL, "output_location": "s3://local/outputs/test-i2i"}),
    "v1alpha1 t2v": (
        "/v1alpha1",
        changed(SCRIPTS, alwayson_scripts=SCRIPTS["alwayson_scripts"] | ANIMATION | {"id_task": "gif1", "uid": "gif1"}),
        {"id_task": "gif1", "sd_model_checkpoint": XL, "output_location": "s3://local/outputs/gif1"}),
    "v1alpha2 t2i": ("/v1alpha2", SUCCESSOR, {
        "id": "test-t2i", "runtime": "sdruntime", "output_location": "s3://local/output/test-t2i"}),
} | {
    f"v1alpha2 {kind}": (
        "/v1alpha2", {"task": {"metadata": metadata(task_id, kind), "content": content}},
        {"id": task_id, "runtime": "sdruntime", "output_location": f"s3://local/output/{task_id}"})
    for (task_id, kind), content in CONTENTS.items()
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_documented_request_is_answered_as_theirs(door, name):
    path, body, expected = TAKEN[name]
    status, kind, text = door.call("POST", path, body)
    assert (status, kind, json.loads(text)) == (200, "application/json", expected)
    assert list(json.loads(text)) == list(expected), "the members come in their order"
    # The same again while it waits is the same run.
    record = door.state.record(expected.get("id") or expected["id_task"])
    assert record.state == "queued"


SCRIPT = "alwayson_scripts__"
META = "task__metadata__"
REFUSED = {
    # The reference tells one thing, whatever is missing.
    **{f"reference without {name}": ("/", changed(REFERENCE, **{name: None}), INCORRECT)
       for name in ("sdname", "alwayson_scripts", SCRIPT + "task", SCRIPT + "id_task", SCRIPT + "sd_model_checkpoint")},
    # The successor tells the last that failed; a missing name fails its format, too.
    **{f"v1alpha1: {reason}": ("/v1alpha1", body, f"{INCORRECT}, {reason}") for reason, body in {
        "alwayson_scripts is missing": changed(SCRIPTS, alwayson_scripts=None),
        "sd_model_checkpoint is missing": changed(SCRIPTS, **{SCRIPT + "sd_model_checkpoint": None}),
        "invalid id_task format": changed(SCRIPTS, **{SCRIPT + "id_task": None}),
        "invalid task type": changed(SCRIPTS, **{SCRIPT + "task": None}),
        "payload too large": changed(SCRIPTS, prompt="x" * LARGE)}.items()},
    "v1alpha1: an id of other characters": (
        "/v1alpha1", changed(SCRIPTS, **{SCRIPT + "id_task": "a b"}), f"{INCORRECT}, invalid id_task format"),
    "v1alpha1: a task of another type": (
        "/v1alpha1", changed(SCRIPTS, **{SCRIPT + "task": "video", SCRIPT + "id_task": None}),
        f"{INCORRECT}, invalid task type"),
    **{f"v1alpha2: {reason}": ("/v1alpha2", body, f"{INCORRECT}, {reason}") for reason, body in {
        "metadata is missing": changed(SUCCESSOR, task__metadata=None),
        "invalid id format": changed(SUCCESSOR, **{META + "id": None}),
        "invalid tasktype": changed(SUCCESSOR, **{META + "tasktype": None}),
        "invalid runtime format": changed(SUCCESSOR, **{META + "runtime": None}),
        "content is missing": changed(SUCCESSOR, task__content=None),
        "payload too large": changed(SUCCESSOR, task__content__prompt="x" * LARGE)}.items()},
    **{f"v1alpha2: id {value!r}": ("/v1alpha2", changed(SUCCESSOR, **{META + "id": value}), f"{INCORRECT}, invalid id format")
       for value in ("", "../x", "--", "a/b", "é", "a" * 65)},
    "v1alpha2: a type of another name": (
        "/v1alpha2", changed(SUCCESSOR, **{META + "tasktype": "video"}), f"{INCORRECT}, invalid tasktype"),
    "v1alpha2: a runtime of other characters": (
        "/v1alpha2", changed(SUCCESSOR, **{META + "runtime": "a/b"}), f"{INCORRECT}, invalid runtime format"),
    "v1alpha2: all of it wrong": (
        "/v1alpha2", {"task": {"metadata": {}}}, f"{INCORRECT}, content is missing"),
    **{f"v1alpha2: {body!r}": ("/v1alpha2", body, "Invalid request format")
       for body in (b"", b"{", b"[]", b"\"x\"", b"{}", b"{\"task\": 1}", b"{\"task\": null}", b"\xff\xfe")},
    "v1alpha1: no JSON": ("/v1alpha1", b"{", "Invalid request format"),
    "reference: no JSON": ("/", b"{", "Invalid request format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_in_their_words(door, name):
    path, body, text = REFUSED[name]
    before = len(door.state.records())
    assert door.call("POST", path, body) == (400, "text/plain", text)
    assert len(door.state.records()) == before


@pytest.mark.parametrize("path", ["/", "/v1alpha1", "/v1alpha2"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_told_in_their_words(door, path, method):
    assert door.call(method, path) == (400, "text/plain", "Unsupported HTTP method")


@pytest.mark.parametrize("path", ["/", "/v1alpha1", "/v1alpha2"])
def test_who_has_no_key_or_calls_too_often_is_told_what_api_gateway_tells(door, path):
    forbidden = (403, "application/json", '{"message":"Forbidden"}')
    assert door.call("POST", path, SUCCESSOR, key=None) == forbidden
    assert door.call("POST", path, SUCCESSOR, key="wrong") == forbidden
    for _ in range(3):
        answer = door.call("POST", path, SUCCESSOR, key=SLOW_KEY)
    assert answer == (429, "application/json", '{"message":"Too Many Requests"}')
