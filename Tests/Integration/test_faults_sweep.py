"""The agent killed at each of its write-like system calls, one after the other, and the next one's work looked at.

`strace` counts each system call of each thread and kills at the chosen one as it is entered. Each is swept by itself: of
several at once the first to get there would always be the same. Calls are made by few threads (the network's by one), so
that counting up sweeps a whole life. `SDTEST_SWEEP=all` counts on until a life goes through unharmed; without it a sample
is taken, another one each day.
"""

import collections
import datetime
import os
import random
import shutil

import pytest

from checker import Checker
from support import web
from support.waiting import wait_until

# What leaves the process.
SENDS = ["sendto,sendmsg", "write,writev"]
STORES = ["pwrite64,pwritev", "fsync,fdatasync", "rename,renameat,renameat2,unlink,unlinkat,mkdir,link,linkat",
          "write,writev,ftruncate"]
WHOLE = os.environ.get("SDTEST_SWEEP") == "all"
SEED = int(os.environ.get("SDTEST_SEED", datetime.date.today().toordinal()))
SAMPLE = int(os.environ.get("SDTEST_SWEEP_SAMPLE", 3))
# Lives at most for one call, until one is killed there.
AGAIN = 8
# More than one task's life has; a sweep that gets there counts the wrong calls.
LONGEST = 400


def killing_at(count, calls, log):
    return ["strace", "-f", "-qq", "-o", log, "-e", f"trace={calls}", "-e", "signal=none", "-e",
            f"inject={calls}:signal=SIGKILL:when={count}"]


def sweep(live, calls):
    """Lives two lives unharmed, then others that end at the chosen calls, each kind of call by itself; `live` answers a
    life's exit status and its log.

    Answers how many pictures there were of each task's, and how many lives were killed."""
    tasks = ["first", "unharmed"]
    for task in tasks:
        # The first makes folders that the others find.
        status, log = live(calls, LONGEST * 10, task)
        assert status == 0
    made = busiest_threads(log)
    assert made and max(made.values()) < LONGEST, made
    told = [sweep_one(live, call, made[call], tasks) for call in calls.split(",") if call in made]
    return {task: 2 for task in tasks}, f"seed {SEED}: {'; '.join(told)}"


def sweep_one(live, call, longest, tasks):
    """Kills lives at one kind of call, of which a life's busiest thread makes so many."""
    chance = random.Random(SEED)
    # A sample from beginning, middle and end; lives differ by a few calls.
    parts = [1 + longest * 9 // 10 * part // SAMPLE for part in range(SAMPLE + 1)]
    sample = sorted({chance.randrange(low, max(low + 1, high)) for low, high in zip(parts, parts[1:])})
    lives, killed, unharmed = 0, 0, 0
    for count in range(1, LONGEST) if WHOLE else sample:
        # A life that ends what another had begun is short, and one whose calls are spread over more threads makes fewer in
        # each: lived again until it is met, of a sample a little earlier each time.
        for again, place in enumerate(count if WHOLE else max(1, count - n) for n in range(AGAIN)):
            tasks.append(f"{call}-{count}-{again}")
            status, _ = live(call, place, tasks[-1])
            assert status in (-9, 137, 0), f"killed at {call} {place}: {status}"
            lives += 1
            if status != 0:
                break
        killed += status != 0
        # An empty queue is another end of a life that no kill met; several of them mean that there is no such call.
        unharmed = unharmed + 1 if status == 0 else 0
        if WHOLE and unharmed >= 3 and count > longest:
            break
    # Of a sample each is killed; a whole sweep goes on until some are not.
    wanted = longest * 2 // 3 if WHOLE else len(sample)
    assert killed >= wanted, f"{killed} of {lives} lives were ended at {call}, not {wanted}"
    return f"{call} killed {killed} of {lives} lives of {longest}"


def busiest_threads(log):
    """How many calls of each kind the thread of a life made that made most of them."""
    made = collections.Counter()
    for line in log.read_text().splitlines():
        if "resumed>" not in line and "(" in line:
            thread, call = line.split("(")[0].split()
            made[thread, call] += 1
    most = {}
    for (_, call), count in made.items():
        most[call] = max(most.get(call, 0), count)
    return most


@pytest.fixture(autouse=True)
def strace():
    if not shutil.which("strace"):
        pytest.fail("strace is missing: apt-get install strace")


@pytest.mark.parametrize("calls", SENDS)
def test_fault_27_killed_at_any_send_of_a_tasks_life_on_aws(make_cloud, programs, tmp_path, calls):
    """Claim, uploads, commit, notice, delete: two pictures, so that uploads run side by side."""
    cloud = make_cloud(visibility=1, receives=1000)
    cloud.webui.varies = True
    environment = cloud.deployment.environment(cloud.webui.url, RUNTIME_NAME="sdruntime", SD_MAX_ATTEMPTS="50")

    def live(calls, count, task):
        log = tmp_path / f"strace-{task}.log"
        cloud.send(task, batch_size=2)
        victim = programs.start_other("victim", [*killing_at(count, calls, log), programs.path("sd-job")], **environment)
        cloud.agents.append(victim)
        return victim.wait(60), log

    expected, told = sweep(live, calls)
    cloud.agent(SD_MAX_ATTEMPTS="50")
    print(f"\n{told}: {cloud.settle(expected, limit=60 + len(expected))}")


@pytest.mark.parametrize("calls", STORES)
def test_fault_27_killed_at_any_write_of_a_tasks_life_on_a_directory(
        start_gateway, start_agent, programs, state, tmp_path, calls):
    gateway = start_gateway()
    state.listen("notices")
    logs = []

    def live(calls, count, task):
        log = tmp_path / f"strace-{task}.log"
        answer = web.post(f"{gateway.url}/v1/tasks", {
            "id": task, "runtime": "sdruntime", "type": "text-to-image",
            "content": {"prompt": "a lighthouse", "width": 64, "height": 64, "steps": 1, "batch_size": 2}})
        assert answer.status == 201, answer.text
        victim = programs.start_other("victim", [
            *killing_at(count, calls, log), programs.path("sd-job"), "--state", state.directory, "--runtime", "sdruntime",
            "--backend", "test-pattern:", "--visibility", "1s", "--log-format", "json", "--max-attempts", "50"])
        logs.append(victim.errors)
        return victim.wait(60), log

    expected, told = sweep(live, calls)
    agent = start_agent("--backend", "test-pattern:", "--max-attempts", "50")
    wait_until(lambda: state.ended() == len(expected) and state.waiting("sdruntime") == 0, 60 + len(expected), "the end")
    agent.stop()
    report = Checker(state, expected, "notices", [*logs, agent.errors]).check()
    print(f"\n{told}: {report}")
    assert report.problems == []
