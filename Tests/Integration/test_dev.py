"""Dev mode, as somebody meets it in the first five minutes."""

import json
import signal

from support import web
from support.pictures import read_png
from support.waiting import wait_until


def pictures(folder):
    return sorted(folder.glob("*.png"))


def test_submit_waits_and_leaves_a_picture_that_opens(dev, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    done = dev.sdctl("submit", "--prompt", "a lighthouse", "--wait", "--out", out)
    assert done.returncode == 0, done.stderr
    [picture] = pictures(out)
    found = read_png(picture.read_bytes())
    assert (found.width, found.height) == (512, 512)
    assert "a lighthouse" in found.text["parameters"]


def test_a_task_may_come_from_a_file_and_from_standard_input(dev, tmp_path):
    task = {"runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a pier", "seed": 5, "width": 64, "height": 128}}
    file = tmp_path / "task.json"
    file.write_text(json.dumps(task))
    for number, (argument, text) in enumerate([(str(file), None), ("-", json.dumps(task))]):
        out = tmp_path / f"out-{number}"
        done = dev.sdctl("submit", argument, "--wait", "--out", out, input=text)
        assert done.returncode == 0, done.stderr
        [picture] = pictures(out)
        found = read_png(picture.read_bytes())
        assert (found.width, found.height) == (64, 128)


def test_list_and_show_tell_of_a_task(dev):
    assert web.post(f"{dev.url}/v1/tasks", task("shown-1")).status == 201
    dev.wait_for("shown-1", "succeeded")
    listed = dev.sdctl("tasks", "list")
    assert listed.returncode == 0 and "shown-1" in listed.stdout and "succeeded" in listed.stdout
    shown = dev.sdctl("tasks", "show", "shown-1")
    assert shown.returncode == 0 and "shown-1" in shown.stdout and "shown-1-1.png" in shown.stdout
    missing = dev.sdctl("tasks", "show", "nobody")
    assert missing.returncode != 0 and "nobody" in missing.stderr


def test_a_running_task_is_cancelled_and_leaves_nothing(dev):
    web.post(f"{dev.url}/v1/tasks", task("endless", test_pattern={"hang": True}))
    dev.wait_for("endless", "running")
    cancelled = dev.sdctl("tasks", "cancel", "endless")
    assert cancelled.returncode == 0, cancelled.stderr
    assert dev.wait_for("endless", "cancelled")["outputs"] == []
    assert not [key for key in dev.state.keys() if key.endswith(".png")]
    # The engine is free for the next.
    web.post(f"{dev.url}/v1/tasks", task("after"))
    dev.wait_for("after", "succeeded")


def test_watch_follows_a_task_to_its_end(dev):
    web.post(f"{dev.url}/v1/tasks", task("watched", test_pattern={"seconds": 2}))
    watched = dev.sdctl("watch", "watched")
    assert watched.returncode == 0, watched.stderr
    assert "succeeded" in watched.stdout + watched.stderr


def test_interrupt_ends_it_with_success_and_the_next_start_goes_on(start_dev, programs):
    first = start_dev()
    web.post(f"{first.url}/v1/tasks", task("before"))
    first.wait_for("before", "succeeded")
    web.post(f"{first.url}/v1/tasks", task("running", test_pattern={"seconds": 600}))
    first.wait_for("running", "running")
    web.post(f"{first.url}/v1/tasks", task("waiting"))
    # The first asks to end, and a running task may finish; the second gives back at once.
    first.process.signal(signal.SIGINT)
    wait_until(lambda: not web_is_up(first.url) or not first.process.is_running, 10, "the door's closing")
    first.process.signal(signal.SIGINT)
    assert first.process.wait(15) == 0
    assert first.state.waiting("sdruntime") == 2

    second = start_dev()
    assert second.task("before")["state"] == "succeeded"
    second.wait_for("waiting", "succeeded", "queued")
    second.wait_for("running", "running")
    assert second.sdctl("tasks", "cancel", "running").returncode == 0
    second.wait_for("waiting", "succeeded")
    second.process.signal(signal.SIGINT)
    assert second.process.wait(15) == 0


def test_interrupt_while_idle_ends_at_once_and_leaves_nothing_behind(dev):
    dev.process.signal(signal.SIGINT)
    assert dev.process.wait(10) == 0
    assert dev.state.unfinished_writes() == []
    assert not web_is_up(dev.url)


def test_the_runtimes_are_told_as_the_engine_that_serves_them(start_dev):
    def engines(dev):
        return {runtime["engine"] for runtime in web.get(f"{dev.url}/v1/runtimes").json["runtimes"]}

    own = start_dev()
    assert engines(own) == {"test-pattern"}
    own.process.signal(signal.SIGINT)
    assert own.process.wait(15) == 0
    # An engine that is away makes no difference to what it is.
    assert engines(start_dev("--backend", "webui+http://127.0.0.1:9")) == {"webui"}


def test_what_cannot_be_run_is_refused_in_words(dev):
    refused = dev.sdctl("submit", "--prompt", "a lighthouse", "--runtime", "nowhere")
    assert refused.returncode != 0 and "nowhere" in refused.stderr
    assert refused.stdout == ""


def task(task_id, **content):
    return {
        "id": task_id, "runtime": "sdruntime", "type": "text-to-image",
        "content": {"prompt": "a lighthouse", "seed": 7, "width": 64, "height": 64, "steps": 1} | content}


def web_is_up(url):
    return web.answers(f"{url}/healthz")
