"""Functions as providers: what they may return and raise, and what becomes of it."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading

import pytest

from sbsim import CallableProvider, ProviderError, SmartBatcher
from tests.live.test_batcher import config, run, wish


def deliveries(fn, n, takes="list", **settings):
    """What becomes of n requests, and the metrics after."""

    async def main():
        provider = CallableProvider(fn, takes=takes, name="shop")
        async with SmartBatcher(n, provider=provider, config=config(**settings)) as batcher:
            ends = await asyncio.gather(*(batcher.submit(wish(k, f"fox {k}")) for k in range(n)))
            return ends, batcher.get_performance_metrics()

    return run(main())


class _Studio:
    async def __call__(self, w):
        return w.prompt.upper()


async def shout(w):
    return w.prompt.upper()


@pytest.mark.parametrize(
    "fn", [shout, lambda w: shout(w), functools.partial(shout), functools.partial(lambda w: shout(w)), _Studio(), _Studio().__call__]
)
def test_whatever_can_be_awaited_is_awaited(fn):
    """The content is what an awaitable gives, never the awaitable, however the function is wrapped."""
    ends, _ = deliveries(fn, 1, takes="one")
    assert [(d.status, d.content) for d in ends] == [("delivered", "FOX 0")]


def test_what_is_returned_is_awaited_on_the_loop():
    """A plain function runs in a thread of its own; what it returns runs where the batcher does."""
    threads = []

    async def second():
        threads.append(threading.current_thread())
        return "content"

    def first(w):
        threads.append(threading.current_thread())
        return second()

    deliveries(first, 1, takes="one")
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()


def test_an_exception_in_a_list_is_the_failure_of_its_item_alone():
    """The others have their content; of the items without, each ends by its own kind, and what can be mended is asked for again."""
    calls = []

    def render(wishes):
        calls.append([w.id for w in wishes])
        said = {
            "r1": ProviderError("moderated", "no foxes"),
            "r2": KeyError("model"),
            "r3": ProviderError("transient", retry_after_s=0.2),
            "r4": None,
        }
        return [said[w.id] if len(calls) == 1 and w.id in said else w.prompt for w in wishes]

    (*ends,), metrics = deliveries(render, 5)
    assert [(d.status, d.content, d.reason) for d in ends] == [
        ("delivered", "fox 0", None),
        ("failed", None, "moderated"),
        ("failed", None, "permanent"),
        ("delivered", "fox 3", None),
        ("delivered", "fox 4", None),
    ]
    assert calls == [["r0", "r1", "r2", "r3", "r4"], ["r3", "r4"]]
    assert metrics["mean_latency_s"] > 0.1  # two of three waited as long as they were told


def test_an_exception_returned_is_an_exception_raised():
    """With one request a call, what comes back is judged alike, whichever way it comes."""
    for fault in (ProviderError("moderated", "no foxes"), ValueError("no such model")):

        def throw(w, fault=fault):
            raise fault

        returned, raised = deliveries(lambda w, fault=fault: fault, 1, takes="one"), deliveries(throw, 1, takes="one")
        assert returned[0] == raised[0]
        assert returned[0][0].status == "failed"


@pytest.mark.parametrize(
    ("fn", "reason", "detail"),
    [
        (lambda ws: [ValueError("no such model")] * len(ws), "permanent", "ValueError: no such model"),
        (
            lambda ws: {"r0": 1},
            "permanent",
            'ValueError: CallableProvider(fn, takes="list"): fn returned a dict of 1 for 1 requests; allowed: a list',
        ),
        (lambda ws: next(iter([])), "permanent", "StopIteration: "),
        (lambda ws: [ProviderError("moderated", "x" * 900)], "moderated", "ProviderError: " + "x" * 485),
        (lambda ws: [None], "missing", ""),
    ],
)
def test_a_failure_says_in_words_what_happened(fn, reason, detail):
    """`detail` holds the type and the text of what the function said last, 500 characters at most; `reason` stays a word."""
    ((end,), _) = deliveries(fn, 1)
    assert (end.status, end.reason) == ("failed", reason)
    assert end.detail.startswith(detail)
    assert len(end.detail) <= 500
    assert bool(end.detail) is bool(detail)


def test_the_last_words_count_and_only_for_whom_they_were_said():
    """A retry that fails in another way says so; whoever is delivered in the end, or shares a call with the culprit, carries no words."""
    n = []

    def one(w):
        n.append(w.id)
        raise ProviderError("transient", f"busy {len(n)}")

    ((end,), metrics) = deliveries(one, 1, takes="one", retry__max_attempts=3)
    assert (end.reason, end.detail) == ("transient", "ProviderError: busy 3")
    assert [metrics[name] for name in ("n_calls", "n_retries", "n_rate_limited", "retry_amplification")] == [3, 2, 0, 3.0]

    def many(wishes):
        if any(w.id == "r1" for w in wishes):
            raise ProviderError("permanent", f"refused {len(wishes)}")
        return [w.prompt for w in wishes]

    ends, _ = deliveries(many, 4)
    assert [(d.status, d.detail) for d in ends] == [
        ("delivered", ""), ("failed", "ProviderError: refused 1"), ("delivered", ""), ("delivered", ""),
    ]  # fmt: skip


def test_what_a_provider_says_is_logged_without_what_was_asked(caplog):
    """A ProviderError is a warning, anything else an error with its traceback, both of `sbsim.live`; no prompt is in either."""
    with caplog.at_level(logging.DEBUG, "sbsim.live"):
        deliveries(lambda ws: [ProviderError("moderated", "against the rules"), ValueError("no such model")], 2)

        def broken(w):
            raise RuntimeError("socket gone")

        deliveries(broken, 1, takes="one")
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("sbsim.live", "WARNING", "provider 'shop': ProviderError: against the rules"),
        ("sbsim.live", "ERROR", "provider 'shop': ValueError: no such model"),
        ("sbsim.live", "ERROR", "provider 'shop': RuntimeError: socket gone"),
    ]
    assert [bool(r.exc_info) for r in caplog.records] == [False, True, True]
    assert "in broken" in caplog.text
    assert "fox" not in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "bogus"}, "not one of rate_limited, transient, permanent, moderated$"),
        ({"kind": "timed_out"}, "try raising TimeoutError, or"),
        ({"kind": "partial"}, "try returning a list with an exception or None"),
        ({"kind": []}, r"\[\] is not one of"),
        ({"kind": "transient", "retry_after_s": "5"}, "finite number of seconds"),
        ({"kind": "transient", "retry_after_s": -1.0}, "finite number of seconds"),
        ({"kind": "transient", "retry_after_s": float("inf")}, "finite number of seconds"),
        ({"kind": "transient", "retry_after_s": True}, "finite number of seconds"),
    ],
)
def test_a_provider_error_says_only_what_means_something(options, message):
    """Another kind, or a pause that is none, is refused where it is made, and not deep inside the pipeline."""
    with pytest.raises(ValueError, match=message):
        ProviderError(**options)


@pytest.mark.parametrize("fault", [TimeoutError("no answer"), ValueError("a bug"), StopIteration()])
def test_what_nobody_meant_to_raise_is_sent_nowhere_again(fault):
    """Nobody knows what was done when it came: what may have been paid is not tried a second time, alone or in halves."""
    calls = []

    async def one(w):
        calls.append(w.id)
        raise fault

    def many(ws):
        calls.append([w.id for w in ws])
        raise fault

    said = f"{type(fault).__name__}: {fault}"
    for fn, n, takes, sent in ((many, 4, "list", ["r0", "r1", "r2", "r3"]), (one, 1, "one", "r0")):
        if takes == "one" and isinstance(fault, StopIteration):
            continue  # Python itself turns it into a RuntimeError
        ends, _ = deliveries(fn, n, takes=takes, cache__negative_ttl=60.0)
        assert {(end.reason, end.detail) for end in ends} == {("permanent", said)}
        assert calls.pop() == sent
        assert not calls


def test_what_can_be_awaited_in_a_list_is_awaited():
    """A list of coroutines gives their contents, and what one of them raises is its item's own failure."""

    async def draw(w):
        if w.id == "r1":
            raise ProviderError("moderated", "no foxes")
        return w.prompt

    ends, _ = deliveries(lambda ws: [draw(w) for w in ws], 3)
    assert [(end.content, end.detail) for end in ends] == [("fox 0", ""), (None, "ProviderError: no foxes"), ("fox 2", "")]
