"""Requests made ready for the inner loop: identity, compatibility class, shape and prices are found once per distinct content.

A simulation prepares in bulk, a live batcher one at a time, both through the same `Preparer`. It knows providers and prices, but no clock.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf

from sbsim.components.fingerprint import base_fingerprint, fingerprint
from sbsim.errors import ScenarioError
from sbsim.pricing import PriceBook
from sbsim.records import Content, ContentRequest, Facts, Offer
from sbsim.scenario import ANY, ProviderSpec


def serves(spec: ProviderSpec, facts: Facts) -> bool:
    """Whether a lane takes this content: its type, engine and, where it lists them, resolution and duration."""
    s = spec.serves
    return (
        s.content_type in (facts.content_type, ANY)
        and (s.engine is None or s.engine == facts.engine)
        and (not s.resolutions or facts.resolution in s.resolutions)
        and (not s.durations or facts.duration_s in s.durations)
    )


class Preparer:
    """Interns what many contents share.

    Parameters
    ----------
    providers : the lanes, in the scenario's order.
    normalise : "strict" or "loose", how the text of a prompt enters its fingerprint.
    keeps : whether `contents` grows (a simulation); a live batcher must not keep every content it ever saw.

    Attributes
    ----------
    contents : every content made so far, by serial. shapes : (resolution, style) by shape number. books : a price book per lane.
    """

    def __init__(self, providers: Sequence[ProviderSpec], *, normalise: str = "strict", keeps: bool = True) -> None:
        self.books = [PriceBook(spec) for spec in providers]
        self.contents: list[Content] = []
        self.shapes: list[tuple[str | None, tuple[tuple[str, Hashable], ...]]] = []
        self._keeps = keeps
        self._n_contents = 0
        self._providers = tuple(providers)
        self._normalise = normalise
        self._shape_of: dict[Hashable, int] = {}
        self._group_of: dict[Hashable, int] = {}
        self._priced: dict[Facts, tuple[tuple[Offer, ...], tuple[Offer, ...], int, int, int]] = {}

    def content(self, facts: Facts, key: Hashable, base: Hashable, tenant: Hashable, reusable: bool = True) -> Content:
        """A new content with the next serial; the caller sees to it that a key is prepared once. Raises ScenarioError when no lane serves it."""
        priced = self._priced.get(facts)
        if priced is None:
            priced = self._priced[facts] = self._price(facts)
        offers, slow_offers, individual_nano, shape, kind = priced
        lanes = offers[0].lane if len(offers) == 1 else tuple(sorted(offer.lane for offer in offers))
        group = self._number(self._group_of, (facts.content_type, facts.engine, tenant, lanes))
        content = Content(self._n_contents, key, base, facts, group, shape, offers, individual_nano, reusable, kind, slow_offers)
        self._n_contents += 1
        if self._keeps:
            self.contents.append(content)
        return content

    def facts(self, request: ContentRequest) -> Facts:
        """What providers need to know of `request`; one without an engine takes the first lane of its content type."""
        engine = request.engine
        if engine is None:
            engine = next((s.serves.engine or "" for s in self._providers if s.serves.content_type in (request.content_type, ANY)), "")
        style = tuple(sorted(request.style_params.items()))
        return Facts(
            request.content_type, engine, request.resolution, request.duration, style,
            request.units_in, request.units_out, request.max_units_out, len(request.inputs),
        )  # fmt: skip

    def identity(self, request: ContentRequest) -> tuple[str, str]:
        """(key, base): the exact identity of what is asked for, and the same without the variant."""
        return fingerprint(request, self._normalise), base_fingerprint(request, self._normalise)

    def normalise_by(self, normalise: str) -> None:
        """Another way to read prompts, from now on."""
        self._normalise = normalise

    def _price(self, facts: Facts) -> tuple[tuple[Offer, ...], tuple[Offer, ...], int, int, int]:
        """(offers, those of batch APIs where others exist, individual cost, shape, kind)."""
        lanes = [i for i, spec in enumerate(self._providers) if serves(spec, facts)]
        if not lanes:
            wanted = f"{facts.content_type} of engine {facts.engine!r}, resolution {facts.resolution}, duration {facts.duration_s:g} s"
            names = ", ".join(spec.name for spec in self._providers) or "none"
            raise ScenarioError(f"providers: none serves {wanted}; there are: {names}; try adding it to a provider's `serves`")
        alone = {lane: self.books[lane].alone_nano(facts) for lane in lanes}
        lanes.sort(key=lambda lane: (alone[lane], lane))
        slow = [lane for lane in lanes if self._providers[lane].api.style == "batch"]
        prompt = [lane for lane in lanes if lane not in slow] or slow
        offers = tuple(self.books[lane].offer(lane, facts) for lane in prompt)
        slow_offers = () if prompt is slow else tuple(self.books[lane].offer(lane, facts) for lane in slow)
        shape = self._number(self._shape_of, (facts.resolution, facts.style))
        if shape == len(self.shapes):
            self.shapes.append((facts.resolution, facts.style))
        return offers, slow_offers, alone[prompt[0]], shape, len(self._priced)

    @staticmethod
    def _number(numbers: dict[Hashable, int], key: Hashable) -> int:
        return numbers.setdefault(key, len(numbers))


def deadline_at(arrived_at: float, deadline_s: float | None) -> float:
    """The instant by which a request wants its content; inf for none."""
    return inf if deadline_s is None else arrived_at + deadline_s
