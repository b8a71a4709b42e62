"""`sbsim trace describe`: what it shows, draws and compares."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import Command

TRACE = "when,prompt,model,paid,how,seconds\n" + "".join(
    f"{10 * k},cat {k % 4},{'big' if k % 2 else 'small'},{0.5 if k % 2 else 0.1},{'failure' if k == 9 else 'success'},4\n" for k in range(10)
)
READING = (
    "--column",
    "arrived_at=when",
    "--column",
    "engine=model",
    "--column",
    "cost_usd=paid",
    "--column",
    "status=how",
    "--column",
    "duration=seconds",
)
PRICES = """providers:
  - {name: a, serves: {content_type: video, engine: big}, price: {rates: [{per: second, usd: 0.125}]}}
  - {name: b, serves: {content_type: video, engine: small}, price: {rates: [{per: second, usd: 0.03}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TRACE)
    (tmp_path / "prices.yaml").write_text(PRICES)
    return tmp_path


def test_a_description_shows_how_much_how_bursty_of_what_and_how_often_the_same(inside: Command, folder: Path) -> None:
    """Rows, span, rate, burstiness, mix, repeats, gaps, and the arrivals as a line of bars."""
    ended = inside("trace", "describe", "t.csv", *READING)
    assert ended.code == 0, ended
    for fact in (
        r"requests +10\n",
        r"spans +90 s\n",
        r"requests per second +0\.111111\n",
        r"CV of gaps \(Poisson: 1\) +0\n",
        r"distinct contents +4\n",
        r"exact repeats +60\.0%\n",
        r"big +50\.0%\n",
        r"billed \(in 10 rows\) +\$3\n",
        r"ok +90\.0%\n",
        r"10 to 100 s +100\.0%",
    ):
        assert re.search(fact, ended.out), fact
    assert "columns that nothing reads" not in ended.out
    assert re.search(r"^[▁▂▃▄▅▆▇█ ]{10,}$", ended.out, re.MULTILINE)


def test_columns_that_nothing_reads_are_named(inside: Command, tmp_path: Path) -> None:
    """Whoever forgets to name a column sees which are left, and how to name them."""
    (tmp_path / "t.csv").write_text("arrived_at,Text Prompt,note\n0,x,\n1,y,\n")
    ended = inside("trace", "describe", "t.csv")
    assert "columns that nothing reads: Text Prompt, note; try --column FIELD=COLUMN\n" in ended.out
    assert "note; try" in inside("trace", "describe", "t.csv", "--column", "prompt=Text Prompt").out


def test_the_recorded_bill_is_held_against_a_price_list(inside: Command, folder: Path) -> None:
    """In all, by engine, the largest residuals; a warning above 2 %; the same in JSON."""
    command = ("trace", "describe", "t.csv", *READING, "--default", "content_type=video", "--prices", "prices.yaml")
    ended = inside(*command)
    assert ended.code == 0, ended
    assert "billed as recorded $3, as modelled $2.6 (-13.33%) over 10 rows" in ended.out
    assert re.search(r"big +5 +2\.500000 +2\.000000 +-20\.00%", ended.out)
    assert re.search(r"small +5 +0\.500000 +0\.600000 +\+20\.00%", ended.out)
    assert re.search(r"11 +big +failed +0\.500000 +0\.000000 +-0\.500000", ended.out)
    assert "warning: the model misses the recorded bill by more than 2%" in ended.err
    billed = json.loads(inside(*command, "--json").out)["billed"]
    assert (billed["recorded_usd"], billed["n_rows"]) == (3, 10)
    assert billed["modelled_usd"] == pytest.approx(2.6)
    assert billed["difference"] == pytest.approx(-0.4 / 3)
    assert [one["engine"] for one in billed["engines"]] == ["big", "small"]
    assert (len(billed["residuals"]), billed["residuals"][0]["place"]) == (6, "t.csv:11")


def test_a_scenario_says_prices_and_how_the_file_is_read(inside: Command, folder: Path) -> None:
    """Its format, columns and defaults hold where no option says otherwise."""
    columns = "{arrived_at: when, engine: model, cost_usd: paid, status: how, duration: seconds}"
    (folder / "s.yaml").write_text(
        f"version: 1\nname: s\nworkload: {{source: trace, path: t.csv, columns: {columns}, defaults: {{content_type: video}}}}\n{PRICES}"
    )
    found = json.loads(inside("trace", "describe", "t.csv", "--prices", "s.yaml", "--json").out)
    assert found["billed"]["modelled_usd"] == pytest.approx(2.6)


def test_without_recorded_costs_there_is_no_bill(inside: Command, folder: Path) -> None:
    """That is said, and nothing is compared."""
    ended = inside("trace", "describe", "t.csv", "--column", "arrived_at=when", "--prices", "prices.yaml")
    assert ended.code == 0
    assert "no row states what it cost" in ended.err
    assert "billed as recorded" not in ended.out


@pytest.mark.parametrize(("name", "begins"), [("t.svg", b"<?xml"), ("t.png", b"\x89PNG"), ("t.pdf", b"%PDF")])
def test_the_traffic_is_drawn(inside: Command, folder: Path, name: str, begins: bytes) -> None:
    """In the kind that the name ends in, the same bytes each time."""
    drawn = []
    for _ in range(2):
        ended = inside("trace", "describe", "t.csv", *READING, "--plot", name)
        assert ended.code == 0, ended
        assert f"written: {name}" in ended.out
        drawn.append((folder / name).read_bytes())
    assert drawn[0].startswith(begins)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("rows", ["5\n", "5\n5\n5\n", "1700000000\n1800000000\n"])
def test_odd_traffic_is_shown_and_drawn_too(inside: Command, tmp_path: Path, rows: str) -> None:
    """A single row, rows of one instant, rows that lie years apart."""
    (tmp_path / "odd.csv").write_text("arrived_at\n" + rows)
    assert inside("trace", "describe", "odd.csv", "--plot", "odd.svg").code == 0
    assert sum(json.loads(inside("trace", "describe", "odd.csv", "--json").out)["arrivals"]["counts"]) == rows.count("\n")


def test_recommend_repeats_how_far_the_model_is_from_the_bill(inside: Command, folder: Path) -> None:
    """The line stands among the notes, with a warning above 2 %, which also comes before the search."""
    columns = "{arrived_at: when, engine: model, cost_usd: paid, status: how, duration: seconds}"
    (folder / "s.yaml").write_text(
        f"version: 1\nname: s\nreplications: 2\nworkload: {{source: trace, path: t.csv, columns: {columns}, defaults: {{content_type: video}}}}\n"
        + PRICES.replace("price:", "latency: {total: 1s}, price:")
        + "search:\n  batching.max_wait: {choices: [0s, 1s]}\n"
    )
    ended = inside("recommend", "s.yaml", "--evaluations", "10", "--jobs", "1", "--json")
    notes = json.loads(ended.out)["notes"]
    line = "billed as recorded $3, as modelled $2.6 (-13.33%) over 10 rows"
    assert line in notes
    assert any(note.startswith("warning: the model misses the recorded bill by more than 2%") for note in notes)
    assert "warning: the model misses the recorded bill by more than 2%" in ended.err
    (folder / "s.yaml").write_text((folder / "s.yaml").read_text().replace("0.125", "0.15").replace("0.03", "0.02516"))
    ended = inside("recommend", "s.yaml", "--evaluations", "10", "--jobs", "1", "--json")
    assert any(note.startswith("billed as recorded $3, as modelled $2.9") and "warning" not in note for note in json.loads(ended.out)["notes"])
