"""`sbsim pack`: what it reads, what it answers, what it refuses."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.batches import Plain, any_kind, cheapest, judge, triplets, uniform

from .conftest import Command

KEYS = ["schema", "name", "batches", "cost", "bound", "gap", "status"]
BPPS = Path(__file__).parents[3] / "shared" / "data" / "bpps_setups" / "bpps_240.json"


def _answers(out: str) -> list[Plain]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_list_of_instances_is_answered_line_by_line_in_order(inside: Command, tmp_path: Path) -> None:
    """One document a line with exactly the keys of the contract, each valid, at the least cost."""
    draw = random.Random("cli")
    plains = [any_kind(draw, 6) for _ in range(25)]
    plains[3]["name"] = "the fourth"
    (tmp_path / "many.json").write_text(json.dumps(plains))
    ended = inside("pack", "many.json", "--json", "--jobs", "1")
    assert (ended.code, ended.err) == (0, "")
    answers = _answers(ended.out)
    assert [answer["name"] for answer in answers] == [f"many-{k}" if k != 3 else "the fourth" for k in range(25)]
    for plain, answer in zip(plains, answers, strict=True):
        assert list(answer) == KEYS
        assert answer["schema"] == "sbsim.pack/1"
        judge(plain, answer)
        assert answer["cost"] == float(cheapest(plain))
        assert answer["status"] == "optimal"


def test_answers_are_the_same_bytes_in_every_process_and_for_any_jobs(sbsim: Command, tmp_path: Path) -> None:
    """Hash seeds and processes change nothing, not even for what stays unproven."""
    plains = [uniform(60, 1), {**uniform(40, 2), "classes": [k % 4 for k in range(40)], "setups": [1, 2, 3, 1.5]}, triplets(30, 3)]
    (tmp_path / "file.json").write_text(json.dumps(plains))
    one = sbsim("pack", "file.json", "--json", "--effort", "0.05", "--jobs", "1")
    other = sbsim("pack", "file.json", "--json", "--effort", "0.05", "--jobs", "2", hash_seed=7)
    assert one.code == 0
    assert one.out == other.out


def test_plain_text_and_one_object(inside: Command, tmp_path: Path) -> None:
    """n, capacity, one item a line; the answer is called after the file."""
    (tmp_path / "day.txt").write_text("4\n10\n6\n4\n5.5\n4.5\n")
    (tmp_path / "one.json").write_text(json.dumps({"name": "it", "capacity": 10, "items": [6, 4, 5.5, 4.5]}))
    plain, one = (_answers(inside("pack", name, "--json").out) for name in ("day.txt", "one.json"))
    assert plain == [{**one[0], "name": "day"}]
    assert one[0] | {"cost": 2, "bound": 2, "gap": 0.0, "status": "optimal", "batches": [[0, 1], [2, 3]], "name": "it"} == one[0]


def test_set_ups_are_read_as_costs_or_with_weights(inside: Command, tmp_path: Path) -> None:
    """A list, a mapping of costs, objects with cost and weight, and items of [class, weight] as published say the same."""
    items, classes = [4, 4, 4, 4], [0, 1, 0, 1]
    plains = [
        {"capacity": 10, "items": items, "classes": classes, "setups": [2, 3]},
        {"capacity": 10, "items": items, "classes": ["x", "y", "x", "y"], "setups": {"x": 2, "y": {"cost": 3}}},
        {"capacity": 10, "items": items, "classes": classes, "setups": {"0": {"cost": 2, "weight": 0}, "1": {"cost": 3, "weight": 0}}},
        {"capacity": 10, "items": [[c, w] for c, w in zip(classes, items, strict=True)], "bin_cost": 1,
         "classes": [{"setup_cost": 2, "setup_weight": 0}, {"setup_cost": 3, "setup_weight": 0}], "best_known": 7, "proven_optimal": True},
        {"capacity": 10, "items": items, "classes": classes, "setups": [{"cost": 2, "weight": 3}, {"cost": 3, "weight": 2}]},
    ]  # fmt: skip
    (tmp_path / "s.json").write_text(json.dumps(plains))
    answers = _answers(inside("pack", "s.json", "--json", "--jobs", "1").out)
    assert [answer["cost"] for answer in answers] == [7, 7, 7, 7, 10]  # the last: two of 4 and a set-up of 3 exceed 10


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"capacity": 10, "items": [3, 11]}, "items[1]: 11 is larger than capacity 10"),
        ({"capacity": 10, "items": [3, -1]}, "items[1]: -1 is negative"),
        ({"capacity": 10, "items": [3, float("nan")]}, "items[1]: nan is not a finite number"),
        ({"capacity": float("inf"), "items": [3]}, "capacity: inf is not a finite number"),
        ({"capacity": 10, "items": [3, "4"]}, "items[1]: '4' is not a number"),
        ({"capacity": 10, "items": [3, True]}, "items[1]: true is not a number"),
        ({"items": [3]}, "no capacity"),
        ({"capacity": 10}, "no items"),
        ({"capacity": 10, "items": [1], "max_item": 2}, "unknown key 'max_item'"),
        ({"capacity": 10, "items": [1], "max_items": 0}, "max_items: 0 must be a whole number >= 1"),
        ({"capacity": 10, "items": [1, 1], "durations": [1], "max_duration": 5}, "durations: 1 given for 2 items"),
        ({"capacity": 10, "items": [1, 1], "durations": [1, 6], "max_duration": 5}, "durations[1]: 6 is larger than max_duration 5"),
        ({"capacity": 10, "items": [1], "durations": [1]}, "durations without max_duration"),
        ({"capacity": 10, "items": [1, 1], "conflicts": [[0, 2]]}, "conflicts[0]: 2 is no item; allowed: 0 to 1"),
        ({"capacity": 10, "items": [1, 1], "conflicts": [[1, 1]]}, "conflicts[0]: item 1 is in conflict with itself"),
        ({"capacity": 10, "items": [1, 1], "classes": ["a", "c"], "setups": {"a": 1, "b": 2}}, "classes[1]: 'c' has no set-up"),
        ({"capacity": 10, "items": [1, 8], "classes": [0, 1], "setups": [0, {"cost": 1, "weight": 3}]}, "items[1]: size 8 and the set-up weight 3"),
        ({"capacity": 10, "items": [1], "classes": [0], "setups": [{"price": 1}]}, "setups[0]: unknown key 'price'"),
        ({"capacity": 10, "items": [[0, 1], [1, 2]], "classes": [{"setup_cost": 1}]}, "items[1]: [1, 2] is not [class, weight]"),
    ],
)
def test_a_bad_instance_is_refused_by_one_message_that_names_the_item(inside: Command, tmp_path: Path, plain: Plain, words: str) -> None:
    """Exit 2, one line: file, instance, item, what was given; nothing is printed for the good one before it."""
    (tmp_path / "bad.json").write_text(json.dumps([{"capacity": 1, "items": [1]}, plain]))
    ended = inside("pack", "bad.json", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("sbsim: bad.json: [1]: ")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3\n10\n1\n2\n", "3 items announced and 2 found"),
        ("2\n10\n1\nx\n", "items[1]: 'x' is not a number"),
        ("1\n10\nnan\n", "items[0]: NaN is not a finite number"),
        ("", "nothing and 0 found"),
        ('{"capacity": 1, "capacity": 2, "items": []}', "'capacity' stands twice"),
        ('{"capacity": 1,', "line 1, column"),
    ],
)
def test_a_file_that_is_no_instance_is_refused(inside: Command, tmp_path: Path, text: str, words: str) -> None:
    """Exit 2 and what is wrong."""
    (tmp_path / "file").write_text(text)
    ended = inside("pack", "file")
    assert ended.code == 2
    assert words in ended.err


def test_a_missing_file_and_bad_flags(inside: Command, tmp_path: Path) -> None:
    """Exit 2 as for every input."""
    (tmp_path / "a.txt").write_text("1 2 1")
    assert inside("pack", "nowhere.json").code == 2
    for flags in (["--time-limit", "0"], ["--time-limit", "x"], ["--method", "best"], ["--effort", "-1"], ["--column", "a=b"]):
        assert inside("pack", "a.txt", *flags).code == 2, flags


def test_a_time_limit_that_stops_it_is_told(inside: Command, tmp_path: Path) -> None:
    """A thousandth of a second is no time to prove this: the answer is valid and says what stopped it; the proven one beside it does not."""
    plains = [uniform(250, 3), {"capacity": 10, "items": [5, 5]}]
    (tmp_path / "t.json").write_text(json.dumps(plains))
    hard, easy = _answers(inside("pack", "t.json", "--json", "--meta", "--time-limit", "0.001", "--jobs", "1").out)
    judge(plains[0], hard)
    assert (hard["status"], hard["stopped_by"]) == ("feasible", "time")
    assert hard["meta"]["elapsed_s"] > 0
    assert "stopped_by" not in easy


def test_greedy_is_a_method(inside: Command, tmp_path: Path) -> None:
    """It stops after the first rung, with a bound."""
    (tmp_path / "g.json").write_text(json.dumps(uniform(120, 3)))
    (answer,) = _answers(inside("pack", "g.json", "--json", "--method", "greedy").out)
    judge(uniform(120, 3), answer)
    assert answer["status"] == "feasible"


def test_the_table_names_every_batch_of_one_instance(inside: Command, tmp_path: Path) -> None:
    """Without --json: a table, then the batches."""
    (tmp_path / "a.txt").write_text("3 10 6 4 5")
    ended = inside("pack", "a.txt")
    assert ended.code == 0
    assert ended.out.splitlines()[-2:] == ["batch 0: items 0 1", "batch 1: items 2"]


def test_pending_requests_are_packed_at_their_bill(inside: Command, tmp_path: Path) -> None:
    """Rows of a csv under a scenario's prices: a fee of a dollar a call, 2 a style, a tenth off from three items on; tenants apart."""
    scenario = """
version: 1
name: shop
workload: {source: synthetic, arrivals: {process: poisson, rate: 1/s}, classes: [{name: a, content_type: image, engine: e}]}
requests: 10
providers:
  - name: p
    serves: {content_type: image, engine: e}
    api: {style: sync, takes: list, max_items: 4}
    price: {rates: [{per: call, usd: 1}, {per: setup, usd: 2}, {per: item, usd: 10}], tiers: [{from: 3, factor: 0.9}]}
    latency: {total: 1s}
config: {batching: {similarity_threshold: 0.7, max_batch_size: 25}}
"""
    (tmp_path / "s.yaml").write_text(scenario)
    rows = [("x", "oil"), ("x", "oil"), ("x", "ink"), ("y", "oil"), ("x", "oil"), ("x", "ink")]
    (tmp_path / "p.csv").write_text("who,style_params.look\n" + "".join(f"{who},{look}\n" for who, look in rows))
    ended = inside("pack", "p.csv", "--prices", "s.yaml", "--column", "tenant=who", "--json")
    assert (ended.code, ended.err) == (0, "")
    (answer,) = _answers(ended.out)
    assert sorted(item for batch in answer["batches"] for item in batch) == list(range(6))
    assert [3] in answer["batches"]
    # x: four a call at most. Three oil (1 + 2 + 27) and two ink (1 + 2 + 20) = 53; y: 13
    assert (answer["cost"], answer["status"]) == (66, "optimal")
    assert [0, 1, 4] in answer["batches"]


def test_pending_requests_have_the_columns_of_the_scenario_and_of_its_flags(inside: Command, tmp_path: Path) -> None:
    """A trace's own `columns` count for its file, a flag goes before them, and a field that changes no batch is read over, not refused."""
    (tmp_path / "p.csv").write_text("ts,secs,other,text\n0,4,8,a\n1,6,8,b\n")
    (tmp_path / "s.yaml").write_text(
        "version: 1\nname: s\nworkload:\n  source: trace\n  path: p.csv\n"
        "  columns: {arrived_at: ts, duration: secs, prompt: text}\n  defaults: {content_type: video, engine: e}\n"
        "providers:\n  - name: p\n    serves: {content_type: video}\n    price: {rates: [{per: second, usd: 1}]}\n    latency: {total: 1s}\n"
    )
    ended = inside("pack", "p.csv", "--prices", "s.yaml", "--json")
    assert (ended.code, json.loads(ended.out)["cost"]) == (0, 10)
    ended = inside("pack", "p.csv", "--prices", "s.yaml", "--column", "arrived_at=ts", "--column", "duration=other", "--json")
    assert (ended.code, json.loads(ended.out)["cost"]) == (0, 16)
    ended = inside("pack", "p.csv", "--prices", "s.yaml", "--column", "smell=ts")
    assert ended.code == 2
    assert all(word in ended.err for word in ("--column smell=ts", "unknown field", "allowed: arrived_at"))


def test_pending_requests_that_nobody_serves_name_their_line(inside: Command, tmp_path: Path) -> None:
    """Exit 2, with the file and the line."""
    (tmp_path / "p.csv").write_text("engine\nstudio-xl\nunheard-of\n")
    ended = inside("pack", "p.csv", "--prices", "quickstart")
    assert ended.code == 2
    assert ended.err.startswith("sbsim: p.csv:3: providers: none serves")


@pytest.mark.skipif(not BPPS.exists(), reason="the published instances with set-ups are not beside this checkout")
def test_published_instances_are_read_as_they_are(inside: Command, tmp_path: Path) -> None:
    """The twelve smallest proven ones are matched, with bounds that hold."""
    entries = [entry for entry in json.loads(BPPS.read_text()) if entry["proven_optimal"]][:12]
    (tmp_path / "b.json").write_text(json.dumps(entries))
    answers = _answers(inside("pack", "b.json", "--json", "--effort", "0.3", "--jobs", "1").out)
    for entry, answer in zip(entries, answers, strict=True):
        assert answer["bound"] <= entry["best_known"] <= answer["cost"]
    assert sum(answer["cost"] == entry["best_known"] for entry, answer in zip(entries, answers, strict=True)) >= 11
