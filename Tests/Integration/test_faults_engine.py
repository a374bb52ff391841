"""Engines on AWS's side of the agent that hang, fail, answer nonsense, dribble, or are away."""

import json

import pytest

from conftest import free_port
from support import web
from support.waiting import wait_until
from support.webui import WebUI


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


def failures(agent):
    return [event["code"] for event in said(agent, "attempt failed")]


def raw(status, body, length=None, kind="application/json"):
    """An answer byte for byte, which may be shorter than it says."""
    def write(handler):
        body_ = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(length or len(body_)))
        handler.end_headers()
        handler.wfile.write(body_)
        handler.wfile.flush()
        if length:
            handler.close_connection = True
    return write


def test_fault_09_an_engine_that_hangs_is_interrupted_and_the_task_tried_again(cloud):
    cloud.webui.delays = [600]
    cloud.send("hung")
    cloud.send("next")
    agent = cloud.agent(SD_INFERENCE_TIMEOUT="1500ms")
    cloud.settle({"hung": 1, "next": 1})
    assert cloud.webui.interrupts == 1 and failures(agent) == ["engine_timeout"]
    # The queue may give them in any order: the engine hangs over whichever comes first.
    assert sorted(cloud.record(task).json["attempts"] for task in ("hung", "next")) == [1, 2]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_fault_10_an_engine_that_fails_for_a_moment_is_tried_again(cloud, status):
    cloud.webui.faults = [(status, {"detail": "busy just now"})]
    cloud.send()
    agent = cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.starts == 2 and len(failures(agent)) == 1


def test_fault_10_an_engine_that_always_fails_is_tried_so_many_times_and_the_letter_kept(cloud):
    cloud.webui.faults = [(500, {"error": "RuntimeError", "message": "no"})] * 9
    cloud.send()
    cloud.agent(SD_MAX_ATTEMPTS="3")
    cloud.settle({"t": "failed"}, letters=1)
    assert cloud.starts == 3 and cloud.notice_ids() == {"t/1/failed"}
    [(_, attributes)] = cloud.deployment.letters()
    assert attributes["sd_dead_letter_code"] == "engine_failed"


@pytest.mark.parametrize("status, answer", [
    (422, {"detail": "Script 'x' not found"}), (400, {"error": "prompt required"}), (404, {"detail": "Init image not found"}),
    # A client's mistake with a server's status.
    (500, {"detail": "Invalid encoded image"})], ids=lambda value: str(value) if isinstance(value, int) else "")
def test_fault_10_a_request_that_the_engine_refuses_fails_without_another_try(cloud, status, answer):
    cloud.webui.faults = [(status, answer)] * 2
    cloud.send()
    cloud.agent()
    cloud.settle({"t": "failed"})
    assert cloud.starts == 1 and cloud.notice_ids() == {"t/1/failed"}


IMAGE = "iVBORw0KGgo" + "A" * 400


@pytest.mark.parametrize("answer", [
    raw(200, {"images": [IMAGE], "parameters": {}, "info": "{}"}, length=5000),
    raw(200, {"images": ["@@@ no base64 @@@"], "parameters": {}, "info": "{}"}),
    raw(200, {"images": [IMAGE], "parameters": {}, "info": "{}"}),
    raw(200, {"images": [], "parameters": {}, "info": "{}"}),
    raw(200, b"<html><body>Bad gateway</body></html>", kind="text/html"),
], ids=["cut off", "no base64", "cut picture", "no images", "HTML"])
def test_fault_11_an_answer_that_is_no_picture_is_an_error_and_never_an_upload(cloud, answer):
    cloud.webui.faults = [answer] * 2
    cloud.send()
    agent = cloud.agent(SD_MAX_ATTEMPTS="2")
    wait_until(lambda: cloud.deployment.left() == 0, 60, "the end")
    assert failures(agent) == ["output_invalid"] * 2 and cloud.starts == 2
    error = cloud.record().json["error"]
    assert (cloud.record().state, error["code"], error["retryable"]) == ("failed", "output_invalid", True)
    assert not cloud.proxy.heard("s3.*", key="*.png")
    cloud.settle({"t": "failed"}, letters=1)
    [(_, attributes)] = cloud.deployment.letters()
    assert attributes["sd_dead_letter_code"] == "output_invalid"


def test_fault_12_an_engine_that_dribbles_is_held_to_the_total_deadline(cloud):
    def dribble(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        for _ in range(600):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            if cloud.webui.stopped.wait(0.2):
                return

    cloud.webui.faults = [dribble]
    cloud.send()
    agent = cloud.agent(SD_INFERENCE_TIMEOUT="1500ms")
    cloud.settle({"t": 1})
    assert failures(agent) == ["engine_timeout"] and cloud.record().json["attempts"] == 2


def test_fault_13_nothing_is_received_while_the_engine_is_away(cloud):
    port, health = free_port(), free_port()
    ready = f"http://127.0.0.1:{health}/readyz"
    cloud.send("one")
    agent = cloud.agent("--health-port", str(health), API_BASE_URL=f"http://127.0.0.1:{port}/sdapi/v1/")
    agent.wait_for(lambda: said(agent, "waiting for the engine"), 30, "its wait")
    assert web.get(ready).status == 503 and web.answers(f"http://127.0.0.1:{health}/healthz")
    assert not cloud.proxy.heard("sqs.ReceiveMessage")
    engine = WebUI(port=port)
    cloud.reaches("one", "succeeded")
    wait_until(lambda: web.answers(ready), 20, "readiness")

    # It dies over a task, and is away while another waits.
    engine.seconds = 600
    cloud.send("two")
    wait_until(lambda: len(engine.calls) == 2, 30, "its start on the second")
    engine.stop()
    agent.wait_for(lambda: failures(agent), 30, "the failed attempt")
    wait_until(lambda: web.get(ready).status == 503, 20, "unreadiness")
    assert failures(agent) == ["engine_unreachable"]
    cloud.send("three")
    engine = WebUI(port=port)
    engine.is_away = True
    try:
        # It is asked time and again whether it is back, and the queue for nothing.
        wait_until(lambda: engine.looks >= 1, 30, "a look at it")
        before = len(cloud.proxy.heard("sqs.ReceiveMessage"))
        wait_until(lambda: engine.looks >= 6, 30, "more looks at it")
        assert len(cloud.proxy.heard("sqs.ReceiveMessage")) == before
        engine.is_away = False
        cloud.settle({"one": 1, "two": 1, "three": 1})
        assert cloud.record("three").json["attempts"] == 1 and cloud.record("two").json["attempts"] == 2
    finally:
        engine.stop()


def test_fault_35_a_notice_that_would_be_too_large_is_sent_without_what_makes_it_so(cloud):
    image = "A" * 300_000
    cloud.webui.echo = {"init_images": [image], "mask": image,
                        "alwayson_scripts": {"controlnet": {"args": [{"input_image": image, "module": "canny"}]}}}
    cloud.send("echoed")
    cloud.agent()
    cloud.settle({"echoed": 1})
    [(_, text)] = cloud.deployment.heard()
    assert len(text.encode()) <= 200 << 10 and image not in text
    assert json.loads(text)["parameters"]["prompt"] == "a cat"
    assert cloud.deployment.json("echoed/echoed.out") == json.loads(text)


def test_fault_35_whatever_makes_it_too_large_a_finished_task_is_announced(cloud):
    cloud.webui.echo = {"infotext": "x" * 300_000, "comments": ["\u00e4" * 1000] * 200}
    cloud.send("long", prompt="p" * 250_000)
    cloud.agent()
    cloud.settle({"long": 1})
    [(_, text)] = cloud.deployment.heard()
    assert len(text.encode()) <= 200 << 10
    told = json.loads(text)["parameters"]
    assert (told["id_task"], told["status"], told["image_url"]) == (
        "long", 1, f"s3://{cloud.deployment.bucket}/long/long-1.png")
