"""The README's terminal sessions: found, run again, compared, written back.

A session is a block fenced as `console`; lines that begin with `$ ` are commands, what follows is what they printed. All commands run one after
another in one empty folder, so that a later one finds what an earlier one wrote. `python tests/cli/readme.py` writes their output into the README.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*\.?\d*")


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """(command, what it printed) of every console block, in order."""
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def run(command: str, folder: Path) -> str:
    """What `command` prints, on stdout and stderr, in `folder`; `sbsim` is the one of the interpreter that runs this."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    shell = ["bash", "-c", f"set -o pipefail; {command}"]
    done = subprocess.run(shell, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def agrees(shown: str, printed: str, tolerance: float = 0.02) -> bool:
    """Whether two outputs say the same: equal words, numbers within `tolerance` (another processor may round elsewhere)."""
    if _words(shown) != _words(printed):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(math.isclose(*(float(number.replace(",", "").rstrip(".")) for number in pair), rel_tol=tolerance) for pair in pairs)


def _words(text: str) -> list[str]:
    """The text's words, every number a `#`, rules of any length alike."""
    return re.sub("─+", "─", _NUMBER.sub("#", text)).split()


def settings_table() -> str:
    """The settings as the README shows them."""
    from sbsim.cli.settings import written
    from sbsim.config import SETTINGS

    rows = ["| setting | default | meaning | part |", "|---|---|---|---|"]
    for path, setting in SETTINGS.items():
        doc = setting.doc.replace("|", "\\|")
        alias = f" (alias `{setting.alias}`)" if setting.alias else ""
        rows.append(f"| `{path}` | {written(setting.default, setting.unit)} | {doc}{alias} | {setting.part or ''} |")
    return "\n".join(rows)


def with_settings(text: str) -> str:
    """The README with the table of settings as it is today."""
    return re.sub(r"(<!-- settings[^>]*-->\n).*?(<!-- /settings -->)", lambda m: f"{m[1]}{settings_table()}\n{m[2]}", text, flags=re.DOTALL)


def rewritten(text: str) -> str:
    """The README with every session's output and the table of settings as they are today."""
    with tempfile.TemporaryDirectory() as folder:

        def again(match: re.Match[str]) -> str:
            commands = [command for command, _ in sessions(match[0])]
            return "```console\n" + "".join(f"$ {command}\n{run(command, Path(folder))}" for command in commands) + "```"

        return with_settings(_BLOCK.sub(again, text))


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
