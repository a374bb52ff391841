"""Programs as processes: started, waited for, signalled by their own id, and never left behind."""

import json
import os
import pathlib
import re
import signal
import subprocess
import threading

from .waiting import TimeOut, wait_until

# Where a program says that it serves, in words and in either form of its log; its peers' addresses stand there too.
ADDRESS = re.compile(r"(?:is at  |listening\W+address\W+)(https?://(?:127\.0\.0\.1|localhost):\d+)")


def clean_environment(**additions):
    """The environment without what would configure a program of ours from outside."""
    ours = ("SD_", "SDTEST_", "SDCTL_", "AWS_", "SQS_", "S3_", "SNS_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        kept.pop(name, None)
    return kept | {"NO_COLOR": "1"} | additions


class Process:
    """A running program. Its output goes to files, which are shown when a test fails."""

    def __init__(self, name, arguments, logs, environment=None):
        self.name = name
        self.output = pathlib.Path(logs) / f"{name}.out"
        self.errors = pathlib.Path(logs) / f"{name}.err"
        with open(self.output, "ab") as out, open(self.errors, "ab") as err:
            self.child = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=environment or clean_environment(), start_new_session=True)

    @property
    def text(self):
        """Everything that it has written."""
        return "".join(path.read_text(errors="replace") for path in (self.output, self.errors))

    @property
    def events(self):
        """Its log's JSON lines; a last line that a kill has cut off is passed over."""
        return list(json_lines(self.errors))

    @property
    def is_running(self):
        return self.child.poll() is None

    def wait_for(self, condition, limit, what):
        """Waits for a condition, and ends early when the program does."""
        def met():
            answer = condition()
            if not answer and not self.is_running:
                answer = condition()
                if not answer:
                    raise AssertionError(f"{self.name} ended with {self.child.returncode}, waiting for {what}\n{self.tail()}")
            return answer
        try:
            return wait_until(met, limit, f"{self.name}: {what}")
        except TimeOut as problem:
            raise TimeOut(f"{problem}\n{self.tail()}") from None

    def address(self, limit=30):
        """The address that it says it serves."""
        return self.wait_for(lambda: ADDRESS.search(self.text), limit, "an address").group(1)

    def footprint(self):
        """Its open descriptors, and the MiB of memory that are its own."""
        folder = pathlib.Path(f"/proc/{self.child.pid}")
        own = re.search(r"RssAnon:\s+(\d+) kB", (folder / "status").read_text()).group(1)
        return len(os.listdir(folder / "fd")), int(own) / 1024

    def signal(self, number):
        if self.is_running:
            self.child.send_signal(number)

    def wait(self, limit):
        """Its exit status; a negative one is the signal that ended it."""
        try:
            return self.child.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimeOut(f"{self.name} goes on after {limit} s\n{self.tail()}") from None

    def kill(self):
        """As a machine that goes away does."""
        self.signal(signal.SIGKILL)
        self.child.wait(10)

    def stop(self, limit=15):
        """Asks it to end, and sees to it."""
        self.signal(signal.SIGTERM)
        try:
            self.child.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, count=60):
        lines = self.text.splitlines()[-count:]
        return "\n".join([f"--- {self.name} (last {len(lines)} lines)", *lines])


def json_lines(path):
    for line in pathlib.Path(path).read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


class Programs:
    """The built programs, and the processes that a test has started."""

    def __init__(self, folder, logs):
        self.folder = pathlib.Path(folder).resolve()
        self.logs = pathlib.Path(logs)
        self.started = []
        self._lock = threading.Lock()

    def path(self, name):
        path = self.folder / name
        assert path.is_file(), f"{path} has not been built: run 'make build'"
        return path

    def start(self, program, *arguments, name=None, **environment):
        return self.start_other(name or program, [self.path(program), *arguments], numbered=name is None, **environment)

    def start_other(self, name, command, numbered=True, **environment):
        """Starts whatever is to be ended with the test, such as a program of ours inside another one."""
        with self._lock:
            name = f"{len(self.started):02}-{name}" if numbered else name
            process = Process(name, command, self.logs, clean_environment(**environment))
            self.started.append(process)
        return process

    def run(self, program, *arguments, limit=60, input=None, cwd=None, **environment):
        """Runs a program to its end: its status and what it wrote."""
        return subprocess.run(
            [str(self.path(program)), *map(str, arguments)], input=input, capture_output=True, text=True, timeout=limit,
            cwd=cwd, env=clean_environment(**environment))

    def stop_all(self):
        for process in reversed(self.started):
            process.kill()
