"""What the README shows is what the commands print."""

from __future__ import annotations

import os
import re

import pytest

from tests.cli.readme import README, agrees, run, sessions, with_settings

EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_session_prints_what_is_shown(tmp_path):
    """The README's commands, run one after another in an empty folder, print what stands below them."""
    shown = list(sessions(README.read_text(encoding="utf-8")))
    assert len(shown) >= 4
    for command, output in shown:
        assert output, command
        printed = run(command, tmp_path)
        assert agrees(output, printed), f"{command}\n{printed}"


def test_the_settings_table_is_the_table_of_settings():
    """The README's settings are generated."""
    text = README.read_text(encoding="utf-8")
    assert with_settings(text) == text


def test_the_live_example_runs(capsys):
    """The Python example runs as it stands: one delivery is paid for, two joined it."""
    exec(compile(EXAMPLES[0], "README", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [["delivered", "provider", "0.04"]] + [["delivered", "coalesced", "0.0"]] * 2


@pytest.mark.parametrize("example", EXAMPLES[1:])
def test_every_other_example_prints_what_it_says(example, capsys, monkeypatch):
    """What stands behind an arrow in the README's Python is what the line before it, or its own, prints."""
    for name in [name for name in os.environ if name.startswith("SMART_BATCHER_")]:
        monkeypatch.delenv(name)
    exec(compile(example, "README", "exec"), {})
    said = re.findall(r"# → (.*)$", example, re.MULTILINE)
    assert said
    assert capsys.readouterr().out.splitlines() == said
