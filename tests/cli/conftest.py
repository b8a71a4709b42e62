"""Running the command line as a user does, and from within."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import sbsim as package
from sbsim.cli.main import main

WHERE = str(Path(package.__file__).parents[1])
"""Where the package under test was imported from, installed or not: processes take it from there too."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def sbsim(tmp_path: Path) -> Command:
    """`sbsim("run", "quickstart", hash_seed=1)`: a process of its own, in an empty folder."""

    def run(*arguments: str, hash_seed: int = 0, **environment: str) -> Ended:
        command = [sys.executable, "-m", "sbsim", *arguments]
        inherited = {**os.environ, "PYTHONPATH": WHERE, "PYTHONHASHSEED": str(hash_seed), **environment}
        done = subprocess.run(command, cwd=tmp_path, env=inherited, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The same in this process, for the many tests to which a fresh interpreter adds nothing."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        code = main(arguments)
        return Ended(code, *capfd.readouterr())

    return run
