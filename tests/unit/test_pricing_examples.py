"""Bills worked by hand from published prices, and the parts of a price list one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sbsim.errors import ScenarioError
from sbsim.pricing import PriceBook, cheapest
from sbsim.records import Content, Facts, Item, Outcome, Request, Usage
from sbsim.scenario import ProviderSpec
from sbsim.world.ledger import Ledger

USD = 10**9
VEO = Facts("video", "veo-3.1-fast", "1920x1080", duration_s=8.0)
VEO_RATES = [
    {"per": "second", "usd": "$0.30", "when": {"resolution": "3840x2160"}},
    {"per": "second", "usd": 0.12, "when": {"resolution": "1920x1080"}},
    {"per": "second", "usd": 0.10},
]


def book(rates: list[dict[str, Any]], *, latency: dict[str, Any] | None = None, cancel: str = "never", **price: Any) -> PriceBook:
    return PriceBook(
        ProviderSpec.model_validate(
            {
                "name": "p",
                "serves": {"content_type": "video"},
                "api": {"takes": "list", "cancel": cancel},
                "price": {"rates": rates, **price},
                "latency": latency or {},
            }
        )
    )


def items(*all_facts: Facts) -> list[Item]:
    return [Item(Request(k, 0.0, 1e9, 2, Content(k, k, k, facts, 0, 0, (), 0))) for k, facts in enumerate(all_facts)]


@pytest.mark.parametrize(("resolution", "usd"), [("1280x720", 0.80), ("1920x1080", 0.96), ("3840x2160", 2.40)])
def test_eight_seconds_of_veo(resolution: str, usd: float) -> None:
    """Veo 3.1 Fast at $0.10 a second, $0.12 at 1080p, $0.30 at 4k: the first rate that fits counts, and only that one."""
    assert book(VEO_RATES).alone_nano(VEO._replace(resolution=resolution)) == round(usd * USD)


def test_the_published_price_file(data: Path) -> None:
    """Prices as the file of published prices has them: video by the second, images, speech by the character, transcription by the input second."""
    listed = json.loads((data / "prices" / "litellm_media_prices.json").read_text())
    veo = listed["gemini/veo-3.1-fast-generate-preview"]
    assert [veo["output_cost_per_second_4k"], veo["output_cost_per_second_1080p"], veo["output_cost_per_second"]] == [0.30, 0.12, 0.10]
    speech = book([{"per": "character", "usd": listed["tts-1"]["input_cost_per_character"]}])
    assert speech.item_nano(Facts("audio", "tts-1", units_in=4000)) == 60_000_000  # $15 a million characters
    groq = book([{"per": "input_second", "usd": listed["groq/whisper-large-v3"]["input_cost_per_second"]}])
    assert groq.item_nano(Facts("audio", "whisper-large-v3", input_s=3600.0)) == 110_988_000  # 3.083e-05 x 3600
    image = book([{"per": "image", "usd": listed["aiml/dall-e-3"]["output_cost_per_image"]}])
    assert image.alone_nano(Facts("image", "dall-e-3", units_out=4)) == 208_000_000


def test_tokens_in_and_out() -> None:
    """$3 a million in and $15 a million out: 1,000 and 500 tokens cost $0.0105, of which $0.003 are input."""
    llm = book([{"per": "token_in", "usd": 3e-6}, {"per": "token_out", "usd": 1.5e-5}])
    asked = Facts("text", "m", units_in=1000, units_out=500)
    assert (llm.item_nano(asked), llm.input_nano(asked)) == (10_500_000, 3_000_000)


def test_own_gpus() -> None:
    """Five pictures in 30 s at $0.0007 a second and 10 % off from 5 items, one set-up of $0.01 undiscounted: $0.0289."""
    gpu = book([{"per": "gpu_second", "usd": 0.0007}, {"per": "setup", "usd": 0.01}], tiers=[{"from": 5, "factor": 0.9}])
    five = items(*[Facts("image", "sdxl")] * 5)
    assert gpu.bill(five, Outcome(usage=Usage(30.0))) == (28_900_000, 10_000_000, [4_200_000] * 5)
    assert gpu.bill(five[:4], Outcome(usage=Usage(30.0)))[0] == 31_000_000


def test_a_set_up_is_paid_once_for_each_engine_and_style() -> None:
    """Two styles in a call of three owe two set-ups and one call fee, all of it fixed."""
    warm, cold = (Facts("image", "sdxl", style=(("look", look),)) for look in ("warm", "cold"))
    listed = book([{"per": "call", "usd": 0.001}, {"per": "setup", "usd": 0.01}, {"per": "item", "usd": 0.04}])
    assert listed.bill(items(warm, cold, warm), Outcome()) == (141_000_000, 21_000_000, [40_000_000] * 3)


def test_minimum_quantum_and_factor() -> None:
    """6.1 s in steps of 5 s are 10 s; $0.01 is topped up to the minimum of $0.05; the factor halves it all."""
    listed = book([{"per": "second", "usd": 0.001}], minimum=0.05, quantum="5s", factor=0.5)
    asked = Facts("audio", "m", duration_s=6.1)
    assert listed.item_nano(asked) == 10_000_000
    assert listed.bill(items(asked), Outcome()) == (25_000_000, 20_000_000, [10_000_000])


def test_a_tie_is_rounded_to_even_once() -> None:
    """n items of half a nano-dollar: 0.5 is rounded to 0, 1.5 and 2.5 to 2, and so on, in our bill and in the provider's ledger."""
    listed = ProviderSpec.model_validate({"name": "p", "serves": {"content_type": "text"}, "price": {"rates": [{"per": "item", "usd": 5e-10}]}})
    asked, ledger = Facts("text", "m"), Ledger(listed.price)
    assert [PriceBook(listed).bill(items(*[asked] * n), Outcome())[0] for n in range(1, 8)] == [0, 1, 2, 2, 2, 3, 4]
    assert [ledger.charge([ledger.line(asked)] * n, 0) for n in range(1, 8)] == [0, 1, 2, 2, 2, 3, 4]


def test_megapixels_of_sizes_and_names() -> None:
    """A size counts its pixels, a usual name those of its format, and anything else is refused with what to try."""
    listed = book([{"per": "megapixel", "usd": 0.01}])
    assert listed.item_nano(Facts("image", "flux", "1024x1024", units_out=2)) == 20_971_520
    assert listed.item_nano(Facts("image", "flux", "1080p")) == listed.item_nano(Facts("image", "flux", "1920x1080")) == 20_736_000
    with pytest.raises(ScenarioError, match=r"providers\[p\]\.price: a rate per megapixel needs a size.*'widescreen'.*1024x1024.*try"):
        listed.item_nano(Facts("image", "flux", "widescreen"))


def test_what_failed_is_free_and_what_was_refused_costs_as_the_list_says() -> None:
    """By default moderated and failed items cost nothing; `moderated: input` bills what went in, without call fee."""
    rates = [{"per": "call", "usd": 0.5}, {"per": "token_in", "usd": 1e-3}, {"per": "item", "usd": 1.0}]
    asked = items(*[Facts("text", "m", units_in=10)] * 2)
    refused = Outcome(failures=[(1, "moderated")])
    assert book(rates).bill(asked, refused) == (1_510_000_000, 500_000_000, [1_010_000_000, 0])
    strict = book(rates, billed={"moderated": "input"})
    assert strict.bill(asked, refused) == (1_520_000_000, 500_000_000, [1_010_000_000, 10_000_000])
    assert strict.bill(asked, Outcome("moderated"))[:2] == (20_000_000, 0)


def test_cancelled_work_may_cost_what_has_elapsed() -> None:
    """`cancelled: elapsed` bills the GPU seconds that ran, and neither items nor set-up."""
    listed = book([{"per": "gpu_second", "usd": 0.001}, {"per": "item", "usd": 1.0}, {"per": "setup", "usd": 5.0}], billed={"cancelled": "elapsed"})
    assert listed.bill(items(VEO, VEO), Outcome("cancelled", usage=Usage(7.0))) == (7_000_000, 0, [3_500_000, 3_500_000])


def test_tokens_out_without_a_bound_have_no_most() -> None:
    """A hard budget needs a bound: without `max_units_out` there is none, with it the bound is priced, however much less comes out."""
    listed = book([{"per": "token_out", "usd": 1e-3}])
    open_ended = Facts("text", "m", units_out=5)
    assert listed.most(items(open_ended), 60.0) is None
    assert listed.offer(3, open_ended).most_nano is None
    bounded = open_ended._replace(max_units_out=100)
    assert listed.most(items(bounded, bounded), 60.0) == 200_000_000
    offer = listed.offer(3, bounded)
    assert (offer.lane, offer.item_nano, offer.most_nano, offer.tokens) == (3, 5_000_000, 100_000_000, 100)


def test_gpu_seconds_are_bounded_by_cancelling_or_by_a_bounded_law() -> None:
    """An unbounded law has no most unless running work can be cancelled; the tighter of time-out and law counts."""
    rates = [{"per": "gpu_second", "usd": 1}]
    endless = {"setup": 2, "per_item": 3, "noise": {"law": "lognormal", "cv": 0.5}}
    assert book(rates, latency=endless).most(items(VEO), 60.0) is None
    assert book(rates, latency=endless, cancel="running").most(items(VEO), 60.0) == 60 * USD + 1000
    assert book(rates).most(items(VEO), 60.0) is None  # no latency stated, as in a file that runs in production: nothing is known
    steady = {"setup": 2, "per_item": 3, "parallel_items": 2}
    assert book(rates, latency=steady).most(items(*[VEO] * 4), 60.0) == 8 * USD + 1000
    assert book(rates, latency={"total": {"law": "uniform", "low": 1, "high": 9}}, cancel="running").most(items(VEO), 5.0) == 5 * USD + 1000
    assert book(rates, latency=steady).alone_nano(VEO) == 5 * USD


def test_the_cheapest_of_two_lists_depends_on_the_content() -> None:
    """A fee with cheap seconds wins for long contents, a plain rate for short ones; the first of equals wins."""
    books = [book([{"per": "call", "usd": 1}, {"per": "second", "usd": 0.1}]), book([{"per": "second", "usd": 0.3}])]
    assert [cheapest(books, VEO._replace(duration_s=s)) for s in (1.0, 5.0, 6.0)] == [1, 0, 0]
