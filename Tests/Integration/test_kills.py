"""Agents killed with -9 in the midst of 500 tasks: nothing is lost, nothing is doubled, everything is announced."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from checker import Checker
from support import web
from support.state import State
from support.waiting import wait_until

TASKS = int(os.environ.get("SDTEST_TASKS", 500))
AGENTS = int(os.environ.get("SDTEST_AGENTS", 2))
KILLS = int(os.environ.get("SDTEST_KILLS", 10))
SEED = int(os.environ.get("SDTEST_SEED", 20240607))
NOTICES = "notices"
# What a program may have more of after ten times the work; each of its two connections to the database keeps up to 8 MiB
# of pages.
MORE_DESCRIPTORS, MORE_MEMORY = 8, 24


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where a state that came to rest is kept for the tests that follow."""
    return tmp_path_factory.mktemp("kept")


def test_fault_27_killed_agents_lose_nothing_and_double_nothing(start_gateway, start_agent, state, programs, kept):
    gateway = start_gateway()
    state.listen(NOTICES)
    chance = random.Random(SEED)

    def agent(number, life):
        return start_agent(
            "--backend", "test-pattern:?seconds=0.05", "--visibility", "3s", "--max-attempts", "50",
            name=f"agent-{number}-{life:03}")

    lives = [agent(number, 0) for number in range(AGENTS)]
    expected = {f"task-{number:05}": chance.choice((1, 1, 1, 2)) for number in range(TASKS)}
    submit(gateway.url, expected, range(TASKS // 10))
    small = gateway.footprint()
    submit(gateway.url, expected, range(TASKS // 10, TASKS))
    grown = {"gateway": (small, gateway.footprint())}

    # The moments are chosen by progress, not by the clock, so that a slow machine kills as much as a quick one.
    for life, done in enumerate(sorted(chance.sample(range(TASKS // 50, TASKS * 9 // 10), KILLS)), start=1):
        wait_until(lambda: state.ended() >= done, 120, f"{done} ended tasks", interval=0.01)
        for number in chance.sample(range(AGENTS), AGENTS):
            time.sleep(chance.uniform(0, 0.06))  # anywhere in a task's life
            lives[number].kill()
        lives = [agent(number, life) for number in range(AGENTS)]

    for process in lives:
        process.wait_for(lambda: '"ended"' in process.text or state.ended() == TASKS, 60, "a first task's end")
    small = [process.footprint() for process in lives]
    wait_until(lambda: state.ended() == TASKS and state.waiting("sdruntime") == 0, 180, "the end of all tasks", interval=0.2)
    for process, before in zip(lives, small):
        grown[process.name] = (before, process.footprint())
        process.stop()
    agent_logs = [process.errors for process in programs.started if process.name.startswith("agent-")]
    report = Checker(state, expected, NOTICES, agent_logs).check()
    left = state.unfinished_writes()
    print(f"\nseed {SEED}: {TASKS} tasks, {AGENTS} agents, {KILLS} kills of all; {report}, unfinished writes {len(left)}")
    assert report.problems == []
    for name, ((descriptors, memory), (later_descriptors, later_memory)) in grown.items():
        print(f"{name}: {descriptors} descriptors, then {later_descriptors}; {memory:.1f} MiB, then {later_memory:.1f}")
        assert later_descriptors <= descriptors + MORE_DESCRIPTORS, name
        assert later_memory <= memory + MORE_MEMORY, name
    assert left == [], "what the killed were writing is removed by those who come after them"
    gateway.stop()
    shutil.copytree(state.directory, kept / "state")
    for path in agent_logs:
        shutil.copy(path, kept)
    (kept / "expected.json").write_text(json.dumps(expected))


def submit(url, expected, numbers):
    """Submits tasks by their numbers, from several clients at once; each asks for so many pictures."""

    def one(number):
        task = f"task-{number:05}"
        content = {"prompt": f"lighthouse {task}", "width": 64, "height": 64, "steps": 1, "batch_size": expected[task]}
        answer = web.post(
            f"{url}/v1/tasks", {"id": task, "runtime": "sdruntime", "type": "text-to-image", "content": content})
        assert answer.status == 201, answer.text

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(one, numbers))


# The checker is checked: each promise is broken once, and must be missed.

def first_record(state):
    return next(record for record in state.records() if record.outputs)


def remove_object(state):
    (state.objects / first_record(state).outputs[0]["key"]).unlink()


def flip_byte(state):
    path = state.objects / first_record(state).outputs[0]["key"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def strip_answer(state):
    """As one that was written by somebody who did not have the engine's answer."""
    path = state.objects / f"{first_record(state).stem}.out%"
    path = path if path.exists() else path.with_name(path.name[:-1])
    answer = json.loads(path.read_text())
    answer["parameters"].pop("prompt")
    path.write_text(json.dumps(answer))


def add_object(state):
    path = state.objects / first_record(state).outputs[0]["key"]
    shutil.copy(path, path.with_name(path.name.replace("-1.png", "-7.png")))


def sql(*statements):
    def change(state):
        database = sqlite3.connect(state.directory / "state.sqlite")
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()
    return change


QUOTED = "'%s'"


def replaced(column, old, new):
    """A blob of text with something put in another's place; @ stands for a double quote."""
    return f"CAST(replace(CAST({column} AS TEXT), {old}, {new}) AS BLOB)".replace("@", '"')


LAST = "(SELECT max(m.seq) FROM message m JOIN queue q ON q.id = m.queue WHERE q.name = 'notices')"


@pytest.mark.parametrize("damage, finding", [
    (remove_object, "which is not there"),
    (flip_byte, "is not what"),
    (add_object, "stray object"),
    (strip_answer, "lacks what the engine told: prompt"),
    (sql("DELETE FROM record WHERE id = (SELECT max(id) FROM record)"), "was submitted and has no record"),
    (sql("INSERT INTO record (id, tenant, task, run, submission, created, state, runtime, revision, digest, json, context, "
         "reason) SELECT max(id) + 1, tenant, 'stranger', 1, submission, created, state, runtime, revision, "
         f"digest, {replaced('json', 'task', QUOTED % 'stranger')}, context, reason FROM record"),
     "was never submitted"),
    (sql("UPDATE record SET state = 'running' WHERE id = 1"), "is running"),
    (sql(f"DELETE FROM message WHERE seq = {LAST}"), "was not announced"),
    (sql(f"UPDATE payload SET body = {replaced('body', QUOTED % 'completed', QUOTED % 'finished')} WHERE seq = {LAST}"),
     "other words"),
    (sql("UPDATE message SET queue = (SELECT id FROM queue WHERE name = 'sdruntime') WHERE seq = " + LAST), "still holds 1"),
    (sql(f"UPDATE record SET json = {replaced('json', QUOTED % 'finishedAt@:@2', QUOTED % 'finishedAt@:@1')}"),
     "after its results were durable"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_the_checker_finds_what_is_broken(kept, tmp_path, damage, finding):
    if not (kept / "expected.json").exists():
        pytest.skip("there is no state to break: the test before failed")
    shutil.copytree(kept / "state", tmp_path / "broken")
    state = State(tmp_path / "broken")
    damage(state)
    expected = json.loads((kept / "expected.json").read_text())
    report = Checker(state, expected, NOTICES, sorted(pathlib.Path(kept).glob("agent-*.err"))).check()
    assert any(finding in problem for problem in report.problems), str(report)
