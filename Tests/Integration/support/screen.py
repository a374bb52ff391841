"""A terminal as its user sees it: a program in tmux, what is on its screen, and that as a picture."""

import html
import re
import shlex
import subprocess

from .waiting import wait_until

# Colours of a common terminal, by their numbers in escape sequences.
COLOURS = {30: "#45475a", 31: "#f38ba8", 32: "#a6e3a1", 33: "#f9e2af", 34: "#89b4fa", 35: "#cba6f7", 36: "#94e2d5",
           37: "#bac2de", 90: "#7f849c", 91: "#f38ba8", 92: "#a6e3a1", 93: "#f9e2af", 94: "#89b4fa", 95: "#cba6f7",
           96: "#94e2d5", 97: "#ffffff"}
SGR = re.compile(r"\x1b\[([0-9;]*)m")
PAGE = """<!doctype html><meta charset="utf-8"><style>
  body {{ margin: 0; background: #1e1e2e }}
  pre {{ display: inline-block; margin: 0; padding: 16px 20px; color: #cdd6f4; background: #1e1e2e;
         font: 15px/1.35 "DejaVu Sans Mono", monospace }}
</style><pre>{}</pre>"""


class Screen:
    """A server of tmux of its own, so that nobody's sessions are met; `rows` tall, `columns` wide."""

    def __init__(self, folder, environment, columns=110, rows=30):
        self._socket, self._status = folder / "tmux", folder / "status"
        self._environment = environment
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", "exec cat", config=True)
        self._tmux("set-option", "-g", "default-terminal", "xterm-256color")

    def _tmux(self, *arguments, config=False):
        more = ["-f", "/dev/null"] if config else []
        done = subprocess.run(["tmux", "-S", str(self._socket), *more, *arguments], capture_output=True, text=True, timeout=30,
                              env=self._environment | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, prompt, *command, cwd):
        """Shows a prompt with what a user would type, and runs the command below it."""
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._environment.items())
        line = f"printf '\\033[2m$\\033[0m %s\\n' {shlex.quote(prompt)}; env -i {variables} {shlex.join(map(str, command))}"
        line += f"; echo $? >{shlex.quote(str(self._status))}; exec cat"
        self._tmux("respawn-pane", "-k", "-c", str(cwd), "sh", "-c", line)

    def text(self, coloured=False):
        shown = self._tmux("capture-pane", "-p", *(["-e"] if coloured else []))
        return shown.rstrip("\n")

    def wait(self, words, limit=90):
        """The screen once it shows something."""
        return wait_until(lambda: words in (shown := self.text()) and shown, limit, f"{words!r} on the screen")

    def wait_for_end(self, limit=90):
        """The program's exit status, all that it wrote being on the screen."""
        return int(wait_until(lambda: self._status.exists() and self._status.read_text(), limit, "the program's end"))

    def stop(self):
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, timeout=30)


def page(screen):
    """A screen with its escape sequences as HTML."""
    text, spans = "", 0
    for part, codes in _parts(screen.rstrip()):
        text += html.escape(part)
        if codes is None:
            continue
        numbers = [int(code or 0) for code in codes.split(";")]
        if 0 in numbers:
            text, spans = text + "</span>" * spans, 0
        style = "".join(_style(number) for number in numbers)
        if style:
            text, spans = f'{text}<span style="{style}">', spans + 1
    return PAGE.format(text + "</span>" * spans)


def _parts(text):
    end = 0
    for match in SGR.finditer(text):
        yield text[end:match.start()], match.group(1)
        end = match.end()
    yield text[end:], None


def _style(number):
    if number in COLOURS:
        return f"color: {COLOURS[number]};"
    return {1: "font-weight: bold;", 2: "opacity: 0.65;", 39: "color: #cdd6f4;", 22: "font-weight: normal; opacity: 1;"}.get(number, "")
