"""LiteLLM price files: what their fields mean as rates, and that no oddity of a file gets in the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sbsim.documents.commented import commented_yaml, plain
from sbsim.documents.yaml12 import read_yaml
from sbsim.errors import ScenarioError
from sbsim.pricelists import PriceFile, convert, read_price_file
from sbsim.pricelists.names import Name
from sbsim.pricing import PriceBook
from sbsim.records import Facts
from sbsim.scenario import Scenario

REAL = Path(__file__).parents[3] / "shared" / "data" / "prices" / "litellm_media_prices.json"
DAY = "2026-11-23"


def write(folder: Path, entries: Any) -> PriceFile:
    file = folder / "prices.json"
    file.write_text(json.dumps(entries), encoding="utf-8")
    return read_price_file(file)


def scenario(providers: list[Any]) -> Scenario:
    return Scenario.from_mapping({"version": 1, "name": "x", "workload": {"source": "trace", "path": "any.csv"}, "providers": providers})


def dollars(file: PriceFile, name: str, facts: Facts) -> float:
    """What the converted entry charges for one content alone."""
    spec = scenario(plain([convert(file, name, DAY).provider])).providers[0]
    return PriceBook(spec).alone_nano(facts) / 1e9


VIDEO = {"mode": "video_generation", "output_cost_per_second": 0.1, "output_cost_per_second_1080p": 0.12, "output_cost_per_second_4k": 0.3}
PICTURE = "image_generation"

CHARGED = {
    "seconds at the flat rate": (VIDEO, Facts("video", "m", "720p", 8.0), 0.8),
    "seconds at 1080p, by name": (VIDEO, Facts("video", "m", "1080p", 8.0), 0.96),
    "seconds at 1080p, by size": (VIDEO, Facts("video", "m", "1920x1080", 8.0), 0.96),
    "seconds at 4k, upright": (VIDEO, Facts("video", "m", "2160x3840", 8.0), 2.4),
    "seconds of a video, the other name": (
        {"mode": "video_generation", "output_cost_per_video_per_second": 0.05},
        Facts("video", "m", None, 4.0),
        0.2,
    ),
    "input pictures of a video": ({**VIDEO, "input_cost_per_image": 0.04}, Facts("video", "m", None, 1.0, n_images=2), 0.18),
    "pictures": ({"mode": PICTURE, "output_cost_per_image": 0.04}, Facts("image", "m", None, units_out=3.0), 0.12),
    "pictures, the old way": ({"mode": PICTURE, "input_cost_per_image": 0.009, "output_cost_per_pixel": 0.0}, Facts("image", "m"), 0.009),
    "pictures by size": ({"mode": PICTURE, "output_cost_per_image": 0.08, "output_cost_per_image_2K": 0.12}, Facts("image", "m", "2048x2048"), 0.12),
    "pictures by pixel": ({"mode": PICTURE, "input_cost_per_pixel": 5e-08}, Facts("image", "m", "1000x1000"), 0.05),
    "picture tokens": (
        {"mode": PICTURE, "input_cost_per_token": 5e-06, "output_cost_per_token": 1e-05, "output_cost_per_image_token": 3e-05},
        Facts("image", "m", units_in=100.0, units_out=1000.0, max_units_out=1000.0),
        0.0305,
    ),
    "a picture is not charged by token too": (
        {"mode": PICTURE, "output_cost_per_image": 0.039, "output_cost_per_image_token": 3e-05},
        Facts("image", "m"),
        0.039,
    ),
    "characters": ({"mode": "audio_speech", "input_cost_per_character": 1.5e-05}, Facts("audio", "m", units_in=1000.0), 0.015),
    "seconds of speech": (
        {"mode": "audio_speech", "output_cost_per_second": 0.00025, "output_cost_per_audio_token": 1.2e-05},
        Facts("audio", "m", None, 60.0),
        0.015,
    ),
    "a clip": ({"mode": "audio_speech", "output_cost_per_image": 0.06}, Facts("audio", "m", None, 30.0), 0.06),
    "seconds heard": (
        {"mode": "audio_transcription", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001},
        Facts("text", "m", input_s=60.0),
        0.006,
    ),
    "audio tokens heard": (
        {"mode": "audio_transcription", "input_cost_per_audio_token": 3e-06, "input_cost_per_token": 1.25e-06, "output_cost_per_token": 5e-06},
        Facts("text", "m", units_in=1000.0, units_out=100.0),
        0.0035,
    ),
    "tokens of a chat": (
        {"mode": "chat", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "input_cost_per_token_above_200k_tokens": 1.0},
        Facts("text", "m", units_in=1000.0, units_out=500.0),
        0.00045,
    ),
    "text that is a number": ({"mode": PICTURE, "output_cost_per_image": "0.04"}, Facts("image", "m"), 0.04),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "facts", "usd"), CHARGED.values(), ids=CHARGED)
def test_an_entry_charges_what_its_fields_say(tmp_path: Path, fields: dict[str, Any], facts: Facts, usd: float) -> None:
    """A field's price, its unit and its condition become a rate that bills them."""
    assert dollars(write(tmp_path, {"vendor/m": fields}), "vendor/m", facts) == pytest.approx(usd, abs=1e-9)


def test_entries_by_quality_and_size_become_one_list(tmp_path: Path) -> None:
    """A model's name collects the prices by quality and size; whoever says no quality pays the dearest; other sizes are not served."""
    fields = {"mode": PICTURE, "litellm_provider": "v"}
    file = write(
        tmp_path,
        {
            "low/1024-x-1024/pic": {**fields, "input_cost_per_image": 0.01},
            "high/1024-x-1024/pic": {**fields, "input_cost_per_image": 0.2},
            "low/1536-x-1024/pic": {**fields, "input_cost_per_image": 0.02},
            "other/low/1024-x-1024/pic": {**fields, "input_cost_per_image": 9.0},
        },
    )

    def of(resolution: str, **style: str) -> float:
        return dollars(file, "pic", Facts("image", "pic", resolution, style=tuple(sorted(style.items()))))

    assert (of("1024x1024", quality="low"), of("1024x1024", quality="high"), of("1536x1024", quality="low")) == (0.01, 0.2, 0.02)
    assert of("1024x1024") == 0.2
    assert convert(file, "pic", DAY).resolutions == ("1024x1024", "1536x1024")
    assert plain(convert(file, "low/1024-x-1024/pic", DAY).provider)["price"]["rates"][0] == {
        "per": "image", "usd": 0.01, "when": {"quality": "low", "resolution": "1024x1024"},
    }  # fmt: skip


def test_names_come_apart() -> None:
    """Quality, size and steps are told from a model's own words, which may be the same."""
    assert Name.of("azure/hd/1024-x-1792/dall-e-3") == Name("azure/dall-e-3", "hd", "1024x1792")
    assert Name.of("512-x-512/max-steps/stability.sd-v0") == Name("stability.sd-v0", None, "512x512", "max")
    assert Name.of("aws_polly/standard") == Name("aws_polly/standard")


def test_batch_prices_become_a_batch_lane(tmp_path: Path) -> None:
    """Batch prices are taken as stated; where only tokens have one, the lane costs the same share of the real-time price."""
    tokens = {
        "input_cost_per_token": 2e-06,
        "input_cost_per_token_batches": 1e-06,
        "output_cost_per_token": 8e-06,
        "output_cost_per_token_batches": 4e-06,
    }
    file = write(tmp_path, {"chat": {"mode": "chat", **tokens}, "pic": {"mode": PICTURE, "output_cost_per_image": 0.04, **tokens}, "none": VIDEO})
    chat = plain(convert(file, "chat", DAY).batch)
    assert [(rate["per"], rate["usd"]) for rate in chat["price"]["rates"]] == [("token_in", 1e-06), ("token_out", 4e-06)]
    assert chat["api"]["style"] == "batch"
    pic = plain(convert(file, "pic", DAY).batch)
    assert [(rate["per"], rate["usd"]) for rate in pic["price"]["rates"]] == [("image", 0.02), ("token_in", 1e-06)]
    assert convert(file, "none", DAY).batch is None


def test_limits_of_the_file_are_taken_over_and_polls_fit_them(tmp_path: Path) -> None:
    """rpm and tpm become limits; a video API is polled seldom enough for them."""
    file = write(tmp_path, {"v": {**VIDEO, "rpm": 5, "tpm": "9000"}})
    limits = scenario(plain([convert(file, "v", DAY).provider])).providers[0].limits
    assert [(limit.unit, limit.n) for limit in limits] == [("calls", 5), ("tokens", 9000), ("concurrency", 10)]


def test_the_dead_are_called_dead(tmp_path: Path) -> None:
    """A model whose last day has come, or whose family is gone, is converted with a warning."""
    file = write(tmp_path, {"old": {**VIDEO, "deprecation_date": "2026-03-01"}, "soon": {**VIDEO, "deprecation_date": "2027-03-01"}, "m": VIDEO})
    assert "was shut down on 2026-03-01" in convert(file, "old", DAY).warnings[0]
    assert "will be shut down on 2027-03-01" in convert(file, "soon", DAY).warnings[0]
    assert convert(file, "m", DAY).warnings == ()


ODD: dict[str, Any] = {
    "sample_spec": {"mode": "one of: chat, embedding", "input_cost_per_token": 0.0, "max_tokens": "LEGACY parameter"},
    "a list": [1, 2],
    "a word": "soon",
    "null": None,
    "m": {
        "mode": 7, "litellm_provider": None, "source": ["a", "b"], "metadata": "x", "deprecation_date": "next year", "rpm": "many", "tpm": -3,
        "output_cost_per_image": 0.5, "input_cost_per_token": None, "output_cost_per_token": "a lot", "cost_of_everything": {"low": 0.1},
        "input_cost_per_second": -1, "output_cost_per_pixel": True, "tiered_cost": [1], "output_cost_per_reasoning_token": 1e400,
        "ümläut_cost\n": 0.1, "new_in_2030": 3,
    },
    "": {"mode": "chat", "input_cost_per_token": 1e-06},
    "\x1b[31mred\n# not a comment: {": {"mode": PICTURE, "output_cost_per_image": 0.25, "source": "x\n- evil: {"},
}  # fmt: skip


def test_odd_entries_are_tolerated(tmp_path: Path) -> None:
    """Unknown fields, wrong types and entries that are none are left out by name; everything else is read and loads."""
    file = write(tmp_path, ODD)
    assert file.n_left_out == 3
    assert set(file.entries["m"].odd) == {
        "output_cost_per_token", "cost_of_everything", "input_cost_per_second", "output_cost_per_pixel", "tiered_cost",
        "output_cost_per_reasoning_token",
    }  # fmt: skip
    for name in file.entries:
        written = commented_yaml({"providers": convert(file, name, DAY).lanes})
        document = read_yaml(written, "written")[0]
        assert document == {"providers": plain(convert(file, name, DAY).lanes)}
        scenario(document["providers"])


def test_a_file_that_is_no_price_file_is_refused(tmp_path: Path) -> None:
    """Each wrong file is one message that names it."""
    file = tmp_path / "wrong.json"
    for raw in (
        b"",
        b"{",
        b"[1]",
        b"null",
        b'{"a": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": {"name": "x"}}',
        b'{"a": {"cost": 1' + b"0" * 5000 + b"}}",
    ):
        file.write_bytes(raw)
        with pytest.raises(ScenarioError, match=r"wrong\.json"):
            read_price_file(file)
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_price_file(tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """Who remembers half a name is told the whole; an entry without a price cannot be converted."""
    file = write(tmp_path, {"gemini/veo-3.1": VIDEO, "free": {"mode": "chat", "input_cost_per_token": 0.0}})
    with pytest.raises(ScenarioError, match=r"try gemini/veo-3\.1"):
        convert(file, "veo-3.1", DAY)
    with pytest.raises(ScenarioError, match="no price above 0"):
        convert(file, "free", DAY)


@pytest.mark.skipif(not REAL.is_file(), reason="needs ../shared/data/prices")
def test_every_entry_of_a_real_file_with_a_price_becomes_a_provider_that_loads() -> None:
    """All of LiteLLM 1.109.1's media entries that state a price are converted, written, read back and accepted; the others are refused."""
    file = read_price_file(REAL)
    assert len(file.entries) == 705
    providers = []
    for name, entry in file.entries.items():
        if not entry.has_price:
            with pytest.raises(ScenarioError, match="no price above 0"):
                convert(file, name, DAY)
            continue
        conversion = convert(file, name, DAY)
        provider = {**plain(conversion.provider), "name": name}
        provider["serves"] = {**provider["serves"], "engine": name}
        assert all(rate["usd"] > 0 for rate in provider["price"]["rates"])
        providers.append(provider)
    assert len(scenario(providers).providers) == 692
    veo = plain(convert(file, "gemini/veo-3.1-fast-generate-preview", DAY).provider)
    assert [rate["usd"] for rate in veo["price"]["rates"]] == [0.12, 0.3, 0.1]
