"""The outcomes that stand in scenarios/claims/*.yaml are those that the claims still have."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from sbsim.claims import CLAIMS, Trial, shipped_workloads, tried
from sbsim.scenario import load, shipped

PROMPTS = Path(__file__).parents[3] / "shared" / "data" / "diffusiondb_5k" / "diffusiondb_5k_filtered.txt"
_OUTCOME = re.compile(r"^#   (\w+) +(-?[\d.]+) ± ([\d.]+) +(holds|holds not|not decided)$", re.MULTILINE)


def recorded(name: str) -> dict[str, tuple[float, float, str]]:
    """Claim -> (value, half-width, verdict) as the file says."""
    text = shipped()[name].read_text(encoding="utf-8")
    assert re.search(r"^# first run: \d{4}-\d\d-\d\d, seed \d+, \d+ replications", text, re.MULTILINE), name
    return {claim: (float(value), float(half_width), verdict) for claim, value, half_width, verdict in _OUTCOME.findall(text)}


def check(trial: Trial, name: str) -> None:
    """Verdicts are those on file, values within both half-widths and 0.005: a little for what later versions do better."""
    for claim, (value, half_width, verdict) in recorded(name).items():
        found = trial.values[claim]
        assert trial.verdicts[claim] == verdict, claim
        assert found.mean == pytest.approx(value, abs=half_width + found.half_width + 0.005 * max(1, abs(value))), claim


@pytest.mark.parametrize("name", shipped_workloads())
def test_every_workload_has_an_outcome_on_file_for_every_claim(name: str) -> None:
    """None is left out, whatever came of it, and the first run is dated."""
    assert list(recorded(name)) == [claim.name for claim in CLAIMS]


def test_an_hour_on_list_terms_gives_the_verdicts_on_file() -> None:
    """What a quarter of the workload can decide in seconds: where a call takes one request, nothing that was promised of batching holds."""
    trial = tried(load("claims/list-terms").with_values({"horizon": "1h", "replications": 3}))
    assert trial.verdicts == {claim: verdict for claim, (_, _, verdict) in recorded("claims/list-terms").items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["claims/own-gpu", "claims/list-terms"])
def test_the_synthetic_workloads_give_what_is_on_file(name: str) -> None:
    """The whole workload, every claim."""
    check(tried(load(name), jobs=2), name)


@pytest.mark.slow
def test_real_prompts_give_what_is_on_file(tmp_path: Path) -> None:
    """The prompts of DiffusionDB, made a trace as the file's comment does."""
    if not PROMPTS.is_file():
        pytest.skip(f"{PROMPTS} is not there: real prompts are not shipped")
    path = tmp_path / "prompts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = PROMPTS.read_text(encoding="utf-8").split("\n")
        rows = ((2 * k, line) for k, line in enumerate(lines[:-1] if lines[-1] == "" else lines))
        csv.writer(file).writerows([("ts", "prompt"), *rows])
    check(tried(load("claims/real-prompts", sets=[f"workload.path={path}"]), jobs=2), "claims/real-prompts")
