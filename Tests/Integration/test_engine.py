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


def inpainting(seed):
    tasktype, call, content = image_to_image(seed)
    mask = plain_png(64, 64, lambda x, y: (255, 255, 255) if x < 32 else (0, 0, 0))
    return tasktype, call, content | {"mask": base64.b64encode(mask).decode(), "denoising_strength": 0.6}


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


@pytest.mark.parametrize("kind", [text_to_image, image_to_image, inpainting], ids=lambda kind: kind.__name__)
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


def submit(url, task_id, kind, content):
    answer = web.post(f"{url}/v1/tasks", {"id": task_id, "runtime": "sdruntime", "type": kind, "content": content})
    assert answer.status == 201, answer.text
    return wait_until(
        lambda: (found := web.get(f"{url}/v1/tasks/{task_id}").json)["state"] in ("succeeded", "failed") and found, 120,
        f"{task_id}'s end")


def test_what_the_engine_would_do_wrong_in_silence_is_refused_in_words(start_dev, engine, state):
    dev = start_dev("--backend", f"webui+{engine}")
    _, _, drawn = image_to_image(seed=1)
    refused = [
        ("extra-single-image", {"image": drawn["init_images"][0], "upscaler_1": "Lanczos"}, "engine_rejected"),
        ("extra-batch-images", {"imageList": [{"data": drawn["init_images"][0], "name": "a"}]}, "engine_rejected"),
        ("pipeline", {"1": {"class_type": "EmptyImage", "inputs": {}}}, "engine_rejected"),
        ("text-to-image", {"prompt": "x", **SIZE, "sampler_name": "no such sampler"}, "engine_rejected"),
        ("text-to-image", {"prompt": "x", **SIZE, "width": 65}, "engine_rejected"),
        ("text-to-image", {"prompt": "x", **SIZE, "override_settings": {"CLIP_stop_at_last_layers": 2}}, "engine_rejected"),
        ("image-to-image", {"prompt": "x", **SIZE}, "engine_rejected"),
        ("image-to-image", {"prompt": "x", **SIZE, "init_images": ["bm90IGEgcGljdHVyZQ=="]}, "input_invalid")]
    for number, (kind, content, code) in enumerate(refused):
        task = submit(dev.url, f"refused-{number}", kind, content)
        assert task["state"] == "failed" and task["error"]["code"] == code, (kind, content, task)
        assert task["error"]["stage"] == "prepare" and task["attempts"] == 0 and not task["error"]["retryable"]


def test_a_batch_comes_whole_and_in_order(start_dev, engine, state):
    dev = start_dev("--backend", f"webui+{engine}")
    content = {"prompt": "a lighthouse", "seed": 42, **SIZE}
    task = submit(dev.url, "batch", "text-to-image", content | {"batch_size": 2, "n_iter": 2})
    assert task["state"] == "succeeded" and len(task["outputs"]) == 4
    stored = [state.object(each["key"]) for each in state.record("batch").outputs]
    assert stored == direct(engine, "txt2img", content | {"batch_size": 4})
    # Each is the picture that its seed makes.
    assert [direct(engine, "txt2img", content | {"seed": each["seed"]})[0] for each in task["outputs"]] == stored


def test_the_same_engine_by_openais_api(start_dev, engine):
    dev = start_dev("--backend", f"openai+{engine}")
    _, _, drawn = image_to_image(seed=1)
    for kind, more in (("text-to-image", {}), ("image-to-image", {"init_images": drawn["init_images"]})):
        task = submit(dev.url, kind, kind, {"prompt": "a lighthouse", "size": "64x64", "n": 2} | more)
        assert task["state"] == "succeeded", task
        assert [(each["width"], each["height"]) for each in task["outputs"]] == [(64, 64)] * 2
    seeded = submit(dev.url, "seeded", "text-to-image", {"prompt": "a lighthouse", "seed": 7})
    assert seeded["error"]["code"] == "engine_rejected" and "seed" in seeded["error"]["message"]
