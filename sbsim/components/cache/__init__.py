"""Delivered content kept for the next who asks: a memory. One class per policy, one contract for all (`tests/contract/test_cache_policies.py`).

Contract. `get(key, now)` gives the live entry that was put last, or None; an entry is dead from its `expires_at` on (half-open), or `ttl_s` after it
was put if that is earlier. `put(entry, now)` keeps it within `max_entries` and `max_bytes`, the tighter counting, and says which other keys left for
it: the dead go before any that lives, then whichever the policy values least. An entry that alone is too large is not kept, and neither is what it
replaces. What is put in place of a live entry is a newcomer like any other.

It holds references and inline values and knows nothing of either. Keys carry the tenant, so tenants are apart. Nothing depends on `hash()`.
"""

from sbsim.components.cache.cache import Cache
from sbsim.components.cache.lru import LruCache
from sbsim.components.cache.ranked import GdsfCache, LfuCache
from sbsim.components.cache.sieve import SieveCache
from sbsim.components.cache.tiny_lfu import TinyLfuCache

POLICIES: dict[str, type[Cache]] = {"lru": LruCache, "lfu": LfuCache, "sieve": SieveCache, "w_tinylfu": TinyLfuCache, "gdsf": GdsfCache}
"""Policy by the name of `cache.policy`."""

__all__ = ["POLICIES", "Cache", "GdsfCache", "LfuCache", "LruCache", "SieveCache", "TinyLfuCache"]
