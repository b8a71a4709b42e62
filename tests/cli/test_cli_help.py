"""Help: every command explains itself with examples that run, quickly, and nothing that is not there is promised."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .conftest import Command

COMMANDS = (
    ("run",), ("sweep",), ("recommend",), ("explain",), ("export",), ("pack",), ("verify",), ("schema",),
    ("prices",), ("show",), ("init",), ("trace",), ("trace", "describe"), ("trace", "cache"), ("trace", "duplicates"),
)  # fmt: skip
LATER = ("compare", "bound", "dashboard", "live", "emulate", "calibrate", "replay", "drift")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples(inside: Command, command: tuple[str, ...]) -> None:
    """A first sentence, the options, and examples that call this very command."""
    ended = inside(*command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: sbsim {' '.join(command)} ")
    examples = ended.out.partition("Examples:\n")[2]
    assert f"  sbsim {' '.join(command)}" in examples


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_examples_name_options_that_exist(inside: Command, command: tuple[str, ...]) -> None:
    """Every option in an example is an option of the command."""
    text = inside(*command, "--help").out
    examples, options = text.partition("Examples:\n")[2].partition("Options:\n")[::2]
    used = {word.partition("=")[0] for word in examples.split() if word.startswith("--")}
    assert used <= {word.rstrip(",") for word in options.split() if word.startswith("-")}


def test_the_list_of_commands_is_what_there_is(inside: Command) -> None:
    """Commands of later parts are neither listed nor accepted."""
    listed = inside("--help").out.partition("Commands:\n")[2]
    names = {line.split()[0] for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")}
    assert names == {command[0] for command in COMMANDS}
    for name in LATER:
        assert inside(name).code == 2


def test_no_arguments_show_help(inside: Command) -> None:
    """Who types `sbsim` alone wants to know what it does."""
    assert inside() == inside("--help")


def test_version(inside: Command) -> None:
    """The version is the package's, and stands in one release at a time."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert inside("--version").out == f"sbsim {project['version']}\n"


def test_help_imports_nothing_heavy() -> None:
    """Help is quick because nothing that simulates is loaded for it (typer itself brings pydantic)."""
    script = "import sys; from sbsim.cli.main import main; main(['run', '--help']); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"numpy", "rich", "pandas", "scipy", "simpy", "yaml", "sbsim.scenario"} & set(done.stderr.split())


def _cpu_seconds(*command: str) -> float:
    """Processor time of the best of some tries: on an idle machine that is how long it takes, and a busy one does not spoil it."""
    resource = pytest.importorskip("resource", reason="no processor times of children on this system")
    tries = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        tries.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(tries)


def test_help_takes_a_quarter_of_a_second() -> None:
    """`sbsim --help` is on screen within 250 ms of a bare interpreter."""
    assert _cpu_seconds("-m", "sbsim", "--help") - _cpu_seconds("-c", "pass") < 0.25
