"""What the driver asks of a connection and of a tier, and how a connection says in words what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sbsim.pipeline.actions import Fetch, Store
from sbsim.records import Call, ContentRequest, Entry, Outcome
from sbsim.scenario import ProviderSpec


class Connection(Protocol):
    """How a lane is reached. `send` tells of an accepted job through `accepted` and returns the attempt's outcome; it raises nothing."""

    @property
    def spec(self) -> ProviderSpec: ...

    async def send(self, call: Call, wishes: Sequence[ContentRequest], accepted: Any) -> Outcome: ...


class TierConnection(Protocol):
    """How a lower cache tier is reached; both raise nothing."""

    async def fetch(self, fetch: Fetch) -> Entry | None: ...

    async def store(self, store: Store) -> None: ...


class Explained(Outcome):
    """An outcome with what the provider said of the items that have no content: `words`, by their places in the call."""

    __slots__ = ("words",)

    def __init__(
        self,
        words: Mapping[int, str],
        error: str | None = None,
        failures: Sequence[tuple[int, str]] = (),
        contents: Sequence[Any] | None = None,
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(error, failures, contents=contents, retry_after_s=retry_after_s)
        self.words = words
