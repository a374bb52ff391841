"""What an operator does to queues and dead letters, with the built programs on one state directory."""

import json
import signal

import pytest

from support import web
from support.waiting import wait_until

RUNTIME = "sdruntime"
LETTERS = f"{RUNTIME}-dlq"


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


@pytest.fixture
def sdctl(programs, state):
    def run(*arguments, **options):
        return programs.run("sdctl", *arguments, "--state", state.directory, "--runtime", RUNTIME, **options)
    return run


def submit(gateway, task, **content):
    answer = web.post(f"{gateway.url}/v1/tasks", {
        "id": task, "runtime": RUNTIME, "type": "text-to-image",
        "content": {"prompt": "a lighthouse", "width": 64, "height": 64, "steps": 1} | content})
    assert answer.status == 201, answer.text


def listed(sdctl, *arguments):
    done = sdctl("dlq", "list", *arguments, "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def letters(start_agent, gateway, state, count):
    """Dead letters of tasks whose engine was broken."""
    for number in range(count):
        submit(gateway, f"task-{number}")
    broken = start_agent("--backend", "test-pattern:?fail=engine_failed", "--max-attempts", "1", name="broken")
    wait_until(lambda: state.waiting(LETTERS) == count, 60, f"{count} dead letters")
    broken.stop()


def test_a_poison_letter_is_listed_mended_and_succeeds(gateway, start_agent, state, sdctl, tmp_path):
    submit(gateway, "healthy")
    state.put(RUNTIME, '{"metadata": {"id": "poisoned", "runtime": "sdruntime", "tasktype": "text-to-imag"}, "content": {"prompt": "a pier"}}')
    agent = start_agent("--backend", "test-pattern:")
    wait_until(lambda: state.waiting(LETTERS) == 1, 30, "the letter")

    [letter] = listed(sdctl)
    assert (letter["code"], letter["state"]) == ("poison", "waiting")
    assert "text-to-imag" in letter["reason"]
    table = sdctl("dlq", "list").stdout
    assert letter["message"] in table and "poison" in table and "text-to-imag" in table

    shown = sdctl("dlq", "show", letter["message"])
    assert shown.returncode == 0 and '"tasktype": "text-to-imag"' in shown.stdout
    body = sdctl("dlq", "show", letter["message"], "--body").stdout
    mended = tmp_path / "mended.json"
    mended.write_text(body.replace("text-to-imag", "text-to-image"))
    sent = sdctl("dlq", "redrive", letter["message"], "--body", mended)
    assert sent.returncode == 0 and f"redriven to {RUNTIME}" in sent.stdout, sent.stderr

    wait_until(lambda: state.record("poisoned") and state.record("poisoned").state == "succeeded", 30, "its success")
    assert listed(sdctl) == []
    agent.stop()


def test_a_redrive_killed_half_way_loses_and_doubles_nothing(gateway, start_agent, state, sdctl, programs):
    count = 40
    letters(start_agent, gateway, state, count)
    state.listen("heard")
    assert {letter["code"] for letter in listed(sdctl)} == {"engine_failed"}

    for kill in range(3):
        before = state.waiting(LETTERS)
        redrive = programs.start(
            "sdctl", "dlq", "redrive", "--all", "--state", state.directory, "--runtime", RUNTIME, name=f"redrive-{kill}")
        # Somewhere among the letters: sent, and removed or not.
        wait_until(lambda: state.waiting(RUNTIME) > 0 and (state.waiting(LETTERS) < before or not redrive.is_running),
                   30, "letters sent back", interval=0.001)
        redrive.kill()
    # What the killed ones held comes back by itself.
    def redriven():
        done = sdctl("dlq", "redrive", "--all", "--output", "json")
        assert done.returncode == 0, done.stderr
        return state.waiting(LETTERS) == 0
    wait_until(redriven, 90, "the last letter to be sent back", interval=1)

    agents = [start_agent("--backend", "test-pattern:", name=f"well-{number}") for number in range(2)]
    wait_until(lambda: state.waiting(RUNTIME) == 0, 120, "the end of all tasks")
    for agent in agents:
        agent.stop()
    for number in range(count):
        runs = [record for record in state.records() if record.task == f"task-{number}"]
        assert [(record.run, record.state) for record in runs] == [(1, "failed"), (2, "succeeded")]
    heard = [notice.attributes["notice_id"] for notice in state.notifications("heard")]
    assert set(heard) == {f"task-{number}/2/succeeded" for number in range(count)}


def test_letters_are_dropped_only_when_it_is_meant(gateway, start_agent, state, sdctl):
    letters(start_agent, gateway, state, 3)
    first, *rest = [letter["message"] for letter in listed(sdctl)]
    asked = sdctl("dlq", "drop", "--all")
    assert asked.returncode == 2 and "--yes" in asked.stderr
    assert state.waiting(LETTERS) == 3
    dropped = sdctl("dlq", "drop", first, "--yes")
    assert dropped.returncode == 0, dropped.stderr
    assert [letter["message"] for letter in listed(sdctl)] == rest
    missing = sdctl("dlq", "drop", "nobody", "--yes")
    assert missing.returncode == 4 and "nobody" in missing.stderr
    assert sdctl("dlq", "drop", "--code", "engine_failed", "--yes").returncode == 0
    assert state.waiting(LETTERS) == 0


def test_queues_are_counted_shown_and_emptied(gateway, state, sdctl, programs):
    for number in range(3):
        submit(gateway, f"task-{number}")
    [stats] = json.loads(sdctl("queue", "stats", "--output", "json").stdout)
    assert (stats["queue"], stats["waiting"], stats["dead"]) == (RUNTIME, 3, 0)
    # Without --runtime: those of every runtime.
    every = programs.run("sdctl", "queue", "stats", "--state", state.directory)
    assert RUNTIME in every.stdout and f"{RUNTIME}-job" in every.stdout, every.stderr

    seen = json.loads(sdctl("queue", "peek", "--limit", "2", "--output", "json").stdout)
    assert len(seen) == 2 and json.loads(seen[0]["body"])["metadata"]["id"] == "task-0"
    assert "task-1" in sdctl("queue", "peek").stdout
    assert json.loads(sdctl("queue", "stats", "--output", "json").stdout)[0]["waiting"] == 3

    assert sdctl("queue", "purge").returncode == 2
    purged = sdctl("queue", "purge", "--yes")
    assert purged.returncode == 0 and "3 messages removed, 3 tasks cancelled" in purged.stdout, purged.stderr
    assert state.waiting(RUNTIME) == 0


def test_what_is_purged_is_cancelled_and_told_and_what_a_worker_has_is_left_to_it(gateway, start_agent, state, sdctl):
    state.listen("heard")
    agent = start_agent("--backend", "test-pattern:?seconds=6", "--no-look-ahead")
    submit(gateway, "at-work")
    wait_until(lambda: state.record("at-work").state == "running", 30, "the first to run")
    for number in range(3):
        submit(gateway, f"task-{number}")
    state.put(RUNTIME, "no task")
    purged = json.loads(sdctl("queue", "purge", "--yes", "--output", "json").stdout)
    assert purged["queue"] == RUNTIME and purged["cancelled"] == 3
    for number in range(3):
        task = web.get(f"{gateway.url}/v1/tasks/task-{number}").json
        assert task["state"] == "cancelled" and "removed from the queue" in task["error"]["message"]

    def told():
        return sorted(notice.attributes["notice_id"] for notice in state.notifications("heard"))

    wait_until(lambda: len(told()) >= 4, 30, "the one at work to end, and to be told of")
    assert told() == ["at-work/1/succeeded", *(f"task-{number}/1/cancelled" for number in range(3))]
    agent.stop()


def test_a_queue_that_is_not_there_is_an_error_and_is_not_made(gateway, programs, state, tmp_path):
    for arguments in (
        ("--state", state.directory, "--queue", f"file:{state.directory}?queue=nobody"),
        ("--state", tmp_path / "nowhere"),
        ("--queue", "memory:somewhere"),
    ):
        done = programs.run("sdctl", "queue", "stats", *arguments)
        assert done.returncode == 4 and done.stdout == "", (arguments, done)
    assert "nobody" not in state.queues()
    assert not (tmp_path / "nowhere").exists()
    nothing = programs.run("sdctl", "queue", "stats", cwd=tmp_path)
    assert nothing.returncode == 2 and "--state" in nothing.stderr
