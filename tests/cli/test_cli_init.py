"""`sbsim init`: from flags, from questions, from a trace; never over somebody's work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import WHERE, Command

SMALL = ("--set", "replications=2", "--jobs", "1", "--quiet")


def test_a_scenario_on_stdout_runs(inside: Command, tmp_path: Path) -> None:
    """What is printed is a scenario, and nothing else; warnings go to stderr."""
    ended = inside("init", "--content-type", "image", "--rate", "10/min", "--horizon", "20min")
    assert ended.code == 0
    assert ended.err.startswith("warning: batching cannot change the bill")
    (tmp_path / "mine.yaml").write_text(ended.out)
    document = json.loads(inside("run", "mine.yaml", "--json", *SMALL).out)
    assert document["saturated"] is False


def test_a_file_is_never_overwritten_by_mistake(inside: Command, tmp_path: Path) -> None:
    """--force is the only way; without it the file stays as it was."""
    file = tmp_path / "mine.yaml"
    file.write_text("precious")
    refused = inside("init", "--out", "mine.yaml")
    assert (refused.code, refused.out, file.read_text()) == (2, "", "precious")
    assert "--force" in refused.err
    assert inside("init", "--out", "mine.yaml", "--force").code == 0
    assert file.read_text().startswith("# A first scenario")


def test_what_cannot_be_written_is_3(inside: Command) -> None:
    """A folder that is not there is the file system's problem; a folder in the file's place is the caller's."""
    assert inside("init", "--out", "nowhere/mine.yaml").code == 3
    assert inside("init", "--out", ".").code == 2


def test_a_trace_is_found_from_wherever_the_scenario_lies(inside: Command, tmp_path: Path) -> None:
    """The path is written as seen from the scenario's folder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "traffic.csv").write_text("ts,text\n" + "".join(f"{k},p{k % 7}\n" for k in range(60)))
    flags = ("--column", "arrived_at=ts", "--column", "prompt=text", "--content-type", "image", "--default", "resolution=1024x1024")
    assert inside("init", "--from-trace", "traffic.csv", *flags, "--out", "sub/mine.yaml", "--quiet").code == 0
    assert "path: ../traffic.csv" in (tmp_path / "sub" / "mine.yaml").read_text()
    os.chdir("/")
    assert json.loads(inside("run", str(tmp_path / "sub" / "mine.yaml"), "--json", *SMALL).out)["kpis"]["n_requests"]["mean"] == 60


def test_five_commands_from_an_unknown_file_to_an_environment(inside: Command, tmp_path: Path) -> None:
    """Described, drafted, shown, recommended on and exported, without touching a file by hand."""
    rows = "".join(f"{k * 2},{k % 12},pix\n" for k in range(150))
    (tmp_path / "requests.csv").write_text(f"ts,what,model\n{rows}")
    flags = ("--column", "arrived_at=ts", "--column", "prompt=what", "--column", "engine=model")
    assert inside("trace", "describe", "requests.csv", *flags).code == 0
    made = inside(
        "init",
        "--from-trace",
        "requests.csv",
        *flags,
        "--content-type",
        "image",
        "--takes",
        "list",
        "--charge",
        "gpu_second=0.001",
        "--out",
        "s.yaml",
    )
    assert made.code == 0, made.err
    assert inside("show", "s.yaml").code == 0
    answer = inside("recommend", "s.yaml", "--out", "out", "--evaluations", "10", "--jobs", "1", "--json", "--quiet")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["verdict"] in ("deploy", "keep")
    assert "SMART_BATCHER_BATCHING_MAX_BATCH_SIZE=" in inside("export", "out", "--to", "env").out


BAD = {
    "no such trace": (("--from-trace", "gone.csv"), ["gone.csv"]),
    "no price file": (("--price", "litellm:x"), ["--price-file"]),
    "a price file that is gone": (("--price", "litellm:x", "--price-file", "gone.json"), ["gone.json"]),
    "an unknown kind of content": (("--content-type", "smell"), ["smell", "video"]),
    "an unknown way to take": (("--takes", "lots"), ["lots", "one, variants, list"]),
    "a column that is no pair": (("--from-trace", "x.csv", "--column", "ts"), ["--column ts"]),
    "a limit that means nothing": (("--limit", "many"), ["--limit many"]),
    "a latency that means nothing": (("--latency", "{law: levy}"), ["--latency", "levy"]),
    "no contents": (("--contents", "0"), ["--contents"]),
    "a day that is none": (("--price", "litellm:x", "--price-file", "p.json", "--as-of", "soon"), ["--as-of soon"]),
}


@pytest.mark.parametrize(("flags", "words"), BAD.values(), ids=BAD)
def test_bad_answers_are_one_message(inside: Command, tmp_path: Path, flags: tuple[str, ...], words: list[str]) -> None:
    """Exit 2, nothing on stdout, no file, and the flag by name."""
    (tmp_path / "p.json").write_text('{"x": {"mode": "chat", "input_cost_per_token": 1e-6}}')
    ended = inside("init", "--out", "mine.yaml", *flags)
    assert (ended.code, ended.out) == (2, ""), ended
    assert all(word in ended.err for word in words), ended.err
    assert not (tmp_path / "mine.yaml").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_at_a_terminal_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    """Questions go to the terminal, answers into the file, and a word that is not allowed is asked for again; --yes asks nothing."""
    import pty

    def typed(text: str, *flags: str) -> tuple[int, str]:
        keyboard, terminal = pty.openpty()
        command = [sys.executable, "-m", "sbsim", "init", "--out", "mine.yaml", "--force", *flags]
        environment = {**os.environ, "PYTHONPATH": WHERE}
        process = subprocess.Popen(command, stdin=terminal, stderr=terminal, stdout=subprocess.DEVNULL, cwd=tmp_path, env=environment)
        os.write(keyboard, text.encode())
        code = process.wait(timeout=60)
        os.close(terminal)
        os.close(keyboard)
        return code, (tmp_path / "mine.yaml").read_text()

    code, text = typed("smell\naudio\n2/s\none\ncharacter=0.00002\nconcurrency=12\n30s\n")
    assert code == 0
    assert all(words in text for words in ("content_type: audio", "rate: 2/s", "usd: 0.00002", "concurrency: 12", "deadline: 30s"))
    code, text = typed("", "--yes")
    assert code == 0
    assert "content_type: image" in text
