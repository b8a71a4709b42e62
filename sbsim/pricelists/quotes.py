"""What the price fields of an entry mean as rates: `output_cost_per_second_1080p: 0.12` -> 0.12 dollars per second when the resolution is 1080p.

For each purpose of a model the file may state the same cost in several ways (a picture by picture, by pixel and by token). The ways are tried in
the order of `_WAYS`, and the first that has a price counts: what the calls themselves say (pictures, seconds, characters) before what only an answer
says (tokens out). Everything else is named as not used, so that a reader can choose otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from sbsim.pricelists.file import NO_MODE, Entry
from sbsim.pricelists.names import resolutions

BATCHES = "_batches"
"""How a field's name ends that states the price of a batch API."""
_PIXELS = 10**6
_RESOLUTION = re.compile(r"_(\d+p|\d+(?:\.\d+)?k|\d+)\Z", re.IGNORECASE)


class Quote(NamedTuple):
    """A rate, as the file's `field` states it."""

    per: str
    usd: float
    when: Mapping[str, Hashable | tuple[str, ...]]
    field: str


class Meaning(NamedTuple):
    """Fields that state the price of one `per`; the first that is above 0 counts. `factor`: of our unit in theirs."""

    per: str
    fields: tuple[str, ...]
    factor: int = 1


_CALL = Meaning("call", ("input_cost_per_request", "output_cost_per_request", "cost_per_request", "input_cost_per_query"))
_TOKENS_IN = (Meaning("token_in", ("input_cost_per_token",)), Meaning("token_cached", ("cache_read_input_token_cost",)))
_IMAGE_IN = Meaning("image_in", ("input_cost_per_image",))
_TEXT_OUT = Meaning("token_out", ("output_cost_per_token",))

Way = tuple[Meaning, tuple[Meaning, ...]]
"""What a price is per, and what is charged beside it."""

_WAYS: Mapping[str, tuple[Way, ...]] = {
    "video": (
        (Meaning("second", ("output_cost_per_second", "output_cost_per_video_per_second")), (*_TOKENS_IN, _IMAGE_IN)),
        (Meaning("item", ("output_cost_per_video", "output_cost_per_image")), (*_TOKENS_IN, _IMAGE_IN)),
        (Meaning("token_out", ("output_cost_per_video_token", "output_cost_per_token")), (*_TOKENS_IN, _IMAGE_IN)),
    ),
    "image": (
        (Meaning("image", ("output_cost_per_image",)), (*_TOKENS_IN, _IMAGE_IN)),
        (Meaning("image", ("input_cost_per_image",)), _TOKENS_IN),  # an older way to say what a picture costs that comes out
        (Meaning("megapixel", ("output_cost_per_pixel", "input_cost_per_pixel"), _PIXELS), _TOKENS_IN),
        (Meaning("token_out", ("output_cost_per_image_token", "output_cost_per_token")), _TOKENS_IN),
    ),
    "speech": (
        (Meaning("character", ("input_cost_per_character", "output_cost_per_character")), ()),
        (Meaning("second", ("output_cost_per_second",)), _TOKENS_IN),
        (Meaning("item", ("output_cost_per_image",)), _TOKENS_IN),  # a clip
        (Meaning("token_out", ("output_cost_per_audio_token", "output_cost_per_token")), _TOKENS_IN),
    ),
    "transcription": (
        (Meaning("input_second", ("input_cost_per_second", "output_cost_per_second")), ()),
        (Meaning("token_in", ("input_cost_per_audio_token", "input_cost_per_token")), (_TEXT_OUT,)),
        (_TEXT_OUT, ()),
    ),
    "text": (
        (Meaning("character", ("input_cost_per_character",)), ()),
        (Meaning("token_in", ("input_cost_per_token",)), (_TOKENS_IN[1], _TEXT_OUT)),
        (_TEXT_OUT, ()),
        (Meaning("gpu_second", ("output_cost_per_second", "input_cost_per_second", "cost_per_second")), ()),  # rented machines
        (Meaning("item", ("ocr_cost_per_page", "output_cost_per_image")), ()),  # a page read, a clip
    ),
}
_PURPOSES = (
    ("video", "video"), ("image", "image"), ("speech", "speech"), ("character", "speech"), ("transcription", "transcription"),
    ("audio", "transcription"), ("pixel", "image"),
)  # fmt: skip
"""A word in the mode -> what a model is for; whatever has none of them makes text."""

CONTENT_TYPES: Mapping[str, str] = {"video": "video", "image": "image", "speech": "audio", "transcription": "text", "text": "text"}
"""What a call gives back, by purpose."""


def purpose(entry: Entry) -> str:
    """What a model is for, by its mode, or by what it charges where the file says none: a key of `CONTENT_TYPES`."""
    said = " ".join(entry.prices) if entry.mode == NO_MODE else entry.mode
    return next((found for word, found in _PURPOSES if word in said), "text")


def quotes(entry: Entry, *, batches: bool = False) -> list[Quote]:
    """The rates of one entry, those for a resolution before the one for all others; of its batch API with `batches`. Empty without a price."""
    stated = _stated(entry, batches)
    kind = purpose(entry)
    for main, beside in _WAYS[kind]:
        found = _quoted(main, stated, kind)
        if found:
            used = {quote.field for quote in found}
            others = [quote for meaning in (*beside, _CALL) for quote in _quoted(meaning, stated, kind) if quote.field not in used]
            return found + others
    return _quoted(_CALL, stated, kind)


def unused(entry: Entry, used: Sequence[Quote]) -> dict[str, float]:
    """Prices above 0 that no rate states: field -> dollars."""
    fields = {quote.field for quote in used}
    return {field: usd for field, usd in entry.prices.items() if usd > 0 and field not in fields}


def _stated(entry: Entry, batches: bool) -> dict[str, float]:
    """Prices by field, without the ending that says batch."""
    if not batches:
        return {field: usd for field, usd in entry.prices.items() if not field.endswith(BATCHES)}
    return {field.removesuffix(BATCHES): usd for field, usd in entry.prices.items() if field.endswith(BATCHES)}


def _quoted(meaning: Meaning, stated: Mapping[str, float], kind: str) -> list[Quote]:
    for field in meaning.fields:
        found = [
            Quote(meaning.per, _times(usd, meaning.factor), {"resolution": resolutions(match[1], is_square=kind == "image")}, name)
            for name, usd in stated.items()
            if usd > 0 and name.startswith(f"{field}_") and (match := _RESOLUTION.fullmatch(name, len(field)))
        ]
        flat = stated.get(field, 0.0)
        if flat > 0:
            found.append(Quote(meaning.per, _times(flat, meaning.factor), {}, field))
        if found:
            return found
    return []


def _times(usd: float, factor: int) -> float:
    """The product as its decimals say it: 8.39233e-08 a pixel are 0.0839233 a megapixel, not 0.08392330000000001."""
    return float(Decimal(repr(usd)) * factor)
