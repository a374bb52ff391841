"""Ids used again, doors that die, letters sent back, cancellations at every stage: each run once, each end told once."""

import base64
import json
import time

import pytest

from support import web
from support.aws_proxy import Hold, kill, refuse
from support.pictures import plain_png
from support.tasks import successor_task
from support.waiting import wait_until

IS_RECORD = {"where": lambda call: call.key.startswith(".sd/") and call.key.rsplit("/", 1)[1].startswith("r")}


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


# 26: what is too large is refused before anything is sent

def filled(size, letter="x", **metadata):
    """A task of the successor's API whose JSON text has exactly so many bytes, the prompt's letters at its end."""
    task = {"task": {"metadata": {"id": "big", "runtime": "sdruntime", "tasktype": "text-to-image"} | metadata,
                     "content": {"seed": 7, "prompt": ""}}}
    text = json.dumps(task, ensure_ascii=False)
    room = size - len(text.encode())
    count, rest = divmod(room, len(letter.encode()))
    body = text.replace('"prompt": ""', f'"prompt": "{"." * rest}{letter * count}"').encode()
    assert len(body) == size
    return body


LIMIT = 1_048_576


@pytest.mark.parametrize("letter", ["x", "\u20ac"], ids=["ASCII", "three bytes a letter"])
def test_fault_26_a_task_of_exactly_the_limit_is_taken_and_one_byte_more_is_refused(cloud, letter):
    gateway = cloud.gateway()
    json_ = {"Content-Type": "application/json"}
    before = len(cloud.proxy.calls)
    refused = web.post(f"{gateway.url}/v1alpha2", filled(LIMIT + 1, letter), headers=json_)
    assert (refused.status, refused.text) == (400, "Incorrect payload structure, payload too large")
    assert not [call for call in cloud.proxy.calls[before:] if call.operation in ("PutObject", "Publish")]
    taken = web.post(f"{gateway.url}/v1alpha2", filled(LIMIT, letter), headers=json_)
    assert taken.status == 200, taken.text
    cloud.agent()
    cloud.settle({"big": 1})
    [(_, sent)] = cloud.webui.calls
    assert sent["prompt"].rstrip(letter).strip(".") == "" and sent["prompt"].endswith(letter)
    assert len(sent["prompt"].encode()) > LIMIT - 300


def test_fault_26_a_message_of_exactly_the_limit_is_worked(cloud):
    """As SQS takes it from whoever sends to the queue itself: raw, and without attributes, which count as well."""
    task = successor_task("big")
    task["content"]["prompt"] = ""
    room = LIMIT - len(json.dumps(task, ensure_ascii=False).encode())
    task["content"]["prompt"] = "." * (room % 2) + "\u00e4" * (room // 2)
    body = json.dumps(task, ensure_ascii=False)
    assert len(body.encode()) == LIMIT
    cloud.deployment.send(body, trace=None)
    cloud.agent()
    cloud.settle({"big": 1})
    assert cloud.webui.calls[0][1]["prompt"] == task["content"]["prompt"]


# 29: batches

def letters_of_failed_tasks(cloud, count):
    """Dead letters of tasks whose engine was broken."""
    cloud.webui.faults = [(500, {"error": "RuntimeError", "message": "broken"})] * count
    for number in range(count):
        cloud.send(f"t{number}")
    agent = cloud.agent(SD_MAX_ATTEMPTS="1")
    wait_until(lambda: cloud.deployment.letter_count() == count and cloud.deployment.left() == 0, 60, f"{count} letters")
    agent.stop()


def half_fails(call):
    """Every second entry of a batch comes back as failed, and is not done."""
    prefix = {"SendMessageBatch": "SendMessageBatchRequestEntry", "DeleteMessageBatch": "DeleteMessageBatchRequestEntry",
              "ChangeMessageVisibilityBatch": "ChangeMessageVisibilityBatchRequestEntry"}[call.operation]
    numbers = sorted({int(name.split(".")[1]) for name in call.form if name.startswith(prefix)})
    failed, call_form = [call.form[f"{prefix}.{number}.Id"] for number in numbers[::2]], dict(call.form)
    for number in numbers[::2]:
        for name in [name for name in call.form if name.startswith(f"{prefix}.{number}.")]:
            del call.form[name]
    # The rest is counted from one again.
    renumbered = {}
    for place, number in enumerate(numbers[1::2], start=1):
        for name in [name for name in call.form if name.startswith(f"{prefix}.{number}.")]:
            renumbered[name.replace(f"{prefix}.{number}.", f"{prefix}.{place}.")] = call.form.pop(name)
    call.failed = {call_form[name] for number in numbers[::2] for name in call_form
                   if name == f"{prefix}.{number}.ReceiptHandle"}
    status, headers, body = 200, {"Content-Type": "text/xml"}, b""
    if renumbered:
        call.change(**renumbered)
        status, headers, body = call.forward()
    else:
        body = f"<{call.operation}Response><{call.operation}Result></{call.operation}Result></{call.operation}Response>".encode()
    entries = "".join(
        f"<BatchResultErrorEntry><Id>{id_}</Id><Code>InternalError</Code><Message>said by the test</Message>"
        "<SenderFault>false</SenderFault></BatchResultErrorEntry>" for id_ in failed)
    end = f"</{call.operation}Result>".encode()
    assert end in body, body
    call.answer(status, body.replace(end, entries.encode() + end), headers)


@pytest.mark.parametrize("operation", ["SendMessageBatch", "DeleteMessageBatch"])
def test_fault_29_of_a_batch_that_half_fails_only_the_failed_entries_are_sent_again(cloud, operation):
    letters_of_failed_tasks(cloud, 4)
    half = cloud.proxy.on(f"sqs.{operation}", half_fails, times=1)
    first = cloud.sdctl("dlq", "redrive", "--all")
    assert half.left == 0, first.stderr
    assert first.returncode != 0, "what failed is told"
    left = cloud.deployment.letter_count()
    assert left == 2
    again = cloud.sdctl("dlq", "redrive", "--all")
    assert again.returncode == 0, again.stderr
    sent = [call.form for call in cloud.proxy.heard("sqs.SendMessage*")]
    agent = cloud.agent()
    cloud.settle({f"t{number}": None for number in range(4)}, runs={f"t{number}": 2 for number in range(4)}, limit=60)
    assert agent.is_running and sent
    assert cloud.starts == 8, "four that failed, and one more for each"


def receipts(call):
    """The receipts that a call is about; those that failed in `half_fails` not among them."""
    return {value for name, value in call.form.items() if name.endswith("ReceiptHandle")}


def heartbeats(cloud, count):
    """The first that half failed, and those that came after it, once there are so many."""
    calls = cloud.proxy.heard("sqs.ChangeMessageVisibility*")
    start = next((place for place, call in enumerate(calls) if hasattr(call, "failed")), len(calls))
    return calls[start:start + count] if len(calls) >= start + count else None


def test_fault_29_of_heartbeats_that_half_fail_only_the_failed_ones_are_repeated(make_cloud):
    """One task is being stored, one is on the engine, one is ready: of three leases, two come due together."""
    cloud = make_cloud(visibility=6)
    cloud.webui.delays = [0.3, 9, 0.3]
    storing = Hold()
    cloud.proxy.on("s3.PutObject", storing, times=1, key="*.png")
    half = cloud.proxy.on("sqs.ChangeMessageVisibilityBatch", half_fails, times=1)
    for number in range(3):
        cloud.send(f"t{number}")
    agent = cloud.agent()
    agent.wait_for(lambda: half.count, 30, "a batch of heartbeats")
    first, again = agent.wait_for(lambda: heartbeats(cloud, 2), 30, "the next heartbeat")
    assert first.failed and first.failed <= receipts(again) and not receipts(first) & receipts(again)
    storing.let_go()
    cloud.settle({f"t{number}": 1 for number in range(3)})
    assert not said(agent, "a lease was lost") and cloud.starts == 3


# 31: an id used again

@pytest.mark.parametrize("has_ended", [True, False], ids=["after its end", "before its end"])
def test_fault_31_an_id_used_again_with_another_prompt_is_a_run_of_its_own(cloud, has_ended):
    cloud.webui.varies = True
    cloud.webui.delays = [0 if has_ended else 2]
    cloud.send("307", prompt="a cat")
    cloud.agent()
    if has_ended:
        cloud.reaches("307", "succeeded")
    else:
        wait_until(lambda: cloud.starts, 30, "the engine's start")
    cloud.send("307", prompt="a dog")
    cloud.settle({"307": 1}, runs={"307": 2})
    keys = ["307-1.png", "307-r2-1.png", "307-r2.json", "307-r2.out", "307.json", "307.out"]
    assert cloud.deployment.keys() == [f"307/{key}" for key in keys]
    assert {call["prompt"] for _, call in cloud.webui.calls} == {"a cat", "a dog"} and cloud.starts == 2
    assert cloud.notice_ids() == {"307/1/succeeded", "307/2/succeeded"}
    told = {notice["parameters"]["prompt"]: notice["parameters"]["image_url"] for _, notice in cloud.deployment.notices()}
    assert told["a cat"].endswith("307-1.png") and told["a dog"].endswith("307-r2-1.png")


# 32: the door

@pytest.mark.parametrize("committed", [False, True], ids=["before the publication", "after it"])
def test_fault_32_a_door_killed_at_the_publication_is_asked_again_and_the_task_runs_once(cloud, committed):
    victim = []
    cloud.proxy.on("sns.Publish", kill(lambda: victim[0], committed), times=1)
    body = {"runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a cat", "steps": 1}, "id": "t"}
    victim.append(cloud.gateway())
    with pytest.raises(OSError):
        web.post(f"{victim[0].url}/v1/tasks", body)
    assert victim[0].wait(10) == -9 and cloud.record().state == "queued"
    gateway = cloud.gateway()
    answers = [web.post(f"{gateway.url}/v1/tasks", body) for _ in range(2)]
    assert {answer.status for answer in answers} == {200} and len({answer.json["id"] for answer in answers}) == 1
    agent = cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and agent.is_running
    assert cloud.notice_ids() == {"t/1/succeeded"}
    assert web.get(f"{gateway.url}/v1/tasks/t").json["state"] == "succeeded"


# 33: letters

def by_hand(cloud):
    """As the console does it: the message goes back as it lies there, its attributes with it."""
    sqs, deployment = cloud.deployment.sqs, cloud.deployment
    [letter] = sqs.receive_message(
        QueueUrl=deployment.letters_url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    sqs.send_message(QueueUrl=deployment.queue_url, MessageBody=letter["Body"],
                     MessageAttributes=letter["MessageAttributes"])
    sqs.delete_message(QueueUrl=deployment.letters_url, ReceiptHandle=letter["ReceiptHandle"])


def by_sdctl(cloud):
    done = cloud.sdctl("dlq", "redrive", "--all")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("redrive", [by_hand, by_sdctl], ids=lambda value: value.__name__)
def test_fault_33_a_redriven_letter_opens_a_new_run_and_the_old_record_stays(cloud, redrive):
    letters_of_failed_tasks(cloud, 1)
    old = cloud.record("t0")
    redrive(cloud)
    cloud.agent()
    cloud.reaches("t0", "succeeded", run=2)
    wait_until(lambda: cloud.deployment.left() == 0, 30, "an empty queue")
    assert cloud.record("t0").revision == old.revision and old.state == "failed"
    assert cloud.deployment.keys() == ["t0/t0-r2-1.png", "t0/t0-r2.json", "t0/t0-r2.out", "t0/t0.out"]
    assert cloud.notice_ids() == {"t0/1/failed", "t0/2/succeeded"} and cloud.deployment.letter_count() == 0


# 34: cancellations

def submitted(cloud, gateway, task, **content):
    answer = web.post(f"{gateway.url}/v1/tasks", {
        "id": task, "runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a cat", "seed": 7} | content})
    assert answer.status == 201, answer.text


def cancel(gateway, task):
    return web.request("DELETE", f"{gateway.url}/v1/tasks/{task}").status


def test_fault_34_a_queued_task_is_cancelled_at_once_and_never_runs(cloud):
    gateway = cloud.gateway()
    submitted(cloud, gateway, "t")
    assert cancel(gateway, "t") == 200 and cloud.record().state == "cancelled"
    assert cancel(gateway, "t") == 409
    cloud.agent()
    cloud.settle({"t": "cancelled"})
    assert cloud.starts == 0 and cloud.notice_ids() == {"t/1/cancelled"}


def test_fault_34_a_task_that_is_being_prepared_is_cancelled_before_the_engine(cloud):
    gateway = cloud.gateway()
    fetch = Hold()
    cloud.proxy.on("s3.GetObject", fetch, key="inputs/*")
    cloud.deployment.s3.put_object(Bucket=cloud.deployment.bucket, Key="inputs/a.png", Body=plain_png(16, 16, lambda x, y: (x, y, 0)))
    answer = web.post(f"{gateway.url}/v1/tasks", {
        "id": "t", "runtime": "sdruntime", "type": "image-to-image",
        "content": {"prompt": "a cat", "init_images": [f"s3://{cloud.deployment.bucket}/inputs/a.png"]}})
    assert answer.status == 201, answer.text
    cloud.agent()
    assert fetch.reached.wait(30)
    assert cancel(gateway, "t") == 202
    # A record that was seen less than two seconds ago is not looked at again.
    seen = time.monotonic()
    wait_until(lambda: time.monotonic() > seen + 2.2, 10, "the record to be looked at again")
    fetch.let_go()
    wait_until(lambda: cloud.deployment.left() == 0, 60, "an empty queue")
    assert cloud.record().state == "cancelled" and cloud.starts == 0
    assert cloud.notice_ids() == {"t/1/cancelled"}


def test_fault_34_during_inference_that_task_is_interrupted_and_no_other(cloud):
    gateway = cloud.gateway()
    cloud.webui.delays = [0.1, 600, 1.5]
    for task in ("first", "running", "waiting"):
        submitted(cloud, gateway, task)
    agent = cloud.agent()
    wait_until(lambda: cloud.starts == 2, 30, "the second's start")
    started = [event["task"] for event in said(agent, "engine started")]
    active, other = started[-1], ({"first", "running", "waiting"} - set(started)).pop()
    assert cancel(gateway, active) == 202
    cloud.reaches(active, "cancelled")
    cloud.settle({task: "cancelled" if task == active else 1 for task in ("first", "running", "waiting")})
    assert cloud.webui.interrupts == 1 and cloud.record(other).json["attempts"] == 1


def test_fault_34_once_its_answer_has_begun_the_engine_is_at_another_task_and_is_left_alone(make_cloud):
    cloud = make_cloud(visibility=20)
    gateway = cloud.gateway()
    rest = Hold()
    image = base64.b64encode(plain_png(16, 16, lambda x, y: (x, y, 0))).decode()
    answer = json.dumps({"images": [image], "parameters": {}, "info": json.dumps({"all_seeds": [7], "seed": 7})}).encode()

    def slowly(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer[:40])
        handler.wfile.flush()
        rest(None)
        handler.wfile.write(answer[40:])

    cloud.webui.faults = [slowly]
    cloud.webui.delays = [4]
    submitted(cloud, gateway, "answering")
    cloud.agent()
    assert rest.reached.wait(30)
    submitted(cloud, gateway, "next")
    wait_until(lambda: cloud.starts == 2, 30, "the next one's start")
    assert cancel(gateway, "answering") == 202
    # The worker looks at the record every two seconds.
    looks = len(cloud.proxy.heard("s3.HeadObject"))
    wait_until(lambda: len(cloud.proxy.heard("s3.HeadObject")) >= looks + 2, 30, "looks at the records")
    rest.let_go()
    cloud.settle({"answering": "cancelled", "next": 1})
    assert cloud.webui.interrupts == 0 and cloud.record("next").json["attempts"] == 1


def test_fault_34_a_cancellation_while_the_pictures_are_stored_leaves_none(cloud):
    gateway = cloud.gateway()
    storing = Hold()
    cloud.proxy.on("s3.PutObject", storing, times=1, key="*.png")
    submitted(cloud, gateway, "t", batch_size=2)
    cloud.agent()
    assert storing.reached.wait(30)
    assert cancel(gateway, "t") == 202
    storing.let_go()
    cloud.settle({"t": "cancelled"})
    assert cloud.deployment.keys() == ["t/t.out"] and cloud.webui.interrupts == 0
    assert cloud.notice_ids() == {"t/1/cancelled"}


@pytest.mark.parametrize("winner", ["commit", "cancellation"])
def test_fault_34_against_the_commit_the_first_terminal_write_wins(cloud, winner):
    """The commit waits in the proxy, on its way there or on its way back, while the cancellation is written."""
    gateway = cloud.gateway()
    commit = Hold()

    def act(call):
        if winner == "commit":
            status, headers, body = call.forward()
            commit(call)
            return call.answer(status, body, headers)
        commit(call)

    def is_commit(call):
        return IS_RECORD["where"](call) and b'"state":"succeeded"' in call.body

    cloud.proxy.on("s3.PutObject", act, times=1, where=is_commit)
    submitted(cloud, gateway, "t")
    cloud.agent()
    assert commit.reached.wait(30)
    assert cancel(gateway, "t") == (409 if winner == "commit" else 202)
    commit.let_go()
    cloud.settle({"t": 1 if winner == "commit" else "cancelled"})
    state = "succeeded" if winner == "commit" else "cancelled"
    assert cloud.notice_ids() == {f"t/1/{state}"} and cloud.webui.interrupts == 0


def test_fault_34_what_is_cancelled_while_s3_refuses_is_cancelled_all_the_same(cloud):
    gateway = cloud.gateway()
    cloud.webui.delays = [600]
    submitted(cloud, gateway, "t")
    cloud.agent()
    wait_until(lambda: cloud.starts, 30, "the engine's start")
    assert cancel(gateway, "t") == 202
    cloud.proxy.on("s3.HeadObject", refuse(503, "SlowDown"), times=3)
    cloud.settle({"t": "cancelled"})
    assert cloud.webui.interrupts == 1 and cloud.notice_ids() == {"t/1/cancelled"}
