"""What a task costs in requests to AWS: eight for one picture, besides heartbeats and looks for a cancellation.

One that was published straight to the topic costs one more: its entry in the list of tasks, which the door writes for its own.
"""

import collections

import pytest

from support import web
from support.tasks import reference_task, successor_task
from support.waiting import wait_until

# Asked once by each process, however many tasks it does.
ONCE = {"sqs.GetQueueAttributes"}
HEARTBEATS = {"sqs.ChangeMessageVisibility", "sqs.ChangeMessageVisibilityBatch"}
BUDGET = 8
# Before the engine's first call, one after the other.
SERIAL = 4


def is_record(call):
    return (call.key or "").startswith(".sd/") and call.key.rsplit("/", 1)[1].startswith("r")


def is_look(call):
    """At the record, or at whether somebody watches."""
    return call.name in ("s3.GetObject", "s3.HeadObject") and (call.key or "").startswith(".sd/")


def through_the_door(cloud, task):
    gateway = cloud.gateway()
    answer = web.post(f"{gateway.url}/v1/tasks", {
        "id": task, "runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a cat", "steps": 16}})
    assert answer.status == 201, answer.text
    gateway.stop()


WAYS = {
    "v1alpha1": lambda cloud, task: cloud.deployment.send(reference_task(cloud.deployment, task)),
    "v1alpha2": lambda cloud, task: cloud.deployment.send(successor_task(task)),
    "v1": through_the_door,
}


@pytest.mark.parametrize("seconds", [0, 3], ids=["a quick one", "a slow one"])
@pytest.mark.parametrize("way", WAYS)
def test_a_task_of_one_picture_costs_eight_requests(cloud, way, seconds):
    cloud.webui.seconds = seconds
    WAYS[way](cloud, "t")
    before = len(cloud.proxy.calls)
    at_start = []
    cloud.webui.mischief = lambda: at_start.append(len(cloud.proxy.calls))
    agent = cloud.agent()
    wait_until(lambda: cloud.deployment.left() == 0, 60, "its end", interval=0.1)
    agent.stop()
    calls = [call for call in cloud.proxy.calls[before:] if call.name not in ONCE | HEARTBEATS]
    # The agent goes on receiving; what brings nothing is no task's cost.
    receives = [call for call in calls if call.name == "sqs.ReceiveMessage"]
    cost = collections.Counter(call.name for call in calls if call not in receives and not is_look(call))
    # The start of a slow one is told by a look that writes: claim and commit are the other two.
    writes = [call for call in calls if call.name == "s3.PutObject" and is_record(call)]
    assert len(writes) == (3 if seconds else 2), cost
    listed = [call for call in calls if (call.key or "").startswith(".sd/index/")]
    assert len(listed) == (way != "v1"), cost
    assert cost.total() + 1 - (len(writes) - 2) - len(listed) <= BUDGET, cost
    [started] = at_start
    first = [call for call in cloud.proxy.calls[before:started] if call.name not in ONCE]
    # The receive of the next task goes beside them.
    beside = [call for call in first if call.name == "sqs.ReceiveMessage"][1:]
    assert len(first) - len(beside) <= SERIAL, first
