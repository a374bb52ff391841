"""The settings that our programs know, from the one table that says so."""

import re

from support.paths import ROOT

TABLE = ROOT / "Sources" / "SDRuntime" / "Configuration" / "ConfigurationKey+Table.swift"


def known():
    """Every key by its environment variable."""
    names = re.findall(r'Self\(\s*"([a-z0-9-]+)"', TABLE.read_text())
    assert "queue" in names and len(names) > 20
    return {"SD_" + name.upper().replace("-", "_") for name in names}


def given(environment):
    return {name for name in environment if name.startswith("SD_")}
