"""SQS that forgets leases, refuses heartbeats, hands out twice or holds nonsense; and tasks at the edge of what it takes."""

import json
import threading
import time

from support import web
from support.aws_proxy import Hold, refuse
from support.tasks import successor_task
from support.waiting import wait_until
from support.webui import WebUI

NO_LEASE = "The message referred to is not in flight: MessageNotInflight"
BEYOND = ("Value 3 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond "
          "the limit [43200 seconds].")


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


def metrics(agent):
    port = agent.wait_for(
        lambda: next((event["port"] for event in agent.events if event.get("message") == "health"), None), 20, "a port")
    lines = web.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_fault_18_an_expired_receipt_ends_the_task_all_the_same_and_is_counted(brief_cloud):
    cloud = brief_cloud
    cloud.send()
    cloud.proxy.on("sqs.DeleteMessage", refuse(404, "ReceiptHandleIsInvalid", "The input receipt handle is invalid."), times=1)
    agent = cloud.agent("--health-port", "0")
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and cloud.notice_ids() == {"t/1/succeeded"}
    assert metrics(agent)["sd_leases_lost_total"] == 1 and agent.is_running


def test_fault_19_heartbeats_that_fail_are_tried_again_early_and_nobody_else_gets_the_task(make_cloud):
    cloud = make_cloud(visibility=6)
    cloud.webui.seconds = 10
    cloud.send()
    # Each call is tried three times by the client; two heartbeats fail whole.
    failing = cloud.proxy.on("sqs.ChangeMessageVisibility", refuse(500, "InternalFailure"), times=6)
    agent = cloud.agent()
    other = cloud.agent()
    cloud.settle({"t": 1})
    assert failing.left == 0 and cloud.starts == 1
    assert said(agent, "leases could not be extended, trying again soon") or said(
        other, "leases could not be extended, trying again soon")


def test_fault_19_a_lost_lease_is_told_and_the_task_ends_once(brief_cloud):
    cloud = brief_cloud
    cloud.webui.delays = [4]
    cloud.webui.varies = True
    cloud.send(batch_size=2)
    cloud.proxy.on("sqs.ChangeMessageVisibility", refuse(400, "MessageNotInflight", NO_LEASE))
    agent = cloud.agent("--health-port", "0")
    agent.wait_for(lambda: said(agent, "a lease was lost"), 30, "its notice of that")
    assert metrics(agent)["sd_leases_lost_total"] == 1
    # Two agents and one engine: the second has the message by now, and whoever commits, does so once.
    cloud.agent()
    cloud.settle({"t": 2})
    assert cloud.notice_ids() == {"t/1/succeeded"}


def test_fault_19_the_cap_of_twelve_hours_is_no_loss(make_cloud):
    cloud = make_cloud(visibility=6)
    cloud.webui.delays = [3]
    cloud.send()
    capped = cloud.proxy.on("sqs.ChangeMessageVisibility", refuse(400, "InvalidParameterValue", BEYOND))
    agent = cloud.agent("--health-port", "0")
    cloud.settle({"t": 1})
    assert capped.count and metrics(agent)["sd_leases_lost_total"] == 0
    assert cloud.starts == 1 and len(cloud.proxy.heard("sqs.DeleteMessage")) == 1


def test_fault_24_one_message_at_two_agents_at_once_ends_in_one_set_of_objects_of_one_engine(cloud):
    engines = [WebUI(seconds=1, varies=True), WebUI(seconds=1, varies=True)]
    engines[1].shade = 7
    answers, both, lock = [], Hold(), threading.Lock()

    def hand_out_twice(call):
        """Polls without waiting, so that the answer of one can be given to the other as well."""
        call.change(WaitTimeSeconds="0")
        for _ in range(1000):
            with lock:
                if answers:
                    both.let_go()
                    twice.stop()
                    return call.answer(*answers[0])
                status, headers, body = call.forward()
                if b"<Message>" in body:
                    answers.append((status, body, headers))
                    break
            time.sleep(0.02)
        both(call)
        call.answer(status, body, headers)

    twice = cloud.proxy.on("sqs.ReceiveMessage", hand_out_twice)
    try:
        agents = [cloud.agent(engine=engine) for engine in engines]
        for agent in agents:
            agent.wait_for(lambda agent=agent: said(agent, "the engine is ready"), 30, "readiness")
        cloud.send(batch_size=3)
        cloud.settle({"t": 3})
        assert twice.left == 0
        wait_until(lambda: all(not engine._busy for engine in engines), 30, "idle engines")
        pictures = {key: cloud.state.object(key) for key in cloud.deployment.keys() if key.endswith(".png")}
        made_by = [engine for engine in engines if set(pictures.values()) <= set(engine.made)]
        assert len(pictures) == 3 and len(made_by) == 1
        assert cloud.notice_ids() == {"t/1/succeeded"}
    finally:
        for engine in engines:
            engine.stop()


def test_fault_25_poison_is_dead_lettered_with_the_reason_at_once_and_healthy_tasks_go_on(cloud):
    bad = {"not json at all": None, json.dumps({"Message": "{"}): None, json.dumps([1, 2]): None, "\u00e4" * 10: None,
           json.dumps({"Message": json.dumps({"alwayson_scripts": {"task": "no-such-task", "id_task": "x"}})}): None,
           json.dumps({"metadata": {"id": "../x", "runtime": "sdruntime", "tasktype": "text-to-image"}, "content": {}}): None,
           # The reason quotes what no queue takes.
           json.dumps({"metadata": {"id": "x", "runtime": "sdruntime", "tasktype": "\uffff"}, "content": {}}): None}
    agent = cloud.agent("--health-port", "0")
    expected = {}
    for number, body in enumerate(bad):
        cloud.deployment.send(body, trace=None)
        # A healthy one without the trace header that ended the reference's agent.
        cloud.deployment.send(successor_task(f"good{number}"), trace=None)
        expected[f"good{number}"] = 1
    cloud.settle(expected, letters=len(bad))
    letters = []
    wait_until(lambda: letters.extend(cloud.deployment.letters()) or {body for body, _ in letters} >= set(bad), 30, "the letters")
    assert {body for body, _ in letters} == set(bad)
    for _, attributes in letters:
        assert attributes["sd_dead_letter_code"] == "poison" and attributes["sd_dead_letter_reason"]
    # At once: each was written down once and deleted once, and none was given back to be received again.
    written = [call.form["MessageBody"] for call in cloud.proxy.heard("sqs.SendMessage")]
    assert sorted(written) == sorted(bad)
    assert len({attributes["sd_dead_letter_message_id"] for _, attributes in letters}) == len(bad)
    deleted = [call.form["ReceiptHandle"] for call in cloud.proxy.heard("sqs.DeleteMessage")]
    assert len(deleted) == len(set(deleted)) == 2 * len(bad)
    assert not [call for call in cloud.proxy.heard("sqs.ChangeMessageVisibility*") if "0" in call.form.values()]
    assert cloud.starts == len(bad) and agent.is_running
    assert 'sd_tasks_total{code="ok",runtime="sdruntime",state="succeeded"}' in metrics(agent)
