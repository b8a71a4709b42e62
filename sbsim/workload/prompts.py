"""Readable prompts for synthetic contents, made only when somebody asks for one.

A prompt is a function of numbers: which content (its *number*), which slot of the sentence a lookalike exchanges (its *exchange*), and which
*wording*. Different numbers, exchanges or wordings give different sentences, also when case and white space do not count, so equal keys and equal
fingerprints are the same thing. The grammar knows nothing of requests, draws or prices.

- *Content*: one value per slot of the sentence of its content type, several hundred thousand combinations; beyond them the sentence is numbered.
- *Lookalike* (another intent): its original's sentence with one slot exchanged for a value that no ordinary content has.
- *Rewording* (the same intent): other phrasings of the same values, another order, courtesies. Wording 0 is the plain sentence.
"""

from __future__ import annotations

from functools import cache
from math import gcd, prod
from typing import NamedTuple

from sbsim.workload import vocabulary as words
from sbsim.workload.vocabulary import CLOSINGS, COURTESIES, QUALITIES, RESERVED, VERBS

_GOLDEN = 0.6180339887498949
"""Steps of this part of a range visit all of it evenly (the three-distance theorem); used to keep neighbouring contents unlike."""


class _Grammar(NamedTuple):
    """Slots of one content type's sentence, each a tuple of (phrasing, other phrasing), and the orders in which they can stand."""

    slots: tuple[tuple[tuple[str, str], ...], ...]
    orders: tuple[str, ...]
    openings: tuple[str, ...]


_SCENE_ORDERS = ("{0} {1} {2}, {3}, {4}", "{4}: {0} {1} {2}, {3}", "{3}, {2}: {0} {1}, {4}", "{0} {2}, {1}, {4}, {3}")
_ORDERS = {
    "video": _SCENE_ORDERS,
    "image": _SCENE_ORDERS,
    "audio": ("{0} {1} {2}, {3}, {4}", "{3}, {4}: {0} {1} {2}", "{2}, {3}: {0} {1}, {4}", "{0}, {4}, {1} {2}, {3}"),
    "text": ("{0} {1} {2}, {3}, {4}", "{0} {2}, {1}, {3}, {4}", "{0} {3}, {1} {2}, {4}", "{3}, {4}: {0} {1} {2}"),
}
_SLOTS = {
    "video": (words.SUBJECT, words.ACTION, words.PLACE, words.LIGHT, words.SHOT),
    "image": (words.SUBJECT, words.ACTION, words.PLACE, words.LIGHT, words.MEDIUM),
    "audio": (words.VOICE, words.MESSAGE, words.SETTING, words.MUSIC, words.PACE),
    "text": (words.FORM, words.TOPIC, words.AUDIENCE, words.TONE, words.ANGLE),
}


@cache
def _grammar(content_type: str) -> _Grammar:
    slots = tuple(tuple(_phrasings(value) for value in slot) for slot in _SLOTS[content_type])
    openings = ("", *(f"{courtesy} {verb}".strip() for courtesy in COURTESIES for verb in VERBS[content_type]))
    return _Grammar(slots, _ORDERS[content_type], openings)


def _phrasings(value: str) -> tuple[str, str]:
    phrasing, other = value.split(" | ")
    return phrasing, other


def n_wordings(content_type: str) -> int:
    """How many wordings a content of this type has, the plain one included."""
    grammar = _grammar(content_type)
    return prod((len(grammar.openings), len(grammar.orders), 1 << len(grammar.slots), len(QUALITIES), len(CLOSINGS)))


def sentence(content_type: str, number: int, exchange: int = -1, wording: int = 0) -> str:
    """The prompt of one content in one wording.

    Parameters
    ----------
    content_type : "video", "image", "audio" or "text".
    number : which ordinary content, from 0.
    exchange : -1, or which lookalike of that content, from 0: the first ones exchange one slot each, those beyond exchange the number in the series.
    wording : 0 for the plain sentence, up to `n_wordings` - 1.
    """
    grammar = _grammar(content_type)
    values, series = _values(grammar, number, exchange)
    order, quality, closing, opening, phrasings = 0, 0, 0, 0, 0
    if wording:
        wording, order = divmod(wording, len(grammar.orders))
        wording, quality = divmod(wording, len(QUALITIES))
        wording, closing = divmod(wording, len(CLOSINGS))
        phrasings, opening = divmod(wording, len(grammar.openings))
    phrases = [slot[value][phrasings >> k & 1] for k, (slot, value) in enumerate(zip(grammar.slots, values, strict=True))]
    text = " ".join(filter(None, (grammar.openings[opening], grammar.orders[order].format(*phrases))))
    text = ", ".join(filter(None, (text, series, QUALITIES[quality], CLOSINGS[closing])))
    return f"{text[0].upper()}{text[1:]}."


def _values(grammar: _Grammar, number: int, exchange: int) -> tuple[list[int], str]:
    """The value of each slot, and the words that number the sentence where its combination of values is used up."""
    sizes = [len(slot) - RESERVED for slot in grammar.slots]
    n_combinations = prod(sizes)
    round_, place = divmod(number, n_combinations)
    place = place * _stride(n_combinations) % n_combinations
    values = []
    for size in sizes:
        place, value = divmod(place, size)
        values.append(value)
    series = f"number {round_ + 1} of the series" if round_ else ""
    if exchange >= 0:
        reserved, slot = divmod(exchange, len(sizes))
        if reserved < RESERVED:
            values[slot] = sizes[slot] + reserved
        else:
            series = f"take {exchange - RESERVED * len(sizes) + 2} of number {round_ + 1}"
    return values, series


@cache
def _stride(n: int) -> int:
    """A step near the golden section of n that has no divisor in common with it: multiples of it, modulo n, are all different."""
    stride = max(1, round(n * _GOLDEN))
    while gcd(stride, n) != 1:
        stride += 1
    return stride
