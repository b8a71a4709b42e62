"""`sbsim show`: what a scenario means, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbsim.scenario import shipped

from .conftest import Command

WITHOUT_DATA = {"azure-hour", "image-days", "claims/real-prompts"}


@pytest.mark.parametrize("name", sorted(set(shipped()) - WITHOUT_DATA))
def test_every_shipped_scenario_is_shown(inside: Command, name: str) -> None:
    """Traffic, every provider, every promise, every setting that may vary."""
    ended = inside("show", name)
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(inside("show", name, "--json").out)
    assert document["schema"] == "sbsim.show/1"
    assert f"{document['traffic']['n_requests']:,} requests" in ended.out
    for words in (*(lane["name"] for lane in document["providers"]), *document["search"], *document["settings"]):
        assert words in ended.out
    for warning in document["warnings"]:
        assert warning in ended.out
    assert "(limit=" not in ended.out  # a value as people write it, never an object
    assert all(limit["utilisation_full"] < 1 for lane in document["providers"] for limit in lane["limits"])


def test_what_batching_cannot_do_is_said_once(inside: Command, tmp_path: Path) -> None:
    """Where every provider takes one request per call the warning stands there, and only once; --quiet leaves it out."""
    sets = ("--set", "providers[0].api.takes=one", "--set", "providers[0].api.max_items=none")
    said = inside("show", "quickstart", *sets).out
    assert said.count("batching cannot change the bill") == 1
    assert "batching" not in inside("show", "quickstart", *sets, "--quiet").out.replace("batching.", "").replace("batching_", "")
    by_the_item = inside("show", "quickstart", "--set", "providers[0].price.rates=[{per: image, usd: 0.01}]").out
    assert by_the_item.count("list prices give batching nothing to save") == 1


def test_a_scenario_without_its_trace_is_2(inside: Command) -> None:
    """The message says how to bring it."""
    ended = inside("show", "azure-hour")
    assert (ended.code, ended.out) == (2, "")
    assert "--set workload.path=" in ended.err
