"""A deployment's state as the checker looks at it: records, objects and notices in S3 and SQS, read without the programs."""

import json
import re

from checker import Checker

from . import web
from .state import ENDED, Notification, Record
from .tasks import reference_task
from .waiting import wait_until
from .webui import MODEL

RECORD = re.compile(r"\.sd/[0-9a-f]{2}/[^/]+/r\d{9}$")


class CloudState:
    """What `State` is for a directory. The checker's queue of notices is the deployment's own listener."""

    def __init__(self, deployment):
        self.deployment = deployment

    def records(self):
        found = []
        for key in self.deployment.keys(ours=True):
            if not RECORD.match(key):
                continue
            answer = self.deployment.object(key)
            json_ = json.loads(answer["Body"].read().split(b"\n", 1)[0])["record"]
            found.append(Record(json_["key"]["task"]["id"], json_["key"]["run"], json_["state"], answer["ETag"], json_))
        return sorted(found, key=lambda record: (record.json["createdAt"], record.name))

    def record(self, task, run=1):
        return next((each for each in self.records() if (each.task, each.run) == (task, run)), None)

    def keys(self):
        return self.deployment.keys()

    def object(self, key):
        return self.deployment.object(key)["Body"].read()

    def waiting(self, queue):
        return self.deployment.letter_count() if queue.endswith("-dlq") else self.deployment.left()

    def notifications(self, queue):
        return [Notification(body, attributes) for attributes, body in self.deployment.heard()]


class Cloud:
    """A deployment, the proxy before it, an engine, and the agents that a test starts; what the faults on AWS happen to."""

    def __init__(self, deployment, proxy, webui, programs):
        self.deployment, self.proxy, self.webui, self.programs = deployment, proxy, webui, programs
        self.state = CloudState(deployment)
        self.agents = []

    # Programs

    def agent(self, *arguments, engine=None, program="sd-agent", **environment):
        """Starts one as the charts do: by its environment alone."""
        agent = self.programs.start(
            program, *arguments,
            **self.deployment.environment((engine or self.webui).url, RUNTIME_NAME="sdruntime", **environment))
        self.agents.append(agent)
        return agent

    def gateway(self):
        """Starts a door whose topic this deployment's queue listens to."""
        runtimes = self.programs.logs.parent / "runtimes.yaml"
        runtimes.write_text(
            f"runtimes:\n  - name: sdruntime\n    model: {MODEL}\n    queue: {self.deployment.seen(self.deployment.queue_url)}\n")
        gateway = self.programs.start(
            "sd-gateway", "--port", "0", "--runtimes", str(runtimes), "--topic", self.deployment.tasks_topic,
            "--store", f"s3://{self.deployment.bucket}", "--events", self.deployment.topic, "--webhooks", "none:",
            **self.deployment.surroundings)
        gateway.url = gateway.address()
        gateway.wait_for(lambda: web.answers(f"{gateway.url}/readyz"), 30, "readiness")
        return gateway

    def sdctl(self, *arguments):
        return self.programs.run(
            "sdctl", *arguments, "--queue", self.deployment.seen(self.deployment.queue_url), **self.deployment.surroundings)

    def send(self, task="t", message=None, **changes):
        """Puts a task of the reference's API into the queue."""
        self.deployment.send(reference_task(self.deployment, task, **changes), message=message)

    # What came of it

    def record(self, task="t", run=1):
        return self.state.record(task, run)

    def reaches(self, task, *states, run=1, limit=60):
        return wait_until(
            lambda: (record := self.record(task, run)) and record.state in states and record, limit,
            f"{task} becoming {states}", interval=0.1)

    @property
    def starts(self):
        """How often the engine was asked for a picture."""
        return len(self.webui.calls)

    def notice_ids(self):
        """What was announced; how often is no matter, as long as it was in the same words, which the checker sees to."""
        return {attributes["notice_id"] for attributes, _ in self.deployment.notices()}

    def outputs(self):
        """The tags of all objects that are for clients, by their keys: whoever writes one again leaves another time."""
        return {key: ((answer := self.deployment.object(key))["ETag"], answer["LastModified"])
                for key in self.deployment.keys()}

    def settle(self, expected, limit=60, **promises):
        """Waits until everything has come to rest, and has the checker look at it."""
        wait_until(lambda: self.deployment.left() == 0, limit, "an empty queue", interval=0.1)
        wait_until(lambda: {record.task for record in self.state.records() if record.state in ENDED} >= set(expected), limit,
                   "the end of every task", interval=0.1)
        report = self.check(expected, **promises)
        assert report.problems == [], str(report)
        return report

    def check(self, expected, **promises):
        logs = [agent.errors for agent in self.agents]
        return Checker(self.state, expected, notices="heard", logs=logs, **promises).check()
