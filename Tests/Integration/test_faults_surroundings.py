"""Clocks that are wrong, credentials that run out, and AWS that is away altogether."""

import json
import os
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.waiting import wait_until

# How long AWS is away: 60 by hand.
OUTAGE = float(os.environ.get("SDTEST_OUTAGE", 5))


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


@pytest.mark.parametrize("minutes", [20, -20])
def test_fault_20_a_clock_that_is_off_is_corrected_at_the_second_try(cloud, minutes):
    cloud.proxy.offset = minutes * 60
    cloud.send(batch_size=2)
    cloud.agent()
    cloud.settle({"t": 2})
    refused = [call for call in cloud.proxy.calls if call.status in (400, 403)]
    # Calls that were under way before the first answer told the time; each goes through when it is sent again.
    assert refused and len(refused) <= 4
    assert all(call.status not in (400, 403) for call in cloud.proxy.calls if call.at > refused[0].at + 5)
    assert cloud.starts == 1 and cloud.record().json["attempts"] == 1


class Keys:
    """A container's credentials endpoint; `life` is how long what it hands out is good for, in seconds."""

    def __init__(self, life):
        self.life, self.fetches, self.is_down = life, 0, False
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                keys.fetches += 1
                expires = datetime.now(timezone.utc) + timedelta(seconds=keys.life)
                body = json.dumps({
                    "AccessKeyId": keys.current, "SecretAccessKey": "s", "Token": "t",
                    "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()
                self.send_response(500 if keys.is_down else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.current = "KEY1"

    @property
    def environment(self):
        return {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.server.server_port}/keys"}


@pytest.fixture
def make_keys():
    made = []

    def make(life):
        made.append(Keys(life))
        return made[-1]

    yield make
    for keys in made:
        keys.server.shutdown()
        keys.server.server_close()


def test_fault_21_credentials_that_expire_during_a_task_are_refreshed_once(cloud, make_keys):
    keys = make_keys(3600)
    cloud.webui.seconds = 1
    cloud.send(batch_size=3)
    expired = cloud.proxy.on(
        "*", lambda call: call.refuse(400, "ExpiredToken", "The provided token has expired."),
        where=lambda call: call.access_key != keys.current)
    agent = cloud.agent(**keys.environment)
    wait_until(lambda: cloud.starts, 30, "the engine's start")
    assert keys.fetches == 1
    keys.current = "KEY2"
    cloud.settle({"t": 3})
    assert expired.count >= 1 and keys.fetches == 2 and cloud.starts == 1
    assert {call.access_key for call in cloud.proxy.calls} == {"KEY1", "KEY2"}
    assert "KEY1" not in agent.text and "KEY2" not in agent.text


def test_fault_21_while_the_endpoint_is_down_what_is_valid_still_is_used(cloud, make_keys):
    # Within the five minutes before the end, in which a refresh is due.
    keys = make_keys(120)
    cloud.webui.seconds = 1
    agent = cloud.agent(**keys.environment)
    agent.wait_for(lambda: cloud.proxy.heard("sqs.ReceiveMessage"), 30, "a poll")
    keys.is_down, fetched = True, keys.fetches
    for number in range(3):
        cloud.send(f"t{number}")
    cloud.settle({f"t{number}": 1 for number in range(3)})
    assert keys.fetches > fetched and cloud.starts == 3
    # An endpoint that is down is not asked for every request.
    assert keys.fetches - fetched < len(cloud.proxy.calls)


def cpu_seconds(process):
    fields = open(f"/proc/{process.child.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sits_out(agent):
    """Waits for the outage's end, and looks at what that cost."""
    before, since = cpu_seconds(agent), time.monotonic()
    wait_until(lambda: time.monotonic() - since >= OUTAGE or not agent.is_running, OUTAGE + 5, "the outage's end", interval=0.5)
    assert agent.is_running
    share = (cpu_seconds(agent) - before) / (time.monotonic() - since)
    assert share < 0.05, f"{share:.1%} of a core while AWS is away"


@pytest.mark.parametrize("what", ["sqs.*", "s3.*", "*"], ids=["SQS", "S3", "all"])
def test_fault_28_an_outage_costs_next_to_nothing_and_is_forgotten_soon(brief_cloud, what):
    # A poll whose connection broke goes on in the stand-in, and may take a message with it for as long as a lease runs.
    cloud = brief_cloud
    cloud.send("before")
    agent = cloud.agent()
    cloud.settle({"before": 1})
    away = cloud.proxy.on(what, lambda call: (call.body, call.drop()))
    if what == "s3.*":
        cloud.send("during")
    cloud.proxy.cut()
    sits_out(agent)
    assert away.count and away.count < 40 * OUTAGE
    away.stop()
    cloud.send("after")
    cloud.settle({"before": 1, "after": 1} | ({"during": 1} if what == "s3.*" else {}), limit=30)
    if what == "s3.*":
        # Looked at now and then, at longer and longer intervals: its receive count did not climb for others' faults.
        assert 0 < len(said(agent, "a message could not be worked on, giving it back")) < 6 + OUTAGE / 4


def test_fault_28_tasks_under_way_in_an_outage_are_stored_and_told_after_it(cloud):
    """One is at the engine when AWS goes away, one is delivered meanwhile, others wait: none is lost, none made twice."""
    cloud.webui.seconds = 1
    tasks = [f"t{number}" for number in range(6)]
    for task in tasks:
        cloud.send(task)
    agent = cloud.agent()
    agent.wait_for(lambda: cloud.starts == 3, 60, "the third start")
    away = cloud.proxy.on("*", lambda call: (call.body, call.drop()))
    cloud.proxy.cut()
    sits_out(agent)
    assert away.count
    away.stop()
    cloud.settle(dict.fromkeys(tasks, 1), limit=60)
    lost = len(said(agent, "a lease was lost"))
    assert cloud.starts <= len(tasks) + lost, "a task was made twice whose lease was never lost"


def test_fault_28_a_name_that_does_not_resolve_is_waited_for(cloud, programs, tmp_path):
    """In a mount namespace of its own, the agent has a hosts file that learns the name later."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    if subprocess.run(["unshare", "-m", "mount", "--bind", hosts, "/etc/hosts"], capture_output=True).returncode:
        pytest.skip("only root may have a hosts file of its own; what the transport does is in the unit tests")
    name = f"aws-{os.getpid()}.test"
    cloud.send()
    environment = cloud.deployment.environment(cloud.webui.url, RUNTIME_NAME="sdruntime")
    environment = {key: value.replace(f"127.0.0.1:{cloud.proxy.port}", f"{name}:{cloud.proxy.port}")
                   for key, value in environment.items()}
    path = programs.path("sd-agent")
    script = f'mount --bind "{hosts}" /etc/hosts && exec "{path}"'
    agent = programs.start_other("agent", ["unshare", "-m", "sh", "-c", script], **environment)
    cloud.agents.append(agent)
    agent.wait_for(lambda: said(agent, "the queue cannot be asked, trying again"), 60, "its trouble")
    sits_out(agent)
    assert not cloud.proxy.calls
    with open(hosts, "a") as file:
        file.write(f"127.0.0.1 {name}\n")
    cloud.settle({"t": 1}, limit=30)
