"""The cycle collector of Python, told to rest where it would find nothing.

Preparing a workload and running it make millions of objects that live until the end and that reference counting frees; whoever looks for cycles among
them, time and again, takes a quarter of a run and half of a preparation.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Without the collector; with it again afterwards, if it was on."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
