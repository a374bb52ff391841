"""What an operator does to queues and dead letters of SQS, with the built programs."""

import json

import pytest

from support import web
from support.waiting import wait_until


@pytest.fixture
def start(programs, webui):
    return lambda deployment, *arguments, **options: programs.start(
        "sd-agent", *arguments, **deployment.environment(webui.url, RUNTIME_NAME="sdruntime"), **options)


def operate(programs, deployment, *arguments, status=0):
    done = programs.run("sdctl", *arguments, "--queue", deployment.queue_url,
                        **deployment.environment("http://127.0.0.1:9"))
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def listed(programs, deployment):
    return json.loads(operate(programs, deployment, "dlq", "list", "--output", "json"))


def task(name, kind="text-to-image"):
    return {"metadata": {"id": name, "runtime": "sdruntime", "tasktype": kind, "prefix": ""},
            "content": {"alwayson_scripts": {}, "prompt": "a cat", "steps": 4, "seed": 7}}


def told(deployment):
    return [attributes["notice_id"] for attributes, _ in deployment.notices()]


def test_a_poison_letter_is_listed_mended_and_succeeds(programs, deploy, start):
    deployment = deploy()
    deployment.send(json.dumps(task("poisoned", "text-to-imag")), trace=None)
    agent = start(deployment)
    [letter] = wait_until(lambda: listed(programs, deployment), 60, "the letter")
    assert letter["code"] == "poison" and "text-to-imag" in letter["reason"]
    assert "text-to-imag" in operate(programs, deployment, "dlq", "list")
    stats = json.loads(operate(programs, deployment, "queue", "stats", "--output", "json"))
    assert [each["dead"] for each in stats] == [1]

    # The id that SQS gives is the same at each look.
    body = operate(programs, deployment, "dlq", "show", letter["message"], "--body")
    mended = programs.logs / "mended.json"
    mended.write_text(body.replace("text-to-imag", "text-to-image"))
    assert "redriven" in operate(programs, deployment, "dlq", "redrive", letter["message"], "--body", mended)
    wait_until(lambda: told(deployment) == ["poisoned/1/succeeded"], 60, "its success")
    assert listed(programs, deployment) == [] and deployment.left() == 0
    agent.stop()


def test_a_redrive_killed_half_way_loses_and_doubles_nothing(programs, deploy, start, webui):
    count = 24
    deployment = deploy()
    webui.faults = [(503, {"detail": "broken"})] * count
    for number in range(count):
        deployment.send(task(f"task-{number}"))
    agent = start(deployment, "--max-attempts", "1")
    failures = {f"task-{number}/1/failed" for number in range(count)}
    wait_until(lambda: set(told(deployment)) == failures and deployment.left() == 0, 120, "all failures")
    agent.stop()
    webui.calls.clear()

    environment = deployment.environment(webui.url)
    for kill in range(2):
        before = deployment.left()
        redrive = programs.start("sdctl", "dlq", "redrive", "--all", "--queue", deployment.queue_url,
                                 name=f"redrive-{kill}", **environment)
        # Somewhere among the letters: sent, and removed or not.
        wait_until(lambda: deployment.left() > before or not redrive.is_running, 60, "letters sent back", interval=0.005)
        redrive.kill()
    assert deployment.left() > 0

    def redriven():
        # What the killed ones held comes back by itself.
        operate(programs, deployment, "dlq", "redrive", "--all")
        stats = json.loads(operate(programs, deployment, "queue", "stats", "--output", "json"))
        return stats[0]["dead"] == 0
    wait_until(redriven, 120, "the last letter to be sent back", interval=1)

    start(deployment)
    successes = {f"task-{number}/2/succeeded" for number in range(count)}
    wait_until(lambda: set(told(deployment)) == failures | successes and deployment.left() == 0, 120, "all successes")
    assert len(webui.calls) == count
    pictures = [key for key in deployment.keys() if key.endswith(".png")]
    assert sorted(pictures) == sorted(f"task-{number}/task-{number}-r2-1.png" for number in range(count))


def test_a_letter_that_the_queue_moved_is_closed_and_opens_the_next_run(programs, deploy, start, webui):
    deployment = deploy(visibility=2, receives=1)
    webui.seconds = 3
    deployment.send(task("orphan"))
    first = start(deployment)
    wait_until(lambda: webui.calls, 60, "the engine's start")
    first.kill()
    second = start(deployment)
    [letter] = wait_until(lambda: listed(programs, deployment), 60, "the queue to move it")
    assert (letter["code"], letter["task"]) == ("received_too_often", "orphan")
    assert "more often than the queue allows" in letter["reason"]
    assert "orphan" in operate(programs, deployment, "dlq", "redrive", "--code", "received_too_often")
    ends = ["orphan/1/failed", "orphan/2/succeeded"]
    wait_until(lambda: sorted(told(deployment)) == ends and deployment.left() == 0, 60, "its success")
    assert listed(programs, deployment) == []
    second.stop()


def test_queues_are_looked_into_dropped_from_and_emptied(programs, deploy):
    deployment = deploy()
    for number in range(3):
        deployment.send(task(f"task-{number}"))
    seen = json.loads(operate(programs, deployment, "queue", "peek", "--output", "json"))
    assert {json.loads(json.loads(each["body"])["Message"])["metadata"]["id"] for each in seen} == {
        "task-0", "task-1", "task-2"}
    table = operate(programs, deployment, "queue", "peek", "--limit", "3")
    assert "task-1" in table
    assert "--yes" in operate(programs, deployment, "queue", "purge", status=2)
    # Without a word about records there are none to be changed, which is said.
    done = programs.run("sdctl", "queue", "purge", "--yes", "--queue", deployment.queue_url, **deployment.surroundings)
    assert done.returncode == 0 and "stay recorded as queued" in done.stderr
    assert deployment.left() == 0
    operate(programs, deployment, "dlq", "drop", "--all", "--yes")
    missing = operate(programs, deployment, "dlq", "show", "nobody", status=4)
    assert "nobody" in missing


def test_what_is_purged_is_cancelled_and_told(programs, deploy, start, webui):
    deployment = deploy()
    catalog = programs.logs / "runtimes.yaml"
    catalog.write_text(f"runtimes:\n  - name: sdruntime\n    engine: webui\n    model: a\n    queue: {deployment.queue_url}\n")
    gateway = programs.start(
        "sd-gateway", "--port", "0", "--topic", deployment.tasks_topic, "--store", f"s3://{deployment.bucket}", "--events",
        deployment.topic, "--runtimes", catalog, "--webhooks", "none:", **deployment.surroundings)
    url = gateway.address()
    gateway.wait_for(lambda: web.answers(f"{url}/readyz"), 30, "readiness")
    for number in range(3):
        answer = web.post(f"{url}/v1/tasks", {"id": f"task-{number}", "runtime": "sdruntime", "type": "text-to-image",
                                              "content": {"prompt": "a pier", "width": 64, "height": 64}})
        assert answer.status == 201, answer.text
    deployment.send("no task")
    wait_until(lambda: deployment.left() == 4, 30, "the messages")

    purged = json.loads(operate(programs, deployment, "queue", "purge", "--yes", "--output", "json"))
    assert purged["cancelled"] == 3 and deployment.left() == 0
    for number in range(3):
        assert web.get(f"{url}/v1/tasks/task-{number}").json["state"] == "cancelled"
    assert sorted(told(deployment)) == [f"task-{number}/1/cancelled" for number in range(3)]
    # Such a task can be submitted anew, and is run.
    again = web.post(f"{url}/v1/tasks/task-1/retry", {})
    assert again.status in (200, 201, 202), again.text
    start(deployment)
    wait_until(lambda: "task-1/2/succeeded" in told(deployment), 60, "its success")
    assert len(webui.calls) == 1


def test_a_queue_that_is_not_there_is_an_error(programs, deploy):
    deployment = deploy(has_letters=False)
    assert "no dead-letter queue" in operate(programs, deployment, "dlq", "list", status=4)
    deployment.queue_url += "-not"
    assert "there is no queue" in operate(programs, deployment, "queue", "stats", status=4)
