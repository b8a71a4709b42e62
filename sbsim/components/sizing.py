"""How many items a batch may hold at most: a policy. `fixed` takes the setting as it stands; sizes that are reckoned come with part 3."""

from __future__ import annotations


def fixed(max_batch_size: int) -> int:
    """The size that is set, in items."""
    return max_batch_size
