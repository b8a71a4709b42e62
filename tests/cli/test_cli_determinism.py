"""INV-8 and INV-9 at the door: the same question gives the same bytes, whoever asks and however many processes answer."""

from __future__ import annotations

import json

import pytest

from .conftest import Command

SMALL = ("--set", "horizon=20min", "--set", "replications=4")


@pytest.mark.parametrize("scenario", ["quickstart", "image-service"])
def test_run_gives_the_same_bytes_in_every_process(sbsim: Command, scenario: str) -> None:
    """Two processes with other hash seeds and other numbers of workers print the same JSON (INV-8)."""
    small = (*SMALL, "--set", "warmup=0s")
    first = sbsim("run", scenario, *small, "--seed", "5", "--jobs", "1", "--json", hash_seed=1)
    second = sbsim("run", scenario, *small, "--seed", "5", "--jobs", "2", "--json", hash_seed=2)
    assert first.code == second.code == 0, first.err + second.err
    assert first.out == second.out
    assert json.loads(first.out)["kpis"]["n_requests"]["mean"] > 0


def test_another_seed_gives_other_numbers(sbsim: Command) -> None:
    """The seed reaches the draws: without that the test above proves nothing."""
    first, second = (json.loads(sbsim("run", "quickstart", *SMALL, "--seed", seed, "--json").out) for seed in ("5", "6"))
    assert first["kpis"] != second["kpis"]
    assert (first["seed"], second["seed"]) == (5, 6)


def test_environment_and_date_do_not_leak_into_a_simulation(sbsim: Command) -> None:
    """Settings in the environment are for live batchers, and no clock zone moves a simulated hour (INV-9)."""
    plain = sbsim("run", "quickstart", *SMALL, "--json")
    other = sbsim("run", "quickstart", *SMALL, "--json", SMART_BATCHER_MAX_SIZE="1", CACHE_MEMORY_SIZE="0", TZ="Asia/Tokyo", LANG="de_DE.UTF-8")
    assert plain == other


def test_timings_stand_under_meta_and_only_there(sbsim: Command) -> None:
    """Without --meta nothing in the document depends on the machine's speed."""
    document = json.loads(sbsim("run", "quickstart", *SMALL, "--json", "--meta").out)
    assert document.pop("meta")["elapsed_s"] > 0
    assert document == json.loads(sbsim("run", "quickstart", *SMALL, "--json").out)
