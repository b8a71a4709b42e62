"""Contents that a batcher has prepared lately, by key: a shortcut for what is asked for again, and the words by which near-duplicates are found."""

from __future__ import annotations

from collections.abc import Callable

from sbsim.components.fingerprint import is_reusable, scope_fingerprint
from sbsim.components.near_duplicates import NeighbourIndex, Scorer, Text, read
from sbsim.errors import ScenarioError
from sbsim.pipeline.lookup import Lookup
from sbsim.pipeline.prepare import Preparer
from sbsim.records import Content, ContentRequest
from sbsim.scenario import ProviderSpec

_KEPT_PER_ENTRY, _KEPT_AT_LEAST = 4, 1024
"""Contents kept per entry of the memory tier, and in any case: whoever falls out is prepared again when needed."""


class Contents:
    """Prepares requests one at a time.

    Parameters
    ----------
    providers : the lanes. normalise : see `Preparer`. memory_size : gives the entries of the memory tier at most.
    scorer : the judge of near-duplicates; None: the words.

    Attributes
    ----------
    is_unpriced : whether no lane has a price list, so that a request's estimate is its price.
    """

    def __init__(self, providers: list[ProviderSpec], normalise: str, memory_size: Callable[[], int], scorer: Scorer | None = None) -> None:
        self.preparer = Preparer(providers, normalise=normalise, keeps=False)
        self._providers = providers
        self._normalise = normalise
        self._memory_size = memory_size
        self._scorer = scorer
        self.is_unpriced = not any(spec.price.rates for spec in providers)
        self._known: dict[str, tuple[Content, ContentRequest]] = {}
        self._texts: dict[str, Text | None] = {}
        self._n_own = 0

    def of(self, request: ContentRequest) -> Content:
        """What `request` asks for. Raises ScenarioError when no lane serves it, or it has no canonical form."""
        key, base = self._identity(request)
        estimated_usd = request.estimated_cost if self.is_unpriced else None
        known = self._known.get(key)
        if known is not None and known[0].facts.estimated_usd == estimated_usd:
            return known[0]
        facts = self.preparer.facts(request)._replace(estimated_usd=estimated_usd)
        if not is_reusable(request):
            self._n_own += 1
            return self.preparer.content(facts, f"{key}/{self._n_own}", base, request.tenant, reusable=False)
        content = self.preparer.content(facts, key, base, request.tenant)
        self._known[key] = content, request
        if len(self._known) > max(_KEPT_PER_ENTRY * self._memory_size(), _KEPT_AT_LEAST):
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._texts.pop(oldest, None)
        return content

    def key(self, request: ContentRequest) -> str:
        """The exact identity of what is asked for."""
        return self._identity(request)[0]

    def wish(self, key: object) -> ContentRequest | None:
        """The request that a content of this key was prepared for; None where it is not known any more."""
        known = self._known.get(str(key))
        return None if known is None else known[1]

    def normalise_by(self, normalise: str) -> None:
        """Another way to read prompts: what is known so far was read by the one before."""
        if normalise == self._normalise:
            return
        self._normalise = normalise
        self.preparer.normalise_by(normalise)
        self._known.clear()
        self._texts.clear()

    def _identity(self, request: ContentRequest) -> tuple[str, str]:
        try:
            return self.preparer.identity(request)
        except ValueError as error:  # what a request holds in its style or its inputs is seen first here
            raise ScenarioError(str(error)) from None

    def text_of(self, content: Content) -> Text | None:
        """The words of a content's prompt; None where it has none, or is not known any more."""
        key = content.key
        if not isinstance(key, str) or key not in self._known:
            return None
        if key not in self._texts:
            request = self._known[key][1]
            scope = scope_fingerprint(request, self._normalise)
            self._texts[key] = None if scope is None else read(request.prompt, scope)
        return self._texts[key]

    def empty_index(self, threshold: float, max_entries: int) -> NeighbourIndex:
        """An index of these contents' prompts, with nothing in it."""
        return NeighbourIndex(self.text_of, threshold, max_entries, self._scorer)

    def index(self, lookup: Lookup, threshold: float, max_entries: int) -> NeighbourIndex:
        """The index of what the memory tier holds now, from then on kept by `lookup`."""
        if isinstance(lookup.near, NeighbourIndex):
            return lookup.near
        index = self.empty_index(threshold, max_entries)
        for entry in lookup.cache.entries():
            known = self._known.get(str(entry.key))
            if known is not None:
                index.put(known[0])
        lookup.near = index
        return index
