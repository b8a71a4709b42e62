"""Whatever a file holds, the command line answers with an exit code and one helpful message: never a traceback, never half a result."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .broken import SCENARIO, SCENARIOS, TRACE, TRACES, scenario
from .conftest import WHERE, Command, Ended

HELPFUL = re.compile(r"\b(try|allowed|must|missing|at most|shipped)\b")
QUICK = ("--jobs", "1", "--quiet")


def written(folder: Path, name: str, given: bytes | str) -> str:
    (folder / name).write_bytes(given if isinstance(given, bytes) else given.encode())
    return name


def assert_refused(ended: Ended, *words: str) -> None:
    """Exit code 2, nothing on stdout, one line on stderr that says who speaks, holds the words, and helps."""
    assert (ended.code, ended.out) == (2, ""), ended
    (message,) = ended.err.splitlines()
    assert message.startswith("sbsim: "), message
    assert "Traceback" not in message
    assert HELPFUL.search(message), message
    for word in words:
        assert word in message, (word, message)
    assert len(message) < 2000, message


# -- broken files --------------------------------------------------------------------------------------------------------------
def test_there_are_enough_of_them() -> None:
    """A hundred scenarios and traces at least, and the two that all are made from are sound."""
    assert len(SCENARIOS) + len(TRACES) >= 100


def test_what_they_are_made_from_is_sound(inside: Command, tmp_path: Path) -> None:
    """Each broken file differs from one that works."""
    assert inside("run", written(tmp_path, "s.yaml", SCENARIO), *QUICK).code == 0
    assert inside("trace", "describe", written(tmp_path, "t.csv", TRACE)).code == 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_broken_scenario_is_refused(inside: Command, tmp_path: Path, name: str) -> None:
    """With its file, where in it, what was given, what is allowed or what to try."""
    given, words = SCENARIOS[name]
    assert_refused(inside("run", written(tmp_path, "broken.yaml", given), *QUICK), "broken.yaml", *words)


@pytest.mark.parametrize("name", TRACES)
def test_a_broken_trace_is_refused(inside: Command, tmp_path: Path, name: str) -> None:
    """With its file, line or row, column, what was given, what is allowed or what to try."""
    given, format, words = TRACES[name]
    where = () if format in ("azure", "journal") else ("broken.csv",)
    assert_refused(inside("trace", "describe", written(tmp_path, "broken.csv", given), "--format", format), *where, *words)


REPLAY = (
    SCENARIO.partition("workload:")[0].replace("horizon: 2min\n", "")
    + "workload: {source: trace, path: t.csv}\nproviders:"
    + SCENARIO.partition("providers:")[2]
)
RUN_TRACES = [name for name in TRACES if TRACES[name][1] == "generic"]


@pytest.mark.parametrize("name", [*RUN_TRACES[::9], "directory", "absent"])
@pytest.mark.parametrize("command", ["run", "recommend", "sweep"])
def test_a_broken_trace_is_refused_wherever_it_is_replayed(inside: Command, tmp_path: Path, command: str, name: str) -> None:
    """The same message from every command that simulates, and no folder with half a result."""
    if name == "directory":
        (tmp_path / "t.csv").mkdir()
    elif name != "absent":
        written(tmp_path, "t.csv", TRACES[name][0])
    more = {"run": (), "recommend": ("--out", "out"), "sweep": ("--out", "out", "--vary", "batching.max_wait=0s,1s")}[command]
    assert_refused(inside(command, written(tmp_path, "s.yaml", REPLAY), *more, *QUICK), "t.csv")
    assert not [path for path in tmp_path.glob("out/*") if not path.name.startswith(".")]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("run", "folder"), ("folder", "directory")),
        (("run", "absent.yaml"), ("absent.yaml",)),
        (("trace", "describe", "folder"), ("folder", "directory")),
        (("trace", "describe", "absent.csv"), ("absent.csv", "no such file")),
        (("trace", "describe", "folder", "--format", "servegen"), ("folder", "no client")),
        (("trace", "describe", "t.csv", "--prices", "absent.yaml"), ("absent.yaml",)),
        (("trace", "describe", "t.csv", "--prices", "folder"), ("folder",)),
        (("trace", "describe", "t.csv", "--prices", "t.csv"), ("t.csv",)),
        (("trace", "describe", "t.csv", "--prices", "empty.yaml"), ("empty.yaml", "no providers")),
        (("trace", "describe", "t.csv", "--prices", "odd.yaml"), ("odd.yaml", "providers[0].price")),
        (("trace", "describe", "t.csv", "--plot", "t.txt"), ("t.txt", ".png, .svg, .pdf")),
        (("trace", "describe", "t.csv", "--column", "arrived_at"), ("arrived_at", "FIELD=COLUMN")),
        (("trace", "describe", "t.csv", "--column", "arived_at=arrived_at"), ("arived_at", "arrived_at")),
        (("trace", "describe", "t.csv", "--column", "prompt=promt"), ("no column 'promt'", "prompt")),
        (("trace", "describe", "t.csv", "--default", "priority=asap"), ("defaults.priority", "asap")),
        (("trace", "describe", "t.csv", "--default", "cost_usd=1"), ("defaults.cost_usd",)),
    ],
)
def test_a_broken_command_is_refused(inside: Command, tmp_path: Path, command: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Directories, absent files, files of another kind and options that mean nothing."""
    (tmp_path / "folder").mkdir()
    written(tmp_path, "t.csv", TRACE)
    written(tmp_path, "empty.yaml", "")
    written(tmp_path, "odd.yaml", "providers: [{name: a, serves: {content_type: image}, price: 5}]\n")
    ended = inside(*command)
    if "FIELD" not in str(words):
        assert_refused(ended, *words)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("given", [SCENARIOS["billion laughs"][0], SCENARIOS["binary"][0]])
def test_a_process_of_its_own_says_the_same(sbsim: Command, tmp_path: Path, given: bytes) -> None:
    """What holds within this process holds as a user meets it."""
    assert_refused(sbsim("run", written(tmp_path, "broken.yaml", given), *QUICK), "broken.yaml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_of_byte_order_and_other_line_ends_are_no_errors(inside: Command, tmp_path: Path, encoding: str, end: str) -> None:
    """What spreadsheets and editors write is read."""
    assert inside("trace", "describe", written(tmp_path, "t.csv", TRACE.replace("\n", end).encode(encoding))).code == 0
    assert inside("run", written(tmp_path, "s.yaml", SCENARIO.replace("\n", end).encode(encoding)), *QUICK).code == 0


@pytest.mark.parametrize("row", ["x,movie,,,long,asap\n", "x\n"])
def test_a_million_bad_rows_are_one_message(inside: Command, tmp_path: Path, row: str) -> None:
    """The first of them ends the reading, whatever comes after."""
    written(tmp_path, "t.csv", TRACE.partition("\n")[0] + "\n" + row * 1_000_000)
    started_at = perf_counter()
    assert_refused(inside("trace", "describe", "t.csv"), "t.csv:2:")
    assert perf_counter() - started_at < 10  # 0.3 s on an idle machine; all million would take half a minute


def test_bad_rows_that_are_skipped_are_counted_and_shown(inside: Command, tmp_path: Path) -> None:
    """By describe, run and recommend alike, with the first of them; a file of nothing else is refused."""
    written(tmp_path, "t.csv", TRACE + "x,image,sdxl,cat,2s,normal\n7,movie,sdxl,cat,2s,normal\n")
    skipping = REPLAY.replace("path: t.csv", "path: t.csv, on_bad_row: skip")
    words = "t.csv: 2 bad rows were left out (on_bad_row: skip); the first: t.csv:8: column 'arrived_at': 'x' is not an instant"
    described = inside("trace", "describe", "t.csv", "--skip-bad-rows")
    assert described.code == 0
    assert words in described.err
    assert re.search(r"bad rows left out +2\n", described.out)
    assert words in inside("run", written(tmp_path, "s.yaml", skipping), "--jobs", "1").err
    assert words in inside("recommend", "s.yaml", "--jobs", "1", "--evaluations", "10").out
    written(tmp_path, "t.csv", TRACE.partition("\n")[0] + "\n" + "x,image,sdxl,cat,2s,normal\n" * 5)
    assert_refused(inside("trace", "describe", "t.csv", "--skip-bad-rows"), "every one of its 5 rows is bad", "t.csv:2:")


# -- found by chance -----------------------------------------------------------------------------------------------------------
WORDS = st.sampled_from(
    [
        "off",
        "1:30",
        "-1",
        "0",
        ".nan",
        "1e999",
        "~",
        "[]",
        "{}",
        "true",
        "é",
        "10min",
        "none",
        "*a",
        "&a",
        "!!int",
        '"',
        "'",
        "#",
        "\t",
        "  ",
        "- ",
        ": ",
        "\n",
    ]
)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> bytes:
    """A text with some of its parts taken out, doubled, exchanged for odd words, or cut."""
    raw = text
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(raw) - 1)))
        stop = min(len(raw), start + draw(st.integers(0, 12)))
        what = draw(st.sampled_from(["out", "twice", "word", "cut", "text"]))
        if what == "out":
            raw = raw[:start] + raw[stop:]
        elif what == "twice":
            raw = raw[:stop] + raw[start:]
        elif what == "word":
            raw = raw[:start] + draw(WORDS) + raw[stop:]
        elif what == "cut":
            raw = raw[:stop]
        else:
            raw = raw[:start] + draw(st.text(max_size=5)) + raw[stop:]
    encoded = raw.encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return encoded
    place = draw(st.integers(0, len(encoded)))
    return encoded[:place] + draw(st.binary(max_size=4)) + encoded[place:]


def assert_orderly(ended: Ended) -> None:
    """An answer, no feasible one, or a refusal of one line; a bug is none of them."""
    assert ended.code in (0, 1, 2), ended
    assert "Traceback" not in ended.err
    if ended.code == 2:
        assert (ended.out, len(ended.err.splitlines())) == ("", 1), ended


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)


@FUZZ
@given(given=mutated(SCENARIO))
def test_no_scenario_makes_a_bug_of_ours(inside: Command, tmp_path: Path, given: bytes) -> None:
    """Whatever becomes of a scenario's text, looking at it ends orderly."""
    assert_orderly(inside("show", written(tmp_path, "s.yaml", given), "--quiet"))


@FUZZ
@given(given=mutated(TRACE), skip=st.booleans())
def test_no_trace_makes_a_bug_of_ours(inside: Command, tmp_path: Path, given: bytes, skip: bool) -> None:
    """Whatever becomes of a trace's bytes, describing it ends orderly."""
    assert_orderly(inside("trace", "describe", written(tmp_path, "t.csv", given), "--quiet", *(["--skip-bad-rows"] if skip else [])))


CALL = '{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": "m", "input": [{"role": "user", "content": "hi"}], "n": 1}}\n'
SPENT = '{"startTime": "2026-11-28T10:00:00Z", "endTime": "2026-11-28T10:00:01Z", "model": "m", "spend": 0.1, "prompt_tokens": 3, "metadata": {}}\n'
BLOCKS = '{"timestamp": 5, "input_length": 3, "output_length": 4, "hash_ids": [0, 1]}\n'


@FUZZ
@given(data=st.data(), skip=st.booleans(), named=st.sampled_from([("openai-batch", CALL), ("litellm-spend-logs", SPENT), ("mooncake", BLOCKS)]))
def test_no_line_of_another_format_makes_a_bug_of_ours(
    inside: Command, tmp_path: Path, data: st.DataObject, skip: bool, named: tuple[str, str]
) -> None:
    """The same of requests, spend logs and blocks."""
    format, line = named
    given = line.encode() + data.draw(mutated(line))
    ended = inside("trace", "describe", written(tmp_path, "t.jsonl", given), "--format", format, "--quiet", *(["--skip-bad-rows"] if skip else []))
    assert_orderly(ended)


WINDOWS = "0,0.5,0.57,Gamma,3.08,0.36\n600,0.9,0.76,Weibull,1.33,1.16\n1200,0,0,,0,0\n"
DATASET = '{"0": {"text_tokens": "{41: 0.9, 50: 0.1}", "image_tokens": "{10: 1.0}", "image_count": "{1: 1.0}", "output_tokens": "{2: 0.5, 3: 0.5}"}}'


@FUZZ
@given(windows=mutated(WINDOWS), dataset=mutated(DATASET), which=st.integers(0, 2), skip=st.booleans())
def test_no_client_of_servegen_makes_a_bug_of_ours(inside: Command, tmp_path: Path, windows: bytes, dataset: bytes, which: int, skip: bool) -> None:
    """The same of laws and histograms, either or both of them broken."""
    written(tmp_path, "chunk-1-trace.csv", WINDOWS if which == 1 else windows)
    written(tmp_path, "chunk-1-dataset.json", DATASET if which == 0 else dataset)
    assert_orderly(inside("trace", "describe", "chunk-1-trace.csv", "--format", "servegen", "--quiet", *(["--skip-bad-rows"] if skip else [])))


# -- what cannot be written ----------------------------------------------------------------------------------------------------
FULL = """
import matplotlib.font_manager  # it keeps a file of its own when it is first used
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({n}, {n}))
from sbsim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""A process whose files cannot grow beyond some bytes: as on a full disk, writing fails where it stands."""


def on_a_full_disk(folder: Path, room: int, *arguments: str) -> Ended:
    command = [sys.executable, "-c", FULL.format(n=room), *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": WHERE, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


WRITERS = {
    "recommend": ("recommend", "s.yaml", "--out", "out", "--evaluations", "10", *QUICK),
    "sweep": ("sweep", "s.yaml", "--out", "out", "--vary", "batching.max_wait=0s,1s", *QUICK),
    "plot": ("trace", "describe", "t.csv", "--plot", "out/t.svg", "--quiet"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="bounds on the size of files are set otherwise there")
@pytest.mark.parametrize("room", [0, 2000])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_3_and_leaves_nothing_half_written(tmp_path: Path, writer: str, room: int) -> None:
    """One message with the file, what stood there before is untouched, and nothing new looks finished."""
    written(tmp_path, "s.yaml", SCENARIO)
    written(tmp_path, "t.csv", TRACE)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("recommended.yaml", "t.svg", "sweep.parquet"):
        (out / name).write_text("before")
    ended = on_a_full_disk(tmp_path, room, *WRITERS[writer])
    assert ended.code == 3, ended
    (message,) = ended.err.splitlines()
    assert message.startswith("sbsim: out")
    assert "cannot be written" in message
    assert {path.read_text() for path in out.iterdir() if path.name in ("recommended.yaml", "t.svg", "sweep.parquet")} == {"before"}
    assert not [path.name for path in out.iterdir() if path.name in ("recommended.env", "evidence.json") or path.name.startswith(".")]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("place", ["a file", "a loop", "under a file"])
def test_a_place_that_is_no_folder_is_3(inside: Command, tmp_path: Path, writer: str, place: str) -> None:
    """Where nothing can be written is said before anything long is begun."""
    written(tmp_path, "s.yaml", SCENARIO)
    written(tmp_path, "t.csv", TRACE)
    if place == "a loop":
        (tmp_path / "out").symlink_to("out")
    else:
        written(tmp_path, "out", "a file")
    ended = inside(
        *(
            argument.replace("out", "out/deeper") if place == "under a file" and argument.startswith("out") else argument
            for argument in WRITERS[writer]
        )
    )
    assert (ended.code, ended.out) == (3, ""), ended
    (message,) = ended.err.splitlines()
    assert message.startswith("sbsim: out")


def test_scenario_parts_are_found_where_they_are_exchanged() -> None:
    """The maker of broken scenarios refuses to exchange what is not there: no case can pass by breaking nothing."""
    with pytest.raises(AssertionError):
        scenario("no such line", "x")


def test_a_bug_on_a_full_disk_is_70_and_one_line(inside: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the traceback cannot be kept, the line says what went wrong and where."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the moon")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sbsim.cli.run.load_scenario", broken)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    ended = inside("run", "quickstart")
    assert (ended.code, ended.out) == (70, "")
    (line,) = ended.err.splitlines()
    assert re.search(r"RuntimeError; the moon at .*test_cli_bad_input\.py:\d+; the traceback cannot be written \(No space left on device\)", line)
