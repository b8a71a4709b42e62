"""`sbsim prices`: lists, searches and converts what a price file says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sbsim.documents.yaml12 import read_yaml

from .conftest import Command

VIDEO = {"mode": "video_generation", "litellm_provider": "gemini", "output_cost_per_second": 0.1, "output_cost_per_second_1080p": 0.12}
ENTRIES = {
    "gemini/veo-x": {**VIDEO, "source": "https://example.org/prices"},
    "gemini/veo-old": {**VIDEO, "deprecation_date": "2026-01-31"},
    "speaker": {"mode": "audio_speech", "input_cost_per_character": 1.5e-05},
    "chat": {
        "mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "input_cost_per_token_batches": 1e-06,
        "output_cost_per_token_batches": 4e-06,
    },
    "note": "not an entry",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(ENTRIES))
    os.utime(path, (1795392000, 1795392000))  # 2026-11-23
    return path


def test_the_list_shows_prices_by_unit_and_what_is_gone(inside: Command, file: Path) -> None:
    """A line each, with units, resolutions, batch prices and the end of a model; what is no entry is counted on stderr."""
    ended = inside("prices", "prices.json")
    lines = {line.split()[0]: line for line in ended.out.splitlines()}
    assert "0.1 per second (1080p 0.12)" in lines["gemini/veo-x"]
    assert "shut down" in lines["gemini/veo-old"]
    assert "shut down" not in lines["gemini/veo-x"]
    assert "1.5e-05 per character" in lines["speaker"]
    assert "batch prices" in lines["chat"]
    assert (ended.code, ended.err) == (0, "warning: prices.json: 1 entries are no mappings of fields and were left out\n")


def test_search_and_mode_choose(inside: Command, file: Path) -> None:
    """All words count, in any order and case; a mode may be shortened."""

    def names(*flags: str) -> list[str]:
        return [entry["name"] for entry in json.loads(inside("prices", "prices.json", "--json", *flags).out)["entries"]]

    assert names("--search", "VEO gemini") == ["gemini/veo-x", "gemini/veo-old"]
    assert names("--mode", "audio") == ["speaker"]
    assert names("--search", "veo", "--mode", "chat") == []


def test_a_conversion_is_yaml_that_a_scenario_takes(inside: Command, file: Path, tmp_path: Path) -> None:
    """What is printed is a `providers` block: with traffic above it, it runs; it says date and source."""
    ended = inside("prices", "prices.json", "--convert", "gemini/veo-x")
    assert ended.err == ""
    assert "as_of: 2026-11-23" in ended.out
    assert "https://example.org/prices" in ended.out
    traffic = (
        "version: 1\nname: mine\nrequests: 50\nreplications: 2\nworkload:\n  source: synthetic\n  arrivals: {process: poisson, rate: 2/min}\n"
        "  classes: [{name: a, content_type: video, engine: veo-x, duration: 8s, resolution: 1080p}]\n"
    )
    (tmp_path / "mine.yaml").write_text(traffic + ended.out)
    document = json.loads(inside("run", "mine.yaml", "--json", "--jobs", "1", "--quiet").out)
    assert document["kpis"]["individual_cost_usd"]["mean"] == pytest.approx(50 * 8 * 0.12)


def test_a_batch_lane_stands_beside_the_real_time_lane(inside: Command, file: Path) -> None:
    """Batch prices make a second provider for the same content, in text and in --json."""
    printed = read_yaml(inside("prices", "prices.json", "--convert", "chat").out, "printed")[0]
    assert [(lane["name"], lane["api"]["style"]) for lane in printed["providers"]] == [("chat", "sync"), ("chat-batch", "batch")]
    document = json.loads(inside("prices", "prices.json", "--convert", "chat", "--json").out)
    assert document["batch"] == printed["providers"][1]
    assert [rate["usd"] for rate in document["batch"]["price"]["rates"]] == [1e-06, 4e-06]


def test_the_day_is_the_files_or_as_given(inside: Command, file: Path) -> None:
    """--as-of dates the facts, and decides what was shut down by then."""
    assert "as_of: 2025-12-31" in inside("prices", "prices.json", "--convert", "gemini/veo-old", "--as-of", "2025-12-31").out
    assert "was shut down on 2026-01-31" in inside("prices", "prices.json", "--convert", "gemini/veo-old").err
    assert inside("prices", "prices.json", "--convert", "chat", "--as-of", "soon").code == 2
    os.utime(file, (315532800, 315532800))  # 1980, as archives of packages have it
    unlikely = inside("prices", "prices.json", "--convert", "chat")
    assert (unlikely.code, unlikely.out) == (2, "")
    assert "1980-01-01" in unlikely.err
    assert inside("prices", "prices.json").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothere.json",), ["nothere.json"]),
        ((".",), ["cannot be read"]),
        (("prices.json", "--mode", "smell"), ["smell", "audio_speech"]),
        (("prices.json", "--convert", "veo"), ["veo", "gemini/veo-x"]),
        (("prices.json", "--convert", "chat", "--search", "x"), ["--convert"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_input_is_one_message(inside: Command, file: Path, arguments: tuple[str, ...], words: list[str]) -> None:
    """Exit 2, nothing on stdout, and what to try."""
    ended = inside("prices", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert all(word in ended.err for word in words)
