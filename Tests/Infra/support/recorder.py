"""Programs that only write down how they were called, for what needs an engine or a registry that tests have not."""

import os


class Recorder:
    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.log = folder / "calls"

    def program(self, name, answers=""):
        """A program of a name; `answers` is shell that may print and exit by its arguments."""
        path = self.folder / name
        path.write_text(
            f"#!/bin/sh\nprintf '%s\\037' {name} \"$@\" >>'{self.log}'\nprintf '\\n' >>'{self.log}'\n{answers}\n")
        path.chmod(0o755)

    @property
    def environment(self):
        return {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def calls(self):
        if not self.log.exists():
            return []
        return [line.split("\037")[:-1] for line in self.log.read_text().split("\n") if line]
