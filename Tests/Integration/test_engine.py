"""A real engine behind queue and worker: what is stored is what the engine answers, byte for byte."""

import base64
import hashlib

import pytest

from support import web
from support.pictures import plain_png, read_png
from support.waiting import wait_until

SIZE = {"width": 64, "height": 64, "steps": 2}


def text_to_image(seed):
    return "text-to-image", "txt2img", {"prompt": "a lighthouse", "seed": seed, **SIZE}


def image_to_image(seed):
    # At full strength, or with so few steps that it comes to that, the input would not matter.
    source = plain_png(64, 64, lambda x, y: (4 * x, 4 * y, 128))
    return "image-to-image", "img2img", {
        "prompt": "a lighthouse at night", "seed": seed, "denoising_strength": 0.3, **SIZE,
        "init_images": [base64.b64encode(source).decode()]}


def direct(engine, call, content):
    answer = web.post(f"{engine}/sdapi/v1/{call}", content, limit=120)
    assert answer.status == 200, answer.text
    return [base64.b64decode(image) for image in answer.json["images"]]


def through_the_queue(url, state, task_id, kind, content):
    submitted = web.post(
        f"{url}/v1/tasks", {"id": task_id, "runtime": "sdruntime", "type": kind, "content": content})
    assert submitted.status == 201, submitted.text
    task = wait_until(
        lambda: (found := web.get(f"{url}/v1/tasks/{task_id}").json)["state"] in ("succeeded", "failed") and found, 120,
        f"{task_id}'s end")
    assert task["state"] == "succeeded", task
    [output] = task["outputs"]
    fetched = web.get(f"{url}/v1/tasks/{task_id}/outputs/1")
    assert fetched.status == 200 and fetched.headers["Content-Type"] == "image/png"
    stored = state.object(state.record(task_id).outputs[0]["key"])
    assert fetched.body == stored
    assert hashlib.sha256(stored).hexdigest() == output["sha256"]
    return [stored]


@pytest.fixture(params=["dev mode", "separate processes"])
def door(request, engine, state):
    backend = f"webui+{engine}"
    if request.param == "dev mode":
        return request.getfixturevalue("start_dev")("--backend", backend).url
    gateway = request.getfixturevalue("start_gateway")()
    request.getfixturevalue("start_agent")("--backend", backend)
    return gateway.url


@pytest.mark.parametrize("kind", [text_to_image, image_to_image], ids=lambda kind: kind.__name__)
def test_stored_pictures_are_the_engines_own(door, engine, state, kind):
    tasktype, call, content = kind(seed=42)
    stored = through_the_queue(door, state, "real-1", tasktype, content)
    assert stored == direct(engine, call, content)
    picture = read_png(stored[0])
    assert (picture.width, picture.height) == (64, 64)
    # Not vacuous: another seed makes another picture.
    assert through_the_queue(door, state, "real-2", *kind(seed=43)[::2]) != stored


def test_the_input_picture_reaches_the_engine(door, engine, state):
    _, call, content = image_to_image(seed=42)
    stored = through_the_queue(door, state, "with", "image-to-image", content)
    other = dict(content, init_images=[base64.b64encode(plain_png(64, 64, lambda x, y: (0, 255 - 4 * x, 9))).decode()])
    assert through_the_queue(door, state, "other", "image-to-image", other) != stored


def test_an_unseeded_task_can_be_made_again_from_the_seed_that_is_told(door, engine, state):
    content = {"prompt": "a lighthouse", **SIZE}
    stored = through_the_queue(door, state, "unseeded", "text-to-image", content)
    seed = state.record("unseeded").outputs[0]["seed"]
    assert direct(engine, "txt2img", dict(content, seed=seed)) == stored
