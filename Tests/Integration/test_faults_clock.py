"""The machine's clock set while agents work: leases, heartbeats and deadlines go by a clock that nobody sets."""

from datetime import datetime, timedelta, timezone

import pytest

from support import web
from support.clock import TimeOfDay
from support.waiting import wait_until

VISIBILITY = "2s"


@pytest.fixture
def clock(tmp_path):
    return TimeOfDay(tmp_path)


@pytest.fixture
def agents(programs, state, runtimes_file, clock):
    """Starts agents on a directory that see the clock as the test sets it."""
    def start(*arguments, name=None):
        return programs.start(
            "sd-agent", "--state", state.directory, "--runtime", "sdruntime", "--log-format", "json", "--visibility", VISIBILITY,
            "--backend", "test-pattern:", *arguments, name=name, **clock.environment)
    return start


def submit(gateway, task, seconds=0.0):
    answer = web.post(f"{gateway.url}/v1/tasks", {
        "id": task, "runtime": "sdruntime", "type": "text-to-image",
        "content": {"prompt": "a lighthouse", "seed": 7, "width": 64, "height": 64, "steps": 1,
                    "test_pattern": {"seconds": seconds}}})
    assert answer.status == 201, answer.text


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


def ended(state, task):
    return wait_until(
        lambda: (record := state.record(task)) and record.state in ("succeeded", "failed", "expired") and record, 60, f"{task}'s end")


def told(event):
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00"))


@pytest.mark.parametrize("minutes", [20, -20], ids=["forward", "back"])
def test_fault_20_a_clock_that_is_set_during_a_task_costs_nobody_a_lease(start_gateway, state, agents, clock, minutes):
    gateway = start_gateway()
    state.listen("notices")
    first = agents(name="first")
    submit(gateway, "long", seconds=8)
    first.wait_for(lambda: said(first, "engine started"), 30, "the start")
    # The other sees the same clock, and waits for messages that nobody holds.
    second = agents(name="second")
    second.wait_for(lambda: said(second, "the engine is ready"), 30, "readiness")
    clock.set(minutes * 60)
    submit(gateway, "short")
    assert ended(state, "short").state == "succeeded"
    record = ended(state, "long")
    assert (record.state, record.json["attempts"], record.json["claim"]["epoch"]) == ("succeeded", 1, 1)
    wait_until(lambda: state.waiting("sdruntime") == 0, 20, "the messages' end")
    assert len(said(first, "engine started")) + len(said(second, "engine started")) == 2
    # They did see it: what is logged after is dated as the clock was set.
    off = told(said(second, "ended")[-1]) - datetime.now(timezone.utc)
    assert abs(off - timedelta(minutes=minutes)) < timedelta(minutes=5)
    for agent in (first, second):
        assert agent.is_running and not said(agent, "a lease was lost")
    wait_until(lambda: len(state.notifications("notices")) == 2, 20, "both notices")


@pytest.mark.parametrize("minutes", [20, -20], ids=["forward", "back"])
def test_fault_20_after_the_clock_was_set_a_killed_agents_task_comes_back_within_its_visibility(
        start_gateway, state, agents, clock, minutes):
    gateway = start_gateway()
    victim = agents(name="victim")
    submit(gateway, "long", seconds=600)
    wait_until(lambda: (record := state.record("long")) and record.json["attempts"] == 1, 30, "the start in the record")
    clock.set(minutes * 60)
    victim.kill()
    other = agents(name="other")
    # A lease kept by the time of day would last twenty minutes more, or be over at once.
    other.wait_for(lambda: said(other, "engine started"), 30, "the start at the other")
    wait_until(lambda: state.record("long").json["attempts"] == 2, 30, "the second start in the record")
