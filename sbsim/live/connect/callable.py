"""A provider that is a Python function: the smallest way to run live, and the one to embed an SDK of one's own in."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

from sbsim.errors import ProviderError, ScenarioError
from sbsim.live.connect.connection import Explained
from sbsim.live.doors import listed, misplaced
from sbsim.records import Call, ContentRequest, Outcome
from sbsim.scenario import ANY, ProviderSpec

_LOG = logging.getLogger("sbsim.live")
_LONGEST = 500
"""Characters of what a provider said that are kept."""


class CallableProvider:
    """Calls `fn` for content.

    Parameters
    ----------
    fn : plain or async function. With `takes="one"` it is given a `ContentRequest` and returns its content; with "list" it is given a list of
        requests and returns a list of contents in their order. A plain function runs in a thread; what it returns is awaited where it can be.
    takes : "one" or "list". max_items : items in a list at most.
    price : a scenario's `price` mapping, such as {"rates": [{"per": "second", "usd": 0.1}]}; None: cost unknown, counted as 0.
    limits : a scenario's `limits` list. name : of the lane.

    Raises
    ------
    ScenarioError
        When fn is no function, or price or limits mean nothing.

    Notes
    -----
    What happened to a call is said by raising `ProviderError` with its kind. A call of several items that it calls permanent or moderated is halved,
    and its halves are sent, until it is known which item is to blame. Anything else that is raised, a TimeoutError included, says nothing of what was
    done: it counts as permanent for every item, and nothing is sent again that may have been paid.

    What happened to some of a list's items is said in the list, and the others have their content: an exception in an item's place counts as if
    raised for it alone (`asyncio.gather(…, return_exceptions=True)` gives such lists), what can be awaited is, and None means that it has none and is
    asked for again.

    What was said is logged as `sbsim.live`, a ProviderError as a warning, anything else as an error with its traceback, and the last of it is the
    `detail` of a delivery that failed.
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
        if not callable(fn):
            raise misplaced("CallableProvider: fn", fn, "function")
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
                "price": {"rates": []} if price is None else dict(price) if isinstance(price, Mapping) else price,
                "latency": {"total": 1.0},
                "limits": [dict(limit) if isinstance(limit, Mapping) else limit for limit in listed("CallableProvider: limits", limits, "limit")],
            }
        )
        self.spec = spec.model_copy(update={"serves": spec.serves.model_copy(update={"content_type": ANY})})
        self._fn = fn
        self._is_async = inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004  # an object may be one

    async def send(self, call: Call, wishes: Sequence[ContentRequest], accepted: Callable[[Any], None]) -> Outcome:
        """One attempt; `wishes` are the first waiters' requests of the call's items, in its order."""
        is_list, n = self.spec.api.takes == "list", len(wishes)
        answer = await self._answer(list(wishes) if is_list else wishes[0])
        if isinstance(answer, ProviderError):
            return Explained(dict.fromkeys(range(n), self._told(answer)), answer.kind, retry_after_s=answer.retry_after_s)
        contents = answer if is_list else [answer]
        if isinstance(answer, BaseException) or not isinstance(contents, Sequence) or isinstance(contents, (str, bytes)) or len(contents) != n:
            said = self._told(answer if isinstance(answer, BaseException) else _misshapen(contents, n))
            return Explained(dict.fromkeys(range(n), said), failures=[(index, "permanent") for index in range(n)])  # nobody knows what was done
        if any(map(inspect.isawaitable, contents)):
            contents = await asyncio.gather(*map(_awaited, contents), return_exceptions=True)
        faults = {index: content for index, content in enumerate(contents) if content is None or isinstance(content, BaseException)}
        words = {index: self._told(fault) for index, fault in faults.items() if fault is not None}
        failures = [(index, _kind(fault)) for index, fault in faults.items()]
        return Explained(words, None, failures, contents, max(map(_wait_s, faults.values()), default=0.0))

    async def _answer(self, given: Any) -> Any:
        """What the function returned, or raised."""
        try:
            if self._is_async:
                return await self._fn(given)
            answer = await asyncio.get_running_loop().run_in_executor(None, _returned, self._fn, given)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:
            return error

    def _told(self, fault: BaseException) -> str:
        """What it says, in words; the log has it too, with a traceback where nobody meant it."""
        words = f"{type(fault).__name__}: {fault}"[:_LONGEST]
        if isinstance(fault, ProviderError):
            _LOG.warning("provider %r: %s", self.spec.name, words)
        else:
            _LOG.error("provider %r: %s", self.spec.name, words, exc_info=fault)
        return words


def _returned(fn: Callable[[Any], Any], given: Any) -> Any:
    """What `fn` returns, or the StopIteration that it raises: no future can carry one, and whoever waits would do so for ever."""
    try:
        return fn(given)
    except StopIteration as error:
        return error


async def _awaited(content: Any) -> Any:
    return await content if inspect.isawaitable(content) else content


def _kind(fault: BaseException | None) -> str:
    return "missing" if fault is None else fault.kind if isinstance(fault, ProviderError) else "permanent"


def _wait_s(fault: BaseException | None) -> float:
    return fault.retry_after_s if isinstance(fault, ProviderError) else 0.0


def _misshapen(contents: object, n: int) -> ValueError:
    """What is wrong with an answer that does not fit the request."""
    size = f" of {len(contents)}" if isinstance(contents, Sized) else ""
    return ValueError(
        f'CallableProvider(fn, takes="list"): fn returned a {type(contents).__name__}{size} for {n} requests; allowed: a list or tuple of their '
        "contents, in their order; try list(…), with None or an exception where one has none"
    )
