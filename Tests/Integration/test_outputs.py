"""What is stored of what an engine makes: as it was, converted, small, without metadata; and made again from its manifest."""

import base64
import json

import pytest

from support import web
from support.pictures import plain_png, read_png
from support.waiting import wait_until

SMALL = {"prompt": "a secret lighthouse", "width": 64, "height": 64, "steps": 2}


def make(dev, task_id, content=SMALL, kind="text-to-image", **members):
    answer = web.post(
        f"{dev.url}/v1/tasks",
        {"id": task_id, "runtime": "sdruntime", "type": kind, "content": content, **members})
    assert answer.status == 201, answer.text
    return dev.wait_for(task_id, "succeeded", "failed", "cancelled", limit=120)


@pytest.fixture(params=["test pattern", "real engine"])
def either(request, start_dev):
    """The whole system with an engine that makes the same bytes of the same request."""
    if request.param == "test pattern":
        return start_dev()
    return start_dev("--backend", f"webui+{request.getfixturevalue('engine')}")


def test_pictures_are_stored_as_tasks_want_them(either, state):
    plain = make(either, "plain")
    [listed] = plain["outputs"]
    picture = read_png(state.object("plain/plain-1.png"))
    assert "lighthouse" in picture.text["parameters"] and "thumbnail" not in listed
    for name, outputs, start in (
            ("webp", {"format": "webp", "quality": 60}, b"RIFF"), ("lossless", {"format": "webp", "lossless": True}, b"RIFF"),
            ("jpeg", {"format": "jpeg"}, b"\xff\xd8\xff"), ("stripped", {"metadata": "strip"}, b"\x89PNG")):
        [output] = make(either, name, SMALL | {"seed": listed["seed"]}, outputs=outputs | {"thumbnail": 32})["outputs"]
        stored = state.object(state.record(name).outputs[0]["key"])
        assert stored.startswith(start) and b"lighthouse" not in stored
        assert web.get(f"{either.url}{output['url']}").body == stored and output["seed"] == listed["seed"]
        assert (output["width"], output["height"]) == (64, 64)
        small = state.object(f"{name}/{name}-1.thumb.webp")
        assert small.startswith(b"RIFF") and output["thumbnail"]["width"] == 32 and output["thumbnail"]["bytes"] == len(small)
    stripped = read_png(state.object("stripped/stripped-1.png"))
    assert stripped.text == {}


def test_the_command_line_says_how_pictures_are_stored(start_dev, tmp_path):
    dev = start_dev()
    made = dev.sdctl(
        "submit", "--prompt", "a secret lighthouse", "--width", "64", "--height", "64", "--id", "shell", "--format", "jpeg",
        "--quality", "70", "--thumbnail", "32", "--strip-metadata", "--out", tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "shell-1.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert dev.task("shell")["outputs"][0]["thumbnail"]["width"] == 32
    wrong = dev.sdctl("submit", "--prompt", "x", "--quality", "70")
    assert wrong.returncode == 2 and "/quality" in wrong.stderr


def test_a_deployment_may_strip_metadata_by_rule(start_dev, programs, state, tmp_path):
    configuration = tmp_path / "config.yaml"
    configuration.write_text("output-metadata: strip\n")
    dev = start_dev("--config", configuration)
    make(dev, "ruled")
    make(dev, "own", outputs={"metadata": "keep"})
    assert b"lighthouse" not in state.object("ruled/ruled-1.png")
    assert b"lighthouse" in state.object("own/own-1.png")


def test_what_cannot_be_wanted_is_refused_with_the_fields(either):
    answer = web.post(f"{either.url}/v1/tasks", {
        "runtime": "sdruntime", "type": "text-to-image", "content": SMALL,
        "outputs": {"format": "gif", "thumbnail": 4, "size": 3}})
    assert answer.status == 422
    assert {error["pointer"] for error in answer.json["errors"]} == {
        "/outputs/format", "/outputs/thumbnail", "/outputs/size"}


def test_a_manifest_tells_how_it_was_made_and_makes_it_again(either, state):
    source = base64.b64encode(plain_png(64, 64, lambda x, y: (4 * x, 4 * y, 128))).decode()
    content = SMALL | {"init_images": [f"data:image/png;base64,{source}"], "denoising_strength": 0.5}
    first = make(either, "first", content, kind="image-to-image", outputs={"format": "webp", "lossless": True})
    manifest = web.get(f"{either.url}/v1/tasks/first/manifest").json
    assert manifest == json.loads(state.object("first/first.json"))
    assert manifest["request"]["content"] == content | {"seed": first["outputs"][0]["seed"]}
    assert [each["sha256"] for each in manifest["outputs"]] == [each["sha256"] for each in first["outputs"]]
    assert manifest["inputs"][0]["pointer"] == "/content/init_images/0" and manifest["worker"]["version"]
    assert manifest["engine"]["kind"] in ("webui", "test-pattern") and manifest["seconds"]["infer"] >= 0

    again = either.sdctl("tasks", "reproduce", "first", "--as", "second", "--wait")
    assert again.returncode == 0, again.stderr
    assert again.stdout == "second\noutput 1: the same\n"
    assert state.object("second/second-1.webp") == state.object("first/first-1.webp")
    told = either.sdctl("tasks", "reproduce", "second", "--wait", "--output", "json")
    assert told.returncode == 0 and json.loads(told.stdout)["same"] is True


def test_what_comes_out_differently_is_told(start_dev, state):
    dev = start_dev()
    make(dev, "first", SMALL | {"seed": 3})
    # Somebody's store, in which the manifest was touched: another seed makes another picture.
    path = state.objects / "first" / "first.json"
    manifest = json.loads(path.read_bytes())
    manifest["request"]["content"]["seed"] = 4
    answer = web.post(f"{dev.url}/v1/tasks", manifest["request"] | {"id": "other"})
    assert answer.status == 201
    assert dev.wait_for("other", "succeeded")["outputs"][0]["sha256"] != manifest["outputs"][0]["sha256"]


def test_what_has_not_succeeded_cannot_be_reproduced(start_dev):
    dev = start_dev()
    make(dev, "bad", {"prompt": "x", "width": 64, "height": 64, "test_pattern": {"fail": "engine_rejected"}})
    answer = dev.sdctl("tasks", "reproduce", "bad")
    assert answer.returncode == 4 and "manifest" in answer.stderr
    assert dev.sdctl("tasks", "reproduce", "nobody").returncode == 4


def test_inputs_of_public_hosts_can_be_taken_from_a_server_of_ones_own(start_dev, tmp_path, serve_folder, programs, state):
    """The successor's own example, whose picture lies on a public host."""
    path = "datasets/huggingface/documentation-images/resolve/main/diffusers/cat.png"
    (tmp_path / "www" / path).parent.mkdir(parents=True)
    (tmp_path / "www" / path).write_bytes(plain_png(64, 64, lambda x, y: (x, y, 0)))
    server = serve_folder(tmp_path / "www")
    configuration = tmp_path / "config.yaml"
    configuration.write_text(f"input-hosts: huggingface.co={server.url}\n")
    dev = start_dev("--config", configuration)
    task = make(
        dev, "far", SMALL | {"init_images": [f"https://huggingface.co/{path}"]}, kind="image-to-image")
    assert task["state"] == "succeeded" and server.paths == [f"/{path}"]
    # Nothing else has come nearer by it.
    inside = make(dev, "near", SMALL | {"init_images": [f"{server.url}/{path}"]}, kind="image-to-image")
    assert inside["state"] == "failed" and inside["error"]["code"] == "input_refused"
    assert server.paths == [f"/{path}"]
