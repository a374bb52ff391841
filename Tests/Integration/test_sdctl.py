"""What all of sdctl's commands have in common: help with examples, output, exit codes, completion, terminals."""

import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

from support.processes import clean_environment

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Commands that print no result of their own: servers, and scripts for shells.
WITHOUT_OUTPUT = {"sdctl dev", "sdctl completion"}
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def commands(binaries):
    """Every command that does something, by its words, as the program describes itself."""
    told = subprocess.run([binaries / "sdctl", "--experimental-dump-help"], capture_output=True, text=True, timeout=60)
    found = {}

    def walk(command, words):
        words = [*words, command["commandName"]]
        inner = [each for each in command.get("subcommands", [])
                 if each["commandName"] != "help" and each.get("shouldDisplay", True)]
        if not inner:
            found[" ".join(words)] = command
        for each in inner:
            walk(each, words)
    walk(json.loads(told.stdout)["command"], [])
    return found


def test_every_command_teaches_by_examples(commands):
    assert len(commands) > 15
    for words, command in commands.items():
        assert command.get("abstract"), words
        examples = [line for line in command.get("discussion", "").splitlines() if re.match(rf"\s+(source <\()?{words.split()[0]} ", line)]
        verb = re.sub(" (create|list|apply|stats)$", "", words)  # the default ones may go without their verb
        assert any(verb in line for line in examples), f"{words}: no example in its help"


def test_every_flag_says_what_it_is_for(commands):
    for words, command in commands.items():
        for argument in command.get("arguments", []):
            assert argument.get("abstract"), f"{words}: {argument.get('valueName')}"


def test_every_command_prints_for_programs_as_well(commands):
    for words, command in commands.items():
        names = {name["name"] for argument in command.get("arguments", []) for name in argument.get("names", [])}
        assert words in WITHOUT_OUTPUT or "output" in names, words


def test_the_page_and_the_help_tell_the_same_exit_codes(programs):
    page = dict(re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs/sdctl.md").read_text(), re.MULTILINE))
    told = programs.run("sdctl", "--help").stdout
    listed = dict(re.findall(r"^ {2,}(\d+)  (\S.*)$", told[told.index("Exit status"):], re.MULTILINE))
    assert page and {code: " ".join(text.split()) for code, text in listed.items()} == page


def test_the_page_has_every_command(commands):
    page = (ROOT / "docs/sdctl.md").read_text()
    for words in commands:
        group = words.split()[1]
        assert f"sdctl {group}" in page, words


@pytest.mark.parametrize("arguments, status, words", [
    (("tasks", "list", "--server", "http://127.0.0.1:1"), 3, "cannot be reached"),
    (("tasks", "list", "--state", "nonsense"), 2, "nonsense"), (("tasks", "retry"), 2, "which tasks"),
    (("tasks", "retry", "--state", "running"), 2, "only failed, expired and cancelled"),
    (("tasks", "export", "--since", "yesterday"), 2, "no time"), (("models", "pull", "ftp://x/y", "d"), 2, "s3://"),
    (("nonsense",), 2, "nonsense"), (("submit",), 2, "--prompt"), (("completion", "tcsh"), 2, "tcsh"),
    (("dlq", "redrive", "--runtime", "x"), 2, "which letters"),
])
def test_wrong_use_and_absent_servers_have_codes_of_their_own(programs, tmp_path, arguments, status, words):
    done = programs.run("sdctl", *arguments, cwd=tmp_path)
    assert done.returncode == status and done.stdout == ""
    assert words in done.stderr


# Shells

class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, arguments, environment, columns=120):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execvpe(arguments[0], arguments, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.text = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self, until, limit=30):
        end = time.monotonic() + limit
        while until not in self.text:
            assert time.monotonic() < end, f"no {until!r} in {self.text!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.terminal, 65536).decode(errors="replace")
                except OSError:
                    break
        before, _, self.text = self.text.partition(until)
        return before

    def stop(self):
        os.close(self.terminal)
        os.waitpid(self.child, 0)


@pytest.fixture
def bash(binaries, tmp_path):
    environment = clean_environment(PATH=f"{binaries}:{os.environ['PATH']}", TERM="xterm", HOME=str(tmp_path), PS1="$ ")
    shell = Shell(["bash", "--norc", "--noprofile", "-i"], environment)
    shell.type("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source <(sdctl completion bash); echo re''ady\n")
    shell.read("ready\r\n")
    yield shell
    shell.stop()


def complete_in_bash(shell, typed):
    # What bash makes of the line is told by echo.
    shell.type(f"{typed}\t\x01echo \x05 e''nd\n")
    shell.read("echo ")
    return shell.read(" end\r\n").split("\r\n")[-1]


@pytest.fixture
def zsh(binaries, tmp_path):
    """Finds the script as its users have it: as a file in fpath."""
    require("zsh")
    folder = tmp_path / "functions"
    folder.mkdir()
    script = subprocess.run([binaries / "sdctl", "completion", "zsh"], check=True, capture_output=True)
    (folder / "_sdctl").write_bytes(script.stdout)
    environment = clean_environment(PATH=f"{binaries}:{os.environ['PATH']}", TERM="xterm", HOME=str(tmp_path), PS1="$ ")
    shell = Shell(["zsh", "-f", "-i"], environment)
    # A widget that prints the line as it is then; what is ambiguous is left as typed.
    shell.type("unsetopt zle_bracketed_paste automenu autolist promptsp beep; zstyle ':completion:*' menu no; "
               f"fpath=({folder} $fpath); autoload -Uz compinit && compinit -u -d {tmp_path}/dump; "
               "told() { print -r -- \"echo ${BUFFER} e\"nd; BUFFER=; zle accept-line }; zle -N told; bindkey '^X' told; "
               "bindkey '^I' complete-word; echo re''ady\n")
    shell.read("ready\r\n")
    yield shell
    shell.stop()


def complete_in_zsh(shell, typed):
    shell.type(f"{typed}\t\x18")
    shell.read("echo ")
    return shell.read(" end\r\n")


def complete_in_fish(programs, folder, typed):
    """The line with what fish offers for its last word, where it offers one thing."""
    require("fish")
    script = folder / "sdctl.fish"
    script.write_text(programs.run("sdctl", "completion", "fish").stdout)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C (string join ' ' -- $argv)", *typed.split(" ")],
        capture_output=True, text=True, timeout=60, cwd=folder,
        env=clean_environment(PATH=os.pathsep.join([str(programs.folder), os.environ["PATH"]]), HOME=str(folder)))
    assert done.stderr == ""
    offers = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert len(offers) == 1, f"{typed}: {offers}"
    return " ".join([*typed.split(" ")[:-1], *offers])


def require(shell):
    if shutil.which(shell) is None:
        pytest.fail(f"{shell} is not installed: run 'scripts/setup integration', or 'apt-get install {shell}'")


COMPLETIONS = [
    ("sdctl que", "sdctl queue"), ("sdctl tasks ret", "sdctl tasks retry"), ("sdctl snapshot pru", "sdctl snapshot prune"),
    ("sdctl tasks list --run", "sdctl tasks list --runtime"), ("sdctl tasks list --state exp", "sdctl tasks list --state expired"),
    ("sdctl queue stats --output js", "sdctl queue stats --output json"), ("sdctl completion fi", "sdctl completion fish"),
    ("sdctl snapshot create a:1 --write-config mod", "sdctl snapshot create a:1 --write-config models"),
    ("sdctl submit --conte", "sdctl submit --content"),
    ("sdctl dlq list --output js", "sdctl dlq list --output json"),
]


@pytest.mark.parametrize("typed, completed", COMPLETIONS)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(shell, request, programs, tmp_path, typed, completed):
    (tmp_path / "models").mkdir()
    if shell == "fish":
        line = complete_in_fish(programs, tmp_path, typed)
    else:
        terminal = request.getfixturevalue(shell)
        terminal.type(f"cd {tmp_path}; echo the''re\n")
        terminal.read("there\r\n")
        line = {"bash": complete_in_bash, "zsh": complete_in_zsh}[shell](terminal, typed)
    assert line.strip().rstrip("/") == completed


def test_bash_offers_all_commands(bash):
    bash.type("sdctl \t\t")
    bash.read("sdctl ")
    shown = bash.read("$ sdctl ")
    for command in ("completion", "dev", "dlq", "models", "queue", "snapshot", "submit", "tasks"):
        assert command in shown
    bash.type("\x03")


# Terminals

@pytest.fixture
def terminal(binaries):
    """Runs sdctl on a terminal of some width; everything that it showed."""
    def run(dev, *arguments, columns=80, **additions):
        environment = clean_environment(TERM="xterm", SDCTL_SERVER=dev.url, PATH=os.environ["PATH"], **additions)
        if "NO_COLOR" not in additions:
            environment.pop("NO_COLOR", None)
        shell = Shell(["sh", "-c", 'read go; "$@"; echo "it is over: $?"', "sh", str(binaries / "sdctl"), *map(str, arguments)],
                      environment, columns)
        shell.type("\n")
        try:
            return shell.read("it is over: ").lstrip("\r\n")
        finally:
            shell.stop()
    return run


def test_tables_fit_the_terminal_and_nothing_is_cut_in_a_pipe(dev, terminal):
    for number in range(2):
        done = dev.sdctl("submit", "--prompt", "x", "--steps", "1", "--width", "64", "--height", "64", "--wait",
                         "--id", f"a-task-with-quite-a-long-name-{number}")
        assert done.returncode == 0, done.stderr
    shown = terminal(dev, "tasks", "list")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.split("\r\n") if line]
    assert len(lines) == 3 and max(map(len, lines)) <= 80, shown
    assert "a-task-with-quite-a-long-name-0" in shown and "…" in shown
    assert f"{ESCAPE}[32msucceeded" in shown
    assert ESCAPE not in terminal(dev, "tasks", "list", NO_COLOR="1")
    piped = dev.sdctl("tasks", "list")
    assert "text-to-image" in piped.stdout and ESCAPE not in piped.stdout and "…" not in piped.stdout


def test_progress_is_a_line_that_is_written_over_and_gone_at_the_end(start_dev, terminal, tmp_path):
    dev = start_dev("--backend", "test-pattern:?seconds=1")
    shown = terminal(dev, "submit", "--prompt", "x", "--steps", "3", "--width", "64", "--height", "64", "--wait", "--out", tmp_path)
    assert f"\r{ESCAPE}[K" in shown and shown.rstrip().endswith(".png")
    piped = dev.sdctl("submit", "--prompt", "x", "--width", "64", "--height", "64", "--wait")
    assert ESCAPE not in piped.stdout + piped.stderr and piped.stderr == ""


def test_texts_of_others_move_no_cursor(dev, terminal):
    dev.sdctl("submit", "--prompt", "x", "--id", "t1", "--width", "64", "--height", "64", "--wait")
    task = json.dumps({"id": "evil", "runtime": "sdruntime", "type": "text-to-image", "context": "\u001b]0;owned\u0007\u009b2J",
                       "content": {"prompt": "x", "width": 64, "height": 64}})
    assert dev.sdctl("submit", "-", "--wait", input=task).returncode == 0
    shown = terminal(dev, "tasks", "show", "evil")
    assert "owned" in shown and f"{ESCAPE}]" not in shown and "\x9b" not in shown


# Tasks

def test_tasks_are_retried_and_each_gets_its_next_run(start_dev, tmp_path):
    (tmp_path / "sd.yaml").write_text("max-attempts: 1\n")
    dev = start_dev("--backend", "test-pattern:?fail=engine_failed", "--config", tmp_path / "sd.yaml")
    for number in range(2):
        done = dev.sdctl("submit", "--prompt", "x", "--id", f"t{number}", "--width", "64", "--height", "64", "--wait")
        assert done.returncode == 1
    asked = dev.sdctl("tasks", "retry", "--state", "failed")
    assert asked.returncode == 2 and "--yes" in asked.stderr
    dev.process.stop()
    dev = start_dev("--config", tmp_path / "sd.yaml")
    done = dev.sdctl("tasks", "retry", "t0")
    assert done.returncode == 0 and "t0 is queued, run 2" in done.stdout, done.stderr
    dev.wait_for("t0", "succeeded")
    every = dev.sdctl("tasks", "retry", "--state", "failed", "--code", "engine_failed", "--yes", "--output", "json")
    assert [task["id"] for task in json.loads(every.stdout)["retried"]] == ["t1"], every.stderr
    dev.wait_for("t1", "succeeded")
    again = dev.sdctl("tasks", "retry", "t0")
    assert again.returncode == 4 and "has succeeded" in again.stderr
    assert dev.sdctl("tasks", "retry", "nobody").returncode == 4


def test_tasks_are_exported_with_their_pictures(dev, tmp_path):
    for number in range(3):
        assert dev.sdctl("submit", "--prompt", "x", "--id", f"t{number}", "--width", "64", "--height", "64", "--wait").returncode == 0
    folder = tmp_path / "pictures"
    done = dev.sdctl("tasks", "export", "--outputs", folder)
    tasks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [task["id"] for task in tasks] == ["t2", "t1", "t0"], done.stderr
    assert tasks[0] == dev.task("t2") | {key: tasks[0][key] for key in tasks[0] if key == "outputs"}
    pictures = sorted(folder.rglob("*.png"))
    assert [path.parent.name for path in pictures] == ["t0", "t1", "t2"]
    kept = pictures[0].stat().st_mtime_ns
    assert dev.sdctl("tasks", "export", "--outputs", folder).returncode == 0
    assert pictures[0].stat().st_mtime_ns == kept
    rows = list(csv.DictReader(io.StringIO(dev.sdctl("tasks", "export", "--format", "csv", "--limit", "2").stdout)))
    assert [(row["id"], row["state"]) for row in rows] == [("t2", "succeeded"), ("t1", "succeeded")]
    middle = tasks[1]["created_at"]
    since = dev.sdctl("tasks", "export", "--since", middle).stdout
    until = dev.sdctl("tasks", "export", "--until", middle).stdout
    assert [json.loads(line)["id"] for line in since.splitlines()] == ["t2", "t1"]
    assert [json.loads(line)["id"] for line in until.splitlines()] == ["t0"]
