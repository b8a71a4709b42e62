"""A provider that is a Python function: the smallest way to run live, and the one to embed an SDK of one's own in."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sbsim.errors import ProviderError, ScenarioError
from sbsim.records import Call, ContentRequest, Outcome
from sbsim.scenario import ANY, ProviderSpec


class CallableProvider:
    """Calls `fn` for content.

    Parameters
    ----------
    fn : plain or async function. With `takes="one"` it is given a `ContentRequest` and returns its content; with "list" it is given a list of
        requests and returns a list of contents in their order; None in the list means that the item has none (it is asked for again). A plain
        function runs in a thread. It may raise `ProviderError` to say what happened; any other exception counts as permanent, so that nothing is
        sent again that may have been paid.
    takes : "one" or "list". max_items : items in a list at most.
    price : a scenario's `price` mapping, such as {"rates": [{"per": "second", "usd": 0.1}]}; None: cost unknown, counted as 0.
    limits : a scenario's `limits` list. name : of the lane.

    Raises
    ------
    ScenarioError
        When price or limits mean nothing.
    """

    def __init__(
        self,
        fn: Callable[[Any], Any],
        takes: str = "one",
        price: Mapping[str, Any] | None = None,
        *,
        max_items: int | None = None,
        limits: Sequence[Mapping[str, Any]] = (),
        name: str = "callable",
    ) -> None:
        if takes not in ("one", "list"):
            raise ScenarioError(f"CallableProvider: takes: {takes!r} is not one of one, list")
        api: dict[str, Any] = {"style": "sync", "takes": takes}
        if max_items is not None:
            api["max_items"] = max_items
        spec = ProviderSpec.from_mapping(
            {
                "name": name,
                "serves": {"content_type": "text"},
                "api": api,
                "price": dict(price) if price is not None else {"rates": []},
                "latency": {"total": 1.0},
                "limits": [dict(limit) for limit in limits],
            }
        )
        self.spec = spec.model_copy(update={"serves": spec.serves.model_copy(update={"content_type": ANY})})
        self._fn = fn
        self._is_async = inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004  # an object may be one

    async def send(self, call: Call, wishes: Sequence[ContentRequest], accepted: Callable[[Any], None]) -> Outcome:
        """One attempt; `wishes` are the first waiters' requests of the call's items, in its order."""
        given: Any = list(wishes) if self.spec.api.takes == "list" else wishes[0]
        try:
            answer = await self._call(given)
        except ProviderError as error:
            return Outcome(error.kind, retry_after_s=error.retry_after_s)
        except Exception:
            return Outcome("permanent")
        contents = answer if self.spec.api.takes == "list" else [answer]
        if not isinstance(contents, Sequence) or isinstance(contents, (str, bytes)) or len(contents) != len(wishes):
            return Outcome(failures=[(index, "permanent") for index in range(len(wishes))])  # nobody can say whose content is whose
        missing = [(index, "missing") for index, content in enumerate(contents) if content is None]
        return Outcome(failures=missing, contents=contents)

    def _call(self, given: Any) -> Awaitable[Any]:
        if self._is_async:
            result: Awaitable[Any] = self._fn(given)
            return result
        return asyncio.get_running_loop().run_in_executor(None, partial(self._fn, given))
