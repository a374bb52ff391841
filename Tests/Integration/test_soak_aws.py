"""Agents on AWS that are killed while engines fail and S3, SQS and SNS err at random: nothing is lost, nothing is doubled.

By default a minute's worth; `make soak` runs 5,000 tasks. The last part has no kills: there it is seen whether memory and
descriptors stay what they were.
"""

import json
import os
import random
import threading
import time

import pytest

from support.aws_proxy import commit_and_drop, drop, refuse
from support.tasks import reference_task, successor_task
from support.waiting import wait_until
from support.webui import WebUI

TASKS = int(os.environ.get("SDTEST_CLOUD_TASKS", 120))
AGENTS = int(os.environ.get("SDTEST_CLOUD_AGENTS", 3))
KILLS = int(os.environ.get("SDTEST_CLOUD_KILLS", 6))
SEED = int(os.environ.get("SDTEST_SEED", 20240607))
# How many messages the queue holds at a time.
DEPTH = 60
# How many of a hundred calls go wrong.
AWS_FAULTS, ENGINE_FAULTS = 3, 3
# Of tasks, until when agents are killed, and when memory and descriptors are looked at then.
KILLED_UNTIL, LOOKS = 0.6, (0.65, 0.7, 0.75)


class Chance:
    """Random choices that several threads may make."""

    def __init__(self, seed):
        self._random, self._lock = random.Random(seed), threading.Lock()

    def happens(self, percent):
        with self._lock:
            return self._random.random() * 100 < percent

    def choose(self, among):
        with self._lock:
            return self._random.choice(among)


def aws_fault(call):
    """What may go wrong with a call of this kind."""
    faults = [refuse(500, "InternalError"), refuse(503, "ServiceUnavailable"), drop, commit_and_drop]
    if call.service == "s3":
        faults += [refuse(503, "SlowDown")] + ([refuse(409, "ConditionalRequestConflict")] if call.operation == "PutObject" else [])
    return faults


def broken_off(handler):
    """The engine's process dies as it answers."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b'{"images": ["iVBORw0KGgo')
    handler.close_connection = True


ENGINE_ANSWERS = [(500, {"error": "RuntimeError", "message": "said by the test"}), (503, {"detail": "busy"}), broken_off,
                  (200, {"images": ["no base64"], "parameters": {}, "info": "{}"})]


def figures(process):
    """Resident memory in MiB, and open descriptors."""
    status = open(f"/proc/{process.child.pid}/status").read()
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    return resident, len(os.listdir(f"/proc/{process.child.pid}/fd"))


def test_fault_27_killed_agents_and_failing_services_lose_nothing_and_double_nothing(make_cloud, programs):
    chance = Chance(SEED)
    cloud = make_cloud(visibility=5, receives=1000)
    cloud.proxy.remembers = False
    engines = [WebUI(seconds=0.02, varies=True) for _ in range(AGENTS)]
    for engine in engines:
        engine.mischief = lambda: chance.choose(ENGINE_ANSWERS) if chance.happens(ENGINE_FAULTS) else None

    def start(number):
        return cloud.agent(engine=engines[number], SD_MAX_ATTEMPTS="100")

    def done():
        return sum(count for (name, status), count in cloud.proxy.counts.items()
                   if name == "sqs.DeleteMessage" and status == 200)

    expected = {f"task-{number:05}": chance.choose((1, 1, 1, 2)) for number in range(TASKS)}
    waiting = [
        reference_task(cloud.deployment, task, batch_size=pictures) if number % 2 else successor_task(task, batch_size=pictures)
        for number, (task, pictures) in enumerate(expected.items())]

    def progress(limit, what):
        """Waits until so many are done. The queues are kept short: moto's receives take the longer the more they hold."""
        def reached():
            while waiting and TASKS - len(waiting) - done() < DEPTH:
                cloud.deployment.send_many([waiting.pop(0) for _ in range(min(10, len(waiting)))])
            cloud.deployment.heard(receives=2)
            return done() >= limit
        wait_until(reached, 3600, what, interval=0.02)

    try:
        cloud.proxy.on("*", lambda call: chance.choose(aws_fault(call))(call), where=lambda call: chance.happens(AWS_FAULTS))
        agents = [start(number) for number in range(AGENTS)]
        for kill in range(KILLS):
            progress(TASKS * KILLED_UNTIL * (kill + 1) / (KILLS + 1), "the next kill")
            number = chance.choose(range(AGENTS))
            agents[number].kill()
            agents[number] = start(number)
        looks = []
        # Kept connections come and go with what fails: one look says little.
        for share in LOOKS:
            progress(TASKS * share, "the quiet part")
            looks.append([figures(agent) for agent in agents])
        before = [tuple(map(max, zip(*each))) for each in zip(*looks)]
        # Deletes that nobody heard of are not counted, and some tasks are deleted more than once.
        progress(TASKS * 0.97, "most tasks")
        while waiting:
            cloud.deployment.send_many([waiting.pop(0) for _ in range(min(10, len(waiting)))])
        wait_until(lambda: cloud.deployment.left() == 0, 600, "the end of all tasks", interval=0.5)
        after = [figures(agent) for agent in agents]
        report = cloud.settle(expected, limit=300)
    finally:
        for engine in engines:
            engine.stop()

    faulted = sum(count for (_, status), count in cloud.proxy.counts.items() if status in (0, 409, 500, 503))
    calls = sum(cloud.proxy.counts.values())
    starts = sum(len(engine.calls) for engine in engines)
    print(f"\nseed {SEED}: {TASKS} tasks, {AGENTS} agents, {KILLS} kills, {faulted} of {calls} calls of AWS failed, "
          f"{starts} engine starts; {report}")
    print(f"MiB and descriptors from {LOOKS[0]:.0%} on: {before}; at the end: {after}")
    assert all(agent.is_running for agent in agents)
    for (resident, descriptors), (resident_after, descriptors_after) in zip(before, after):
        assert resident_after <= resident * 1.2 + 8, "memory grows"
        assert descriptors_after <= descriptors + 8, "descriptors leak"


@pytest.mark.skipif("SDTEST_CLOUD_TASKS" not in os.environ, reason="a measurement: make soak runs it")
def test_fault_25_poison_costs_healthy_tasks_less_than_a_tenth_of_their_throughput(make_cloud):
    def seconds(poison):
        cloud = make_cloud()
        engine = WebUI(seconds=0.15)
        try:
            times = []
            engine.mischief = lambda: times.append(time.monotonic())
            for number in range(60):
                cloud.send(f"t{number}")
                if poison:
                    cloud.deployment.send(json.dumps({"Message": "{"}), trace=None)
            agent = cloud.agent(engine=engine)
            cloud.settle({f"t{number}": 1 for number in range(60)}, letters=60 if poison else 0, limit=120)
            agent.stop()
            return times[-1] - times[0]
        finally:
            engine.stop()

    ratios = sorted(seconds(False) / seconds(True) for _ in range(3))
    print(f"\nthroughput with one message of two poisoned, of that without: {ratios}")
    assert ratios[1] >= 0.9
