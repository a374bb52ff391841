"""On local plugins: agents that are told to end, paused, or left without an engine: nothing is lost, and nobody overwrites anybody."""

import signal

from conftest import free_port
from support import web
from support.waiting import wait_until


def submit(gateway, task_id, **content):
    body = {"prompt": "a lighthouse", "seed": 7, "width": 64, "height": 64, "steps": 1} | content
    answer = web.post(
        f"{gateway.url}/v1/tasks",
        {"id": task_id, "runtime": "sdruntime", "type": "text-to-image", "content": body})
    assert answer.status == 201, answer.text


def reaches(state, task_id, *states, limit=60):
    return wait_until(
        lambda: (record := state.record(task_id)) and record.state in states and record, limit, f"{task_id} becoming {states}")


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


def starts(*agents):
    return sum(len(said(agent, "engine started")) for agent in agents)


def received(state, queue="sdruntime"):
    """How often each message of a queue was handed out, the oldest first."""
    return [count for (count,) in state._rows(
        "SELECT m.received FROM message m JOIN queue q ON q.id = m.queue WHERE q.name = ? ORDER BY m.seq", (queue,))]


def test_fault_06_an_idle_agent_ends_at_once_when_asked(start_agent):
    agent = start_agent("--backend", "test-pattern:")
    agent.wait_for(lambda: said(agent, "the engine is ready"), 30, "readiness")
    agent.signal(signal.SIGTERM)
    assert agent.wait(10) == 0


def test_fault_07_a_running_task_is_finished_within_the_grace_and_nobody_else_gets_it(start_gateway, start_agent, state):
    gateway = start_gateway()
    agent = start_agent("--backend", "test-pattern:", "--visibility", "2s")
    submit(gateway, "last", test_pattern={"seconds": 6})
    reaches(state, "last", "running")
    agent.signal(signal.SIGTERM)
    # Three visibilities go by; without a heartbeat the other would have the task after the first.
    other = start_agent("--backend", "test-pattern:", "--visibility", "2s")
    assert agent.wait(60) == 0
    record = reaches(state, "last", "succeeded")
    assert record.json["attempts"] == 1 and starts(agent, other) == 1
    wait_until(lambda: state.waiting("sdruntime") == 0, 10, "the message's end")


def test_fault_07_a_task_that_outlasts_the_grace_is_given_back_at_once_and_uncounted(start_gateway, start_agent, state):
    gateway = start_gateway()
    agent = start_agent("--backend", "test-pattern:", "--grace", "300ms", "--visibility", "10m")
    submit(gateway, "long", test_pattern={"seconds": 600})
    reaches(state, "long", "running")
    agent.signal(signal.SIGTERM)
    assert agent.wait(20) == 0
    record = state.record("long")
    assert (record.state, record.json["attempts"]) == ("queued", 0)
    # Its lease would have run for ten minutes.
    other = start_agent("--backend", "test-pattern:")
    reaches(state, "long", "running")
    other.kill()


def test_fault_08_a_second_signal_does_not_wait_for_the_running_task(start_gateway, start_agent, state):
    gateway = start_gateway()
    agent = start_agent("--backend", "test-pattern:")
    submit(gateway, "long", test_pattern={"seconds": 600})
    reaches(state, "long", "running")
    agent.signal(signal.SIGTERM)
    agent.wait_for(lambda: said(agent, "ending"), 10, "the first signal")
    agent.signal(signal.SIGINT)
    assert agent.wait(20) == 0
    assert state.record("long").state == "queued" and state.waiting("sdruntime") == 1


def test_fault_30_an_agent_that_wakes_late_overwrites_nothing(start_gateway, start_agent, state):
    gateway = start_gateway()
    state.listen("notices")
    paused = start_agent("--backend", "test-pattern:", "--visibility", "2s", name="paused")
    submit(gateway, "contested", batch_size=2, test_pattern={"seconds": 2})
    wait_until(lambda: (record := state.record("contested")) and record.json["attempts"] == 1, 60, "its start in the record")
    paused.signal(signal.SIGSTOP)
    other = start_agent("--backend", "test-pattern:", "--visibility", "2s", name="other")
    record = reaches(state, "contested", "succeeded")
    assert (record.json["attempts"], starts(other)) == (2, 1)
    wait_until(lambda: state.waiting("sdruntime") == 0, 20, "the message's end")

    def files():
        # A put renames a new file into place: whoever writes again leaves another inode.
        return {path: path.stat().st_ino for path in sorted(state.objects.rglob("contested*")) if path.is_file()}

    before = files()
    assert len(before) >= 4
    paused.signal(signal.SIGCONT)
    paused.wait_for(lambda: said(paused, "another worker has taken over"), 30, "its notice of that")
    paused.signal(signal.SIGTERM)
    assert paused.wait(30) == 0
    assert files() == before and state.record("contested").revision == record.revision
    assert [notice.attributes["notice_id"] for notice in state.notifications("notices")] == ["contested/1/succeeded"]


def test_fault_13_nothing_is_received_while_the_engine_is_away(start_gateway, start_agent, run_engine, state, logs):
    gateway = start_gateway()
    port, health = free_port(), free_port()
    submit(gateway, "one")
    agent = start_agent("--backend", f"webui+http://127.0.0.1:{port}", "--health-port", health)
    ready = f"http://127.0.0.1:{health}/readyz"
    agent.wait_for(lambda: said(agent, "waiting for the engine"), 30, "its wait")
    assert web.get(ready).status == 503 and web.get(f"http://127.0.0.1:{health}/healthz").status == 200
    assert received(state) == [0]
    server = run_engine(logs, port)
    reaches(state, "one", "succeeded")
    wait_until(lambda: web.get(ready).status == 200, 20, "readiness")

    # It dies over a task, and is away for a while.
    submit(gateway, "two", width=256, height=256, steps=200)
    reaches(state, "two", "running")
    wait_until(lambda: starts(agent) == 2, 20, "the engine's start on it")
    server.kill()
    record = reaches(state, "two", "queued")
    assert record.json["error"]["code"] == "engine_unreachable"
    submit(gateway, "three")
    agent.wait_for(lambda: len(said(agent, "waiting for the engine")) >= 2, 30, "its wait")
    wait_until(lambda: web.get(ready).status == 503, 20, "unreadiness")
    assert received(state)[-1] == 0
    assert web.request("DELETE", f"{gateway.url}/v1/tasks/two").status == 200
    run_engine(logs, port)
    reaches(state, "three", "succeeded")
    assert state.record("three").json["attempts"] == 1
