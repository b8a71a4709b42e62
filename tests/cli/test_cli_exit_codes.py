"""What an exit code says, and that an error is one message and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbsim.errors import InfeasibleError

from .conftest import WHERE, Command

ENVIRONMENT = {**os.environ, "PYTHONPATH": WHERE}
SMALL = ("--set", "horizon=5min", "--set", "replications=2", "--jobs", "1")

BAD = {
    "no such scenario": (("run", "quickstrat"), ["quickstrat", "quickstart"]),
    "no such path": (("run", "quickstart", "--set", "batching.max_wiat=3s"), ["max_wiat", "max_wait"]),
    "a value that means nothing": (("run", "quickstart", "--set", "batching.max_wait=soon"), ["batching.max_wait", "soon", "30s"]),
    "a value out of bounds": (("run", "quickstart", "--set", "batching.max_batch_size=0"), ["batching.max_batch_size", "0"]),
    "not an assignment": (("run", "quickstart", "--set", "max_wait"), ["max_wait", "--set"]),
    "a trace without data": (("run", "azure-hour"), ["--set workload.path="]),
    "the other trace without data": (("recommend", "image-days", "--out", "out"), ["--set workload.path="]),
    "a trace that is not there": (("run", "azure-hour", "--set", "workload.path=gone.csv"), ["gone.csv"]),
    "no such config": (("run", "quickstart", "--config", "gone.yaml"), ["gone.yaml"]),
    "an option that does not exist": (("run", "quickstart", "--foo"), ["--foo", "sbsim run --help"]),
    "a missing argument": (("run",), ["SCENARIO"]),
    "a negative seed": (("run", "quickstart", "--seed", "-1"), ["--seed", "-1"]),
    "no processes": (("run", "quickstart", "--jobs", "0"), ["--jobs"]),
    "no such command": (("recommendd",), ["recommendd"]),
    "a kind that does not exist": (("verify", "--only", "99"), ["99", "13"]),
    "nothing to vary": (("sweep", "quickstart", "--out", "out"), ["--vary"]),
    "a format of a later part": (("export", "out", "--to", "k8s"), ["k8s"]),
    "two lists at once": (("schema", "--kpis", "--settings"), ["--kpis"]),
}


@pytest.mark.parametrize(("command", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_2_and_one_message(inside: Command, command: tuple[str, ...], words: list[str]) -> None:
    """The message begins with who speaks, names what was given and what to try; stdout stays empty."""
    ended = inside(*command)
    assert ended.code == 2, ended
    assert ended.out == ""
    message = ended.err.splitlines()[-1]
    assert message.startswith("sbsim: ")
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


def test_a_scenario_with_escape_codes_cannot_steer_the_terminal(inside: Command, tmp_path: Path) -> None:
    """Whatever stands in the file or the flag reaches the terminal spelt out, also in messages."""
    ended = inside("run", "quickstart", "--set", "name=\x1b]0;owned\x07[red]x", *SMALL)
    assert "\x1b" not in ended.out + ended.err
    assert "\x07" not in ended.out + ended.err
    ended = inside("run", "\x1b[2Jnone")
    assert ended.code == 2
    assert r"\x1b[2Jnone" in ended.err


def test_an_output_that_cannot_be_written_is_3(inside: Command, tmp_path: Path) -> None:
    """A folder whose name is taken by a file is the file system's problem, said with its path."""
    (tmp_path / "taken").write_text("")
    ended = inside("sweep", "quickstart", "--vary", "batching.max_batch_size=1", "--out", "taken", *SMALL)
    assert ended.code == 3, ended
    assert "taken" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_stdout_is_3() -> None:
    """A result that did not reach its file is not a success."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "sbsim", "schema"], env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("sbsim: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_has_enough_ends_quietly() -> None:
    """`sbsim schema | head -1` says nothing on stderr, and a script with `pipefail` goes on."""
    command = f"set -o pipefail; {sys.executable} -m sbsim schema | head -1"
    done = subprocess.run(["bash", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


def test_a_bug_of_ours_is_70_with_the_traceback_in_a_file(inside: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the file, and the file holds the traceback."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the moon")

    monkeypatch.setattr("sbsim.cli.options.load_scenario", broken)
    monkeypatch.setattr("sbsim.cli.run.load_scenario", broken)
    ended = inside("run", "quickstart")
    assert ended.code == 70
    (line,) = ended.err.splitlines()
    file = Path(line.partition("traceback is in ")[2].partition(":")[0])
    text = file.read_text()
    file.unlink()
    assert "RuntimeError: the moon" in text
    assert "Traceback (most recent call last)" in text


def test_no_feasible_answer_is_1(inside: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """An honest "there is none" is told apart from a mistake."""

    def hopeless(*_: object, **__: object) -> None:
        raise InfeasibleError("no candidate is feasible")

    monkeypatch.setattr("sbsim.cli.run.load_scenario", hopeless)
    assert inside("run", "quickstart") == (1, "", "sbsim: no candidate is feasible\n")


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent otherwise there")
def test_an_interrupt_is_130_without_a_traceback() -> None:
    """Ctrl-C ends a long study with one line."""
    command = [sys.executable, "-m", "sbsim", "run", "image-service", "--set", "horizon=100h", "--jobs", "1"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("sbsim: interrupted")
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["run", "show"])
def test_an_objective_that_is_no_kpi_is_refused_by_every_command(inside: Command, command: str) -> None:
    """Not only by the one that minimises it."""
    code, out, err = inside(command, "quickstart", "--set", "objective.minimise=total_cost")
    assert (code, out) == (2, "")
    assert "objective.minimise: 'total_cost' is not a KPI; try total_cost_usd" in err
