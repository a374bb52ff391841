"""What the guides tell people to type: the commands of sdctl in them exist, and have the flags that stand there."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "infra" / "README.md",
         ROOT / "images" / "README.md", *(ROOT / "charts" / "stable-diffusion").glob("*.md"),
         ROOT / "charts" / "stable-diffusion" / "templates" / "NOTES.txt"]


def commands(text):
    """What begins with sdctl in spans and in blocks of code: its words up to a comment, a pipe or a redirection."""
    spans = [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))]
    blocks = [line.strip() for line in text.splitlines() if line.startswith(("    ", "  sdctl "))]
    blocks += [line for block in re.findall(r"```\w*\n(.*?)```", text, re.S) for line in block.splitlines()]
    for code in spans + blocks:
        found = re.match(r"(?:source <\()?(?:\.build/debug/)?sdctl ([^#|>)]*)", code)
        if found:
            yield found[1].split()


class Help:
    def __init__(self, programs):
        self.programs, self.texts = programs, {}

    def text(self, path):
        if path not in self.texts:
            result = self.programs.run("sdctl", *path, "--help")
            assert result.returncode == 0, (path, result.stderr)
            self.texts[path] = result.stdout
        return self.texts[path]

    def subcommands(self, path):
        """By name; the value tells whether it is what is meant where none is named."""
        _, _, listed = self.text(path).partition("SUBCOMMANDS:")
        return {name: bool(default) for name, default in re.findall(r"^  ([a-z]\S*)( \(default\))?", listed, re.M)}

    def flags(self, path):
        return set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", self.text(path)))


@pytest.fixture(scope="module")
def known(binaries, tmp_path_factory):
    from support.processes import Programs
    return Help(Programs(binaries, tmp_path_factory.mktemp("logs")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_commands_and_flags_of_the_guides_exist(known, page):
    for words in commands(page.read_text()):
        path = ()
        while words and words[0] in known.subcommands(path):
            path += (words.pop(0),)
        while True in known.subcommands(path).values():
            path += (next(name for name, is_default in known.subcommands(path).items() if is_default),)
        said = " ".join(("sdctl", *path, *words))
        # A word in capitals stands for something; any other at the first place would be a command that is not there.
        assert path or not words or words[0].startswith("-") or words[0] == "help" or words[0].isupper(), said
        missing = {word.split("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)} - known.flags(path)
        assert not missing, f"{said}: {missing}"
