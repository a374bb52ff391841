"""A real engine that dies, is away, is busy, or cannot be stopped: no task is lost, and each gets its own picture."""

import base64
import signal
import threading

import pytest

from conftest import free_port
from support import web
from support.waiting import wait_until
from test_faults_local import reaches, said, starts, submit

# About a minute of one thread: it is still at it when a test has looked.
LONG = {"width": 256, "height": 256, "steps": 200}
SMALL = {"prompt": "a lighthouse", "seed": 7, "width": 64, "height": 64, "steps": 2}


def begun(agent, count=1):
    wait_until(lambda: starts(agent) == count, 30, "the engine's start on it")


def picture(engine, content=SMALL):
    """What the engine itself makes of a request."""
    answer = web.post(f"{engine}/sdapi/v1/txt2img", content, limit=120)
    return base64.b64decode(answer.json["images"][0])


def output(state, record):
    [listed] = record.outputs
    return state.object(listed["key"])


def test_a_crash_gives_the_task_back_and_it_succeeds_on_a_healthy_engine(
        start_gateway, start_agent, run_engine, state, logs):
    gateway, port = start_gateway(), free_port()
    # It starts without its text encoder, and segfaults over the first request.
    broken = run_engine(logs, port, text_encoder=False)
    agent = start_agent("--backend", f"webui+{broken.url}")
    submit(gateway, "crash", **SMALL)
    assert broken.wait(60) == -signal.SIGSEGV
    record = reaches(state, "crash", "queued")
    assert record.json["error"]["code"] == "engine_unreachable" and record.json["error"]["retryable"]
    assert state.waiting("sdruntime-dlq") == 0 and not record.outputs
    healthy = run_engine(logs, port)
    record = reaches(state, "crash", "succeeded")
    assert record.json["attempts"] == 2 and starts(agent) == 2
    assert output(state, record) == picture(healthy.url)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_an_engine_that_is_restarted_under_a_task_gets_it_again(
        start_gateway, start_agent, run_engine, state, logs, number):
    gateway, port = start_gateway(), free_port()
    server = run_engine(logs, port)
    agent = start_agent("--backend", f"webui+{server.url}")
    submit(gateway, "restart", **LONG)
    begun(agent)
    server.signal(number)
    server.wait(30)
    assert reaches(state, "restart", "queued").json["error"]["code"] == "engine_unreachable"
    run_engine(logs, port)
    begun(agent, 2)
    # That it goes on is seen; its end would take a minute.
    assert web.request("DELETE", f"{gateway.url}/v1/tasks/restart").status in (200, 202)
    reaches(state, "restart", "cancelled")


def test_a_task_waits_for_an_engine_that_works_for_somebody_else(start_gateway, start_agent, run_engine, state, logs):
    gateway, server = start_gateway(), run_engine(logs)
    expected = picture(server.url)
    done = threading.Event()

    def elsewhere():
        web.post(f"{server.url}/sdapi/v1/txt2img", SMALL | {"width": 256, "height": 256, "steps": 30}, limit=300)
        done.set()

    other = threading.Thread(target=elsewhere)
    other.start()
    start_agent("--backend", f"webui+{server.url}")
    submit(gateway, "patient", **SMALL)
    record = reaches(state, "patient", "succeeded", limit=300)
    # The engine does one after the other: what came first is done.
    assert done.wait(5)
    other.join()
    assert record.json["attempts"] == 1 and output(state, record) == expected


def test_two_agents_on_one_engine_each_get_their_own_pictures(start_gateway, start_agent, run_engine, state, logs):
    gateway, server = start_gateway(), run_engine(logs)
    agents = [start_agent("--backend", f"webui+{server.url}") for _ in range(2)]
    for number in range(6):
        submit(gateway, f"shared-{number}", **(SMALL | {"seed": number}))
    records = [reaches(state, f"shared-{number}", "succeeded", limit=120) for number in range(6)]
    assert sum(map(len, ([event for event in agent.events if event.get("message") == "ended"] for agent in agents))) == 6
    for number, record in enumerate(records):
        assert output(state, record) == picture(server.url, SMALL | {"seed": number})


def test_a_cancelled_task_leaves_nothing_and_the_next_gets_its_own_picture(
        start_gateway, start_agent, run_engine, state, logs):
    gateway, server = start_gateway(), run_engine(logs)
    expected = picture(server.url)
    agent = start_agent("--backend", f"webui+{server.url}")
    submit(gateway, "unwanted", **(SMALL | {"width": 256, "height": 256, "steps": 40}))
    begun(agent)
    submit(gateway, "next", **SMALL)
    assert web.request("DELETE", f"{gateway.url}/v1/tasks/unwanted").status == 202
    # sd-server has no interrupt: it goes on, and the next one waits for it.
    assert reaches(state, "unwanted", "cancelled").outputs == []
    record = reaches(state, "next", "succeeded", limit=300)
    assert output(state, record) == expected
    assert not [key for key in state.keys() if key.startswith("unwanted/") and not key.endswith(".out")]


def test_an_agent_that_ends_over_a_task_leaves_it_to_the_next(start_gateway, start_agent, run_engine, state, logs):
    gateway, server = start_gateway(), run_engine(logs)
    first = start_agent("--backend", f"webui+{server.url}", "--grace", "200ms")
    request = SMALL | {"width": 256, "height": 256, "steps": 20}
    submit(gateway, "handed", **request)
    begun(first)
    first.signal(signal.SIGTERM)
    assert first.wait(30) == 0 and said(first, "given back")
    # sd-server goes on for the first one; the second waits its turn and gets the picture that was asked for.
    second = start_agent("--backend", f"webui+{server.url}")
    record = reaches(state, "handed", "succeeded", limit=300)
    assert starts(second) == 1 and record.json["attempts"] == 1
    assert output(state, record) == picture(server.url, request)
