"""The memory of content as a thing of its own: by itself, or as the memory tier of a batcher."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from sbsim.components.cache import POLICIES
from sbsim.components.fingerprint import is_reusable
from sbsim.config import find_setting
from sbsim.errors import ScenarioError
from sbsim.live.connect.connection import TierConnection
from sbsim.live.connect.unconnected import connected
from sbsim.live.contents import Contents
from sbsim.live.doors import count, misplaced
from sbsim.pipeline.actions import Fetch
from sbsim.pipeline.lookup import Lookup
from sbsim.records import ContentRequest, Entry, Item, Request

_INDEXED = 10_000
"""Prompts that the index of near-duplicates holds at most, unless a batcher says otherwise."""


class CacheManager:
    """Content by what was asked for.

    `get`, `set` and `is_near_duplicate` are synchronous and see the memory tier; `await lookup(request)` sees the lower tiers too. Contents of two
    tenants are apart, and what may not be reused is never kept.

    Parameters
    ----------
    memory_size : entries at most; 0 keeps nothing. policy : which entry goes when it is full (see `cache.policy`; default lru).

    Attributes
    ----------
    settings : what was asked for, as settings of a batcher that takes this memory over.

    Raises
    ------
    ScenarioError
        When a parameter means nothing.
    """

    def __init__(self, memory_size: int = 1000, *, policy: str | None = None) -> None:
        memory_size = count("CacheManager: memory_size", memory_size, 1000)
        if policy is not None and policy not in tuple(POLICIES):
            raise ScenarioError(f"CacheManager: policy: {policy!r} is not one of {', '.join(POLICIES)}")
        self.settings: dict[str, Any] = {"cache.memory_size": memory_size, **({} if policy is None else {"cache.policy": policy})}
        self._lookup = Lookup(POLICIES[policy or "lru"](memory_size))
        self._contents = Contents(connected(None, ())[1], "strict", lambda: memory_size)
        self._tiers: Sequence[TierConnection] = ()
        started_at = time.monotonic()
        self._now: Callable[[], float] = lambda: time.monotonic() - started_at

    def __len__(self) -> int:
        return len(self._lookup.cache)

    def get_cache_key(self, request: ContentRequest) -> str:
        """The exact identity of what is asked for: the same text in every process. Raises ScenarioError when it is no ContentRequest."""
        if not isinstance(request, ContentRequest):
            raise misplaced("CacheManager: request", request, "ContentRequest")
        return self._contents.key(request)

    def get(self, request: ContentRequest) -> Any:
        """The content kept for `request`; None when there is none alive."""
        entry = self._lookup.cache.get(self.get_cache_key(request), self._now())
        return None if entry is None else entry.content

    def set(self, request: ContentRequest, content: Any, ttl: float | str | None = 3600.0) -> bool:
        """Keep `content` for `ttl` at most; whether it is kept. A batcher's own `cache.ttl` bounds it too.

        Parameters
        ----------
        ttl : seconds, or a duration as settings have it ("1h"); None: as long as there is room.

        Raises
        ------
        ValueError
            When content is None, which means "nothing kept".
        ScenarioError
            When request is no ContentRequest, or ttl no duration or below 0 s (a ValueError too).
        """
        if content is None:
            raise ValueError("CacheManager.set: content is None, which means that nothing is kept")
        self.get_cache_key(request)  # refuses what is no request, or has no identity
        ttl_s = _read("set", "ttl", "cache.ttl", ttl)
        if not is_reusable(request):
            return False
        now = self._now()
        wanted = self._contents.of(request)
        expires_at = inf if ttl_s is None else now + ttl_s
        self._lookup.put(Entry(wanted.key, expires_at, content, cost_nano=wanted.individual_nano, serial=wanted.serial), wanted, now)
        return wanted.key in self._lookup.cache

    def is_near_duplicate(self, request: ContentRequest, threshold: float = 0.8) -> bool:
        """Whether something kept would do for `request`: its very content, or one of the same meaning in other words.

        It works whether or not a batcher reuses near-duplicates (`cache.near_duplicates`). The index of prompts is built from the memory tier on
        first use and kept from then on.

        Parameters
        ----------
        threshold : likeness of the prompts from which they count as the same, 0.5 to 1.

        Raises
        ------
        ScenarioError
            When request is no ContentRequest, or threshold anything else.
        """
        self.get_cache_key(request)  # refuses what is no request, or has no identity
        threshold = _read("is_near_duplicate", "threshold", "cache.near_duplicate_threshold", threshold)
        now, cache = self._now(), self._lookup.cache
        if not is_reusable(request):
            return False
        content = self._contents.of(request)
        if cache.get(content.key, now) is not None:
            return True
        index = self._contents.index(self._lookup, threshold, _INDEXED)
        usual = index.threshold
        index.threshold = threshold
        try:
            return any(cache.get(key, now) is not None for key in index.neighbours(content))
        finally:
            index.threshold = usual

    async def lookup(self, request: ContentRequest) -> Any:
        """The content kept for `request` in any tier; None when there is none. What a lower tier has comes up into memory."""
        kept = self.get(request)
        if kept is not None or not is_reusable(request):
            return kept
        content = self._contents.of(request)
        now = self._now()
        item = Item(Request(-1, now, inf, 2, content))
        for number, tier in enumerate(self._tiers):
            entry = await tier.fetch(Fetch(number, item, content.key, -1, now + self._lookup.fetch_timeout_s))
            if entry is not None:
                self._lookup.remember(entry, content, self._now())
                return entry.content
        return None

    def serve(self, lookup: Lookup, contents: Contents, now: Callable[[], float], tiers: Sequence[TierConnection]) -> None:
        """From now on this is a batcher's memory, on its clock; what is kept moves in, with the life that it has left."""
        before, started_at = self._lookup.cache.entries(), self._now()
        for entry in before:
            wish = self._contents.wish(entry.key)
            if wish is not None and entry.expires_at > started_at:
                lookup.put(entry.until(now() + (entry.expires_at - started_at)), contents.of(wish), now())
        self._lookup, self._contents, self._now, self._tiers = lookup, contents, now, tiers


def _read(method: str, parameter: str, setting: str, given: Any) -> Any:
    """A parameter that means what a setting means. Raises ScenarioError."""
    try:
        return find_setting(setting).read(given)
    except ValueError as error:
        raise ScenarioError(f"CacheManager.{method}: {parameter}: {error}") from None
