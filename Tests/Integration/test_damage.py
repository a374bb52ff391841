"""Disks that are full and files that are not what was written: a clear error, and no harm to anything else."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess

import pytest

from checker import Checker
from conftest import Dev
from support import web
from support.state import State
from support.waiting import wait_until

CONFIGURATION, BROKEN = 78, 70


def task(task_id, **content):
    return {
        "id": task_id, "runtime": "sdruntime", "type": "text-to-image",
        "content": {"prompt": "a lighthouse", "seed": 7, "width": 64, "height": 64, "steps": 1} | content}


@pytest.fixture
def used(start_dev, state):
    """A state directory with two finished tasks in it, and nobody who uses it."""
    dev = start_dev()
    for name in ("first", "second"):
        assert web.post(f"{dev.url}/v1/tasks", task(name)).status == 201
        dev.wait_for(name, "succeeded")
    dev.process.signal(signal.SIGINT)
    assert dev.process.wait(20) == 0
    return state


def change(state, statement):
    database = sqlite3.connect(state.directory / "state.sqlite")
    with database:
        database.execute(statement)
    database.close()


def flip(path, offset=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if offset is None else offset] ^= 1
    path.write_bytes(data)


def fill(path):
    """Takes all the space that there is."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, b"x" * 4096):
            pass
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(file)


def refusal(programs, state, program="sdctl", *arguments):
    done = programs.run(program, *(arguments or ("dev", "--port", "0")), "--state", state.directory)
    return done.returncode, done.stderr


@pytest.mark.parametrize("program, arguments", [
    ("sdctl", ("dev", "--port", "0")), ("sd-gateway", ("--port", "0")),
    ("sd-agent", ("--runtime", "sdruntime", "--backend", "test-pattern:")),
    ("sd-job", ("--runtime", "sdruntime", "--backend", "test-pattern:"))])
def test_fault_23_a_directory_of_a_newer_version_is_refused_by_name(used, programs, program, arguments):
    change(used, "PRAGMA user_version = 99")
    before = (used.directory / "state.sqlite").read_bytes()
    status, said = refusal(programs, used, program, *arguments)
    assert status == CONFIGURATION
    assert "99" in said and "newer" in said and str(used.directory) in said
    assert (used.directory / "state.sqlite").read_bytes() == before


@pytest.mark.parametrize("damage", ["truncated", "emptied", "removed"])
def test_fault_23_a_damaged_database_is_never_taken_for_an_empty_one(used, programs, damage):
    path = used.directory / "state.sqlite"
    if damage == "removed":
        path.unlink()
    else:
        os.truncate(path, 0 if damage == "emptied" else path.stat().st_size // 8192 * 4096)
    before = path.exists() and path.read_bytes()
    status, said = refusal(programs, used)
    assert status == BROKEN
    assert str(path) in said and "backup" in said
    assert (path.exists() and path.read_bytes()) == before, "nothing was changed"


def test_fault_23_a_flipped_byte_of_a_picture_is_found_when_it_is_read(used, start_dev):
    flip(used.objects / "first" / "first-1.png")
    dev = start_dev()
    answer = web.get(f"{dev.url}/v1/tasks/first/outputs/1")
    assert answer.status >= 500 and b"PNG" not in answer.body
    assert web.get(f"{dev.url}/v1/tasks/second/outputs/1").status == 200
    assert web.get(f"{dev.url}/v1/tasks/first").json["state"] == "succeeded"


def test_fault_23_a_changed_record_is_an_error_of_that_task_alone(used, start_dev):
    change(used, "UPDATE record SET json = CAST(replace(CAST(json AS TEXT), 'succeeded', 'cancelled') AS BLOB) WHERE task = 'first'")
    dev = start_dev()
    answer = web.get(f"{dev.url}/v1/tasks/first")
    assert answer.status >= 500 and "first" in answer.text
    assert web.get(f"{dev.url}/v1/tasks/second").json["state"] == "succeeded"
    assert [each["id"] for each in web.get(f"{dev.url}/v1/tasks").json["tasks"]] == ["second"]
    assert web.post(f"{dev.url}/v1/tasks", task("third")).status == 201
    dev.wait_for("third", "succeeded")


def test_fault_23_a_changed_message_is_set_aside_with_the_reason(used, start_gateway, start_dev):
    gateway = start_gateway()
    for name in ("bad", "good"):
        assert web.post(f"{gateway.url}/v1/tasks", task(name)).status == 201
    gateway.stop()
    change(used, "UPDATE payload SET body = CAST(replace(CAST(body AS TEXT), 'lighthouse', 'lighthorse') AS BLOB) "
                 "WHERE CAST(body AS TEXT) LIKE '%\"bad%'")
    dev = start_dev()
    dev.wait_for("good", "succeeded")
    wait_until(lambda: used.waiting("sdruntime-dlq") == 1, 20, "the letter")
    wait_until(lambda: used.waiting("sdruntime") == 0, 20, "the queue's end")
    failed = dev.wait_for("bad", "failed")
    assert "damaged" in failed["error"]["message"]
    wait_until(lambda: used.record("bad").json["announced"], 10, "the announcement of the failure")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few megabytes, for a state directory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True).returncode == 0
    if not mounted and os.environ.get("CI"):
        pytest.fail("a small file system cannot be mounted, and CI must")
    if not mounted:
        pytest.skip("only root may mount a small file system; a disk that fails with ENOSPC is tried all the same")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def test_fault_22_a_full_disk_refuses_tasks_and_goes_on_when_there_is_space(small_disk, programs):
    dev = Dev(programs, State(small_disk / "state"))
    assert web.post(f"{dev.url}/v1/tasks", task("before")).status == 201
    dev.wait_for("before", "succeeded")
    filler = small_disk / "filler"
    fill(filler)
    refused = web.post(f"{dev.url}/v1/tasks", task("refused"))
    assert refused.status in (503, 507), refused.text
    assert web.get(f"{dev.url}/v1/tasks/refused").status == 404
    assert web.get(f"{dev.url}/v1/tasks/before").json["state"] == "succeeded"
    assert web.get(f"{dev.url}/v1/tasks/before/outputs/1").status == 200
    filler.unlink()
    wait_until(lambda: web.post(f"{dev.url}/v1/tasks", task("after")).status in (200, 201), 30, "space")
    dev.wait_for("after", "succeeded")


class BrokenDisk:
    """A process whose writes do not reach the disk any more, by `strace`; `with` its end all is well again."""

    CALLS = "fsync,fdatasync,pwrite64,pwritev,ftruncate,fallocate"

    def __init__(self, process, log, error):
        self.process, self.log, self.error = process, log, error

    def __enter__(self):
        self.child = subprocess.Popen(
            ["strace", "-f", "-qq", "-p", str(self.process.child.pid), "-o", self.log,
             "-e", f"trace={self.CALLS}", "-e", f"inject={self.CALLS}:error={self.error}"], stderr=subprocess.PIPE)
        wait_until(self.is_attached, 20, "strace")
        return self

    def is_attached(self):
        """Whether every thread of the process has a tracer."""
        assert self.child.poll() is None, self.child.stderr.read()
        threads = os.listdir(f"/proc/{self.process.child.pid}/task")
        return all(f"TracerPid:\t{self.child.pid}" in open(f"/proc/{self.process.child.pid}/task/{thread}/status").read()
                   for thread in threads)

    @property
    def count(self):
        return self.log.read_text().count("(INJECTED)")

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        self.child.wait(20)


@pytest.fixture
def break_disk(tmp_path):
    if not shutil.which("strace"):
        pytest.fail("strace is missing: apt-get install strace")
    return lambda process, error="EIO": BrokenDisk(process, tmp_path / "strace.log", error)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_fault_22_a_disk_that_fails_refuses_tasks_and_the_queue_stays_readable(start_dev, break_disk, state, error):
    dev = start_dev()
    assert web.post(f"{dev.url}/v1/tasks", task("before")).status == 201
    dev.wait_for("before", "succeeded")
    with break_disk(dev.process, error) as disk:
        refused = web.post(f"{dev.url}/v1/tasks", task("refused"))
        assert refused.status in (500, 503, 507) and disk.count, refused.text
        assert web.get(f"{dev.url}/v1/tasks/before").json["state"] == "succeeded"
        assert web.get(f"{dev.url}/v1/tasks").status == 200
    wait_until(lambda: web.post(f"{dev.url}/v1/tasks", task("after")).status in (200, 201), 30, "the disk's return")
    dev.wait_for("after", "succeeded")
    assert web.get(f"{dev.url}/v1/tasks/refused").json.get("state") in (None, "succeeded", "queued", "running")


def test_fault_22_results_and_acknowledgements_wait_for_a_disk_that_fails(start_gateway, start_agent, break_disk, state, logs):
    gateway = start_gateway()
    state.listen("notices")
    agent = start_agent("--backend", "test-pattern:")
    assert web.post(f"{gateway.url}/v1/tasks", task("t", test_pattern={"seconds": 2})).status == 201
    wait_until(lambda: (record := state.record("t")) and record.state == "running", 30, "its start")
    with break_disk(agent) as disk:
        wait_until(lambda: disk.count >= 8, 60, "failed writes")
        assert state.record("t").state in ("running", "queued") and state.waiting("sdruntime") == 1
    wait_until(lambda: state.record("t").state == "succeeded" and state.waiting("sdruntime") == 0, 90, "the end")
    agent.stop()
    report = Checker(state, {"t": 1}, "notices").check()
    assert report.problems == [], str(report)


@pytest.fixture
def killed(start_gateway, state):
    """A directory whose only writer was killed with commits in the log that the database has not got yet."""
    gateway = start_gateway()
    for name in ("first", "second", "third"):
        assert web.post(f"{gateway.url}/v1/tasks", task(name)).status == 201
    gateway.kill()
    log = state.directory / "state.sqlite-wal"
    assert log.stat().st_size > 5 * 4096, "there is something to lose"
    return state, log


def test_fault_23_a_lock_whose_holder_was_killed_is_stale(killed, start_gateway):
    state, _ = killed
    gateway = start_gateway(name="next")
    assert [web.get(f"{gateway.url}/v1/tasks/{name}").json["state"] for name in ("first", "second", "third")] == ["queued"] * 3


@pytest.mark.parametrize("place", [10, 40], ids=["header", "first frame"])
def test_fault_23_a_damaged_log_is_told_and_kept_for_whoever_wants_its_tasks_back(killed, start_dev, place):
    state, log = killed
    flip(log, place)
    damaged = log.read_bytes()
    dev = start_dev()
    assert "the write-ahead log is damaged" in dev.process.text
    [copy] = state.directory.glob("state.sqlite-wal.corrupt-*")
    assert copy.read_bytes() == damaged and str(copy) in dev.process.text
    assert web.post(f"{dev.url}/v1/tasks", task("next")).status == 201
    dev.wait_for("next", "succeeded")
