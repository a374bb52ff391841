"""What an agent does for its engine and its machine besides tasks: readiness, models, memory, urgent tasks, spot notices,
and next to nothing while there is nothing to do."""

import os
import pathlib
import signal
import time

import pytest

from conftest import MODEL
from support import web
from support.aws import Deployment, Moto
from support.counting import CountingWay
from support.metadata import Metadata
from support.tasks import reference_task, successor_task
from support.waiting import wait_until
from support.webui import WebUI

OTHER = "sd_xl_base_1.0.safetensors"


@pytest.fixture(scope="module")
def moto():
    moto = Moto()
    yield moto
    moto.stop()


@pytest.fixture
def deployment(moto, request):
    return Deployment(moto, "a-" + request.node.name.replace("_", "-")[:40])


@pytest.fixture
def webui():
    webui = WebUI()
    yield webui
    webui.stop()


@pytest.fixture
def metadata():
    metadata = Metadata()
    yield metadata
    metadata.stop()


@pytest.fixture
def start(programs, deployment, webui):
    """Starts an agent with a health port; `url` is where that is."""
    def start(*arguments, program="sd-agent", **environment):
        agent = programs.start(
            program, "--health-port", "0", "--log-format", "json", *arguments,
            **deployment.environment(webui.url, RUNTIME_NAME="sdruntime", **environment))
        agent.wait_for(lambda: logged(agent, "health"), 20, "a health port")
        agent.url = f"http://127.0.0.1:{logged(agent, 'health')[0]['port']}"
        return agent
    return start


def logged(agent, message):
    return [event for event in agent.events if event.get("message") == message]


def is_ready(agent):
    return web.answers(f"{agent.url}/readyz")


def done(deployment, *tasks):
    wait_until(lambda: {attributes["notice_id"].split("/")[0] for attributes, _ in deployment.notices()} >= set(tasks),
               60, f"the ends of {tasks}")


# Readiness


def test_an_engine_with_another_model_gets_no_tasks(deployment, webui, start):
    webui.models, webui.loaded = [MODEL, OTHER], OTHER
    deployment.send(reference_task(deployment))
    agent = start("--model", MODEL)
    told = wait_until(lambda: logged(agent, "waiting for the engine"), 20, "the reason")
    assert told[0]["level"] == "error" and OTHER in told[0]["reason"] and MODEL in told[0]["reason"]
    assert not is_ready(agent) and webui.calls == [] and deployment.left() == 1
    webui.loaded = MODEL
    done(deployment, "307")
    assert is_ready(agent)


def test_the_engine_is_warm_before_the_agent_is_ready(deployment, webui, start):
    webui.seconds = 2
    agent = start("--warm-up", "256x192")
    wait_until(lambda: webui.calls, 20, "the warm-up")
    assert not is_ready(agent)
    wait_until(lambda: is_ready(agent), 20, "readiness")
    [(path, body)] = webui.calls
    assert (path, body["width"], body["height"], body["steps"]) == ("/sdapi/v1/txt2img", 256, 192, 1)
    assert deployment.keys() == [] and deployment.notices() == []


def test_a_warm_up_that_is_no_size_is_refused(programs):
    ended = programs.run("sd-agent", "--warm-up", "large", "--queue", "memory:q", "--store", "memory:")
    assert ended.returncode == 78 and "warm-up" in ended.stderr and "512x512" in ended.stderr


# Models and memory


def test_held_tasks_for_the_loaded_model_go_first(deployment, webui, start):
    webui.models = [MODEL, OTHER]
    webui.seconds = 0.4
    order = [MODEL, MODEL, OTHER, MODEL, OTHER, MODEL, OTHER, MODEL]
    for number, model in enumerate(order):
        task = reference_task(deployment, f"t{number}")
        task["alwayson_scripts"]["sd_model_checkpoint"] = model
        deployment.send(task)
    start("--model-affinity", DYNAMIC_SD_MODEL="true")
    done(deployment, *(f"t{number}" for number in range(len(order))))
    switches = used_models(webui)
    changes = sum(a != b for a, b in zip(switches, switches[1:]))
    assert len(switches) == len(order) and changes < sum(a != b for a, b in zip(order, order[1:])), switches


def used_models(webui):
    loaded, used = MODEL, []
    for _, body in webui.calls:
        loaded = body.get("override_settings", {}).get("sd_model_checkpoint", loaded)
        used.append(loaded)
    return used


def test_an_engine_that_uses_another_model_than_asked_fails_the_task(deployment, webui, start):
    webui.models = [MODEL, OTHER]
    webui.keeps_model = True
    task = reference_task(deployment)
    task["alwayson_scripts"]["sd_model_checkpoint"] = OTHER
    deployment.send(task)
    start(DYNAMIC_SD_MODEL="true")
    done(deployment, "307")
    [(attributes, notice)] = deployment.notices()
    assert attributes["notice_id"] == "307/1/failed"
    assert OTHER in notice["parameters"]["error_msg"] and MODEL in notice["parameters"]["error_msg"]
    assert deployment.keys() == ["307/307.out"]


def test_an_engine_that_has_grown_too_large_lets_go_of_its_memory(deployment, webui, start):
    webui.memory = 9 << 30
    for number in range(3):
        deployment.send(reference_task(deployment, f"t{number}"))
    agent = start("--engine-memory-limit", "8GiB")
    done(deployment, "t0", "t1", "t2")
    assert webui.reloads == 1 and len(webui.calls) == 3
    [told] = logged(agent, "the engine let go of memory")
    assert told["before"] == str(9 << 30) and told["bytes"] == "0"
    assert "sd_engine_recycles_total 1" in web.get(f"{agent.url}/metrics").text


# Urgent tasks


def test_urgent_tasks_go_first(deployment, webui, start):
    urgent = deployment.sqs.create_queue(QueueName=f"{deployment.name}-high")["QueueUrl"]
    for number in range(4):
        deployment.send(successor_task(f"slow{number}"))
    ordinary, deployment.queue_url = deployment.queue_url, urgent
    for number in range(2):
        deployment.send(successor_task(f"fast{number}"))
    deployment.queue_url = ordinary
    agent = start("--no-look-ahead", SD_PRIORITY_QUEUE=urgent)
    done(deployment, *(f"slow{n}" for n in range(4)), *(f"fast{n}" for n in range(2)))
    order = [event["task"].split("/")[0] for event in logged(agent, "engine started")]
    assert len(order) == 6 and sorted(order[:2]) == ["fast0", "fast1"]
    wait_until(lambda: f'sd_queue_messages{{queue="{deployment.name}-high",state="waiting"}}'
               in web.get(f"{agent.url}/metrics").text, 40, "figures of the urgent queue")


# Spot instances


def test_an_interruption_notice_drains_the_agent_which_stays(deployment, webui, metadata, start):
    webui.seconds = 4
    agent = start("--spot-notices", "interruption", **metadata.environment)
    wait_until(lambda: is_ready(agent), 20, "readiness")
    deployment.send(successor_task("t1"))
    wait_until(lambda: webui.calls, 20, "the task's start")
    metadata.announced["events/recommendations/rebalance"] = '{"noticeTime": "2026-10-27T08:22:00Z"}'
    metadata.announced["spot/instance-action"] = '{"action": "terminate", "time": "2026-10-27T08:24:00Z"}'
    wait_until(lambda: not is_ready(agent), 20, "unreadiness")
    [told] = logged(agent, "the machine is about to go, taking no more tasks")
    assert (told["notice"], told["action"], told["at"]) == ("interruption", "terminate", "2026-10-27T08:24:00.000Z")
    deployment.send(successor_task("t2"))
    done(deployment, "t1")
    wait_until(lambda: deployment.left() == 1, 20, "the end of the first task alone")
    assert agent.is_running and len(webui.calls) == 1
    agent.signal(signal.SIGTERM)
    assert agent.wait(10) == 0


def test_a_rebalance_recommendation_drains_where_that_is_wanted(deployment, metadata, start):
    metadata.announced["events/recommendations/rebalance"] = '{"noticeTime": "2026-10-27T08:22:00Z"}'
    calm = start("--spot-notices", "interruption", **metadata.environment)
    wait_until(lambda: is_ready(calm), 20, "readiness")
    careful = start("--spot-notices", "all", **metadata.environment)
    wait_until(lambda: logged(careful, "the machine is about to go, taking no more tasks"), 20, "the notice")
    assert not is_ready(careful) and is_ready(calm)


def test_a_job_ends_on_a_notice(deployment, metadata, start):
    metadata.announced["spot/instance-action"] = '{"action": "stop", "time": "2026-10-27T08:24:00Z"}'
    job = start("--spot-notices", "interruption", "--max-tasks", "100", program="sd-job", **metadata.environment)
    assert job.wait(20) == 0


# Nothing to do


def test_an_idle_agent_costs_next_to_nothing(deployment, programs, webui, binaries):
    """A minute on an empty queue: one long poll at a time and none in a hurry, under 0.2 % CPU, 40 MiB at most."""
    seconds = float(os.environ.get("SDTEST_IDLE_SECONDS", "60"))
    way = CountingWay(deployment.moto.url)
    try:
        environment = deployment.environment(webui.url) | {"AWS_ENDPOINT_URL": way.url}
        agent = programs.start("sd-agent", "--log-format", "json", **environment)
        wait_until(lambda: way.begun["ReceiveMessage"], 20, "the first poll")
        spent, end = ticks(agent), time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= end, seconds + 30, "some idle time", interval=1)
        spent = ticks(agent) - spent
        print(f"idle for {seconds:.0f} s: {spent / os.sysconf('SC_CLK_TCK') / seconds:.2%} CPU, {dict(way.begun)}, "
              f"{peak_memory(agent):.1f} MiB at most")
        assert way.most["ReceiveMessage"] == 1
        assert way.begun["ReceiveMessage"] <= seconds / 20 + 2
        assert set(way.begun) == {"ReceiveMessage", "GetQueueAttributes"} and way.begun["GetQueueAttributes"] == 1
        assert spent <= 0.002 * seconds * os.sysconf("SC_CLK_TCK") + 1
        if "release" in str(binaries):  # a debug build is larger
            assert peak_memory(agent) <= 40
    finally:
        way.stop()


def ticks(agent):
    """CPU time of the process, in ticks of the clock."""
    fields = pathlib.Path(f"/proc/{agent.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def peak_memory(agent):
    """In MiB."""
    lines = pathlib.Path(f"/proc/{agent.child.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
