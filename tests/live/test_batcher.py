"""The asyncio driver with functions as providers, on the real clock."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from sbsim import BatchingConfig, CallableProvider, ContentRequest, ProviderError, ScenarioError, SmartBatcher, StateError


def config(**values):
    return BatchingConfig().with_values(
        {
            "batching.max_wait": 0.02,
            "rate_limit.batch_pacing_interval": 0.0,
            "queue.initial_service_s": 0.01,
            "retry.base": 0.001,
            "rate_limit.max_requests": None,
        }
        | {name.replace("__", "."): value for name, value in values.items()}
    )


def wish(k, prompt="a red fox", **fields):
    return ContentRequest(f"r{k}", "image", prompt=prompt, engine="e", **fields)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_a_request_gets_its_own_content():
    """Each request gets what was made for its own prompt, never another's of the same call (INV-7)."""

    async def main():
        provider = CallableProvider(lambda wishes: [f"picture of {w.prompt}" for w in wishes], takes="list")
        async with SmartBatcher(provider=provider, config=config()) as batcher:
            return await asyncio.gather(*(batcher.submit(wish(k, f"fox {k % 7}")) for k in range(40)))

    deliveries = run(main())
    assert [d.content for d in deliveries] == [f"picture of fox {k % 7}" for k in range(40)]
    assert {d.status for d in deliveries} == {"delivered"}
    assert {d.source for d in deliveries} == {"provider", "coalesced"}


def test_what_was_made_is_reused_and_billed_once():
    """The second wish for the same content is a hit: no second call, no cost."""
    calls = []

    async def render(w):
        calls.append(w.id)
        return w.prompt.upper()

    async def main():
        provider = CallableProvider(render, price={"rates": [{"per": "item", "usd": 0.04}]})
        async with SmartBatcher(provider=provider, config=config()) as batcher:
            return [await batcher.submit(wish(k)) for k in range(3)]

    first, second, third = run(main())
    assert calls == ["r0"]
    assert (first.source, second.source, third.source) == ("provider", "memory", "memory")
    assert (first.cost_usd, second.cost_usd) == (pytest.approx(0.04), 0.0)


def test_tenants_and_refusers_of_reuse_never_share():
    """Contents of two tenants, and of whoever wants his own, are made apart."""
    n = []

    async def main():
        async with SmartBatcher(provider=CallableProvider(lambda w: n.append(1) or len(n)), config=config()) as batcher:
            return await asyncio.gather(
                batcher.submit(wish(0, tenant="a")), batcher.submit(wish(1, tenant="b")), batcher.submit(wish(2, tenant="a", allow_reuse=False))
            )

    assert len({d.content for d in run(main())}) == 3


def test_an_input_known_by_its_address_alone_is_never_reused():
    """What stands behind an address may change: the same wish is made anew each time, and nothing is remembered of it."""
    n = []

    async def main():
        async with SmartBatcher(provider=CallableProvider(lambda w: n.append(1) or len(n)), config=config()) as batcher:
            wishes = [wish(k, inputs=["https://example.com/cat.png"]) for k in range(3)]
            deliveries = [await batcher.submit(w) for w in wishes]
            return deliveries, len(batcher.driver.pipeline.cache)

    deliveries, n_kept = run(main())
    assert [d.source for d in deliveries] == ["provider"] * 3
    assert n_kept == 0


def test_trouble_is_retried_when_the_provider_says_so_and_only_then():
    """A transient error is tried again; an unknown exception is not: it may have been paid for."""
    attempts = {"shaky": 0, "broken": 0}

    async def render(w):
        attempts[w.prompt] += 1
        if w.prompt == "broken":
            raise ZeroDivisionError
        if attempts["shaky"] < 3:
            raise ProviderError("transient")
        return "done"

    async def main():
        async with SmartBatcher(provider=CallableProvider(render), config=config()) as batcher:
            return await asyncio.gather(batcher.submit(wish(0, "shaky")), batcher.submit(wish(1, "broken")))

    shaky, broken = run(main())
    assert (shaky.status, attempts["shaky"]) == ("delivered", 3)
    assert (broken.status, broken.reason, attempts["broken"]) == ("failed", "permanent", 1)


def test_an_item_without_content_is_asked_for_again_alone():
    """None in a list of contents means that this item has none: it goes again, the others are delivered."""
    seen = []

    def render(wishes):
        seen.append([w.prompt for w in wishes])
        return [None if w.prompt == "b" and len(seen) == 1 else w.prompt for w in wishes]

    async def main():
        async with SmartBatcher(provider=CallableProvider(render, takes="list"), config=config()) as batcher:
            return await asyncio.gather(*(batcher.submit(wish(k, p)) for k, p in enumerate("abc")))

    assert [d.content for d in run(main())] == ["a", "b", "c"]
    assert seen[1:] == [["b"]]


def test_a_list_of_the_wrong_length_delivers_nothing():
    """Whose content is whose cannot be told, so nobody gets any."""

    async def main():
        async with SmartBatcher(provider=CallableProvider(lambda wishes: ["x"], takes="list"), config=config()) as batcher:
            return await asyncio.gather(*(batcher.submit(wish(k, p)) for k, p in enumerate("ab")))

    assert [d.status for d in run(main())] == ["failed", "failed"]


def test_a_cancelled_caller_harms_nobody_else():
    """One of two waiters for the same content gives up; the other gets it."""

    async def main():
        release = asyncio.Event()

        async def render(w):
            await release.wait()
            return "done"

        async with SmartBatcher(provider=CallableProvider(render), config=config(batching__max_wait=0.0)) as batcher:
            leader = asyncio.create_task(batcher.submit(wish(0)))
            joiner = asyncio.create_task(batcher.submit(wish(1)))
            await asyncio.sleep(0.01)
            leader.cancel()
            await asyncio.sleep(0.01)
            release.set()
            with pytest.raises(asyncio.CancelledError):
                await leader
            delivery = await joiner
            return delivery, batcher.snapshot()

    delivery, snapshot = run(main())
    assert (delivery.status, delivery.content) == ("delivered", "done")
    assert (snapshot["n_cancelled"], snapshot["n_delivered"], snapshot["n_pending"]) == (1, 1, 0)


def test_concurrency_is_never_exceeded():
    """No more functions run at once than the setting allows."""
    now, most, lock = [0], [0], threading.Lock()

    def render(w):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1
        return w.prompt

    async def main():
        async with SmartBatcher(provider=CallableProvider(render), config=config(rate_limit__concurrency=3)) as batcher:
            return await asyncio.gather(*(batcher.submit(wish(k, str(k))) for k in range(20)))

    assert all(d.status == "delivered" for d in run(main()))
    assert most[0] == 3


def test_close_sends_what_waits_and_refuses_what_comes():
    """`close` flushes open groups and waits for them; afterwards a submit is a StateError."""

    async def main():
        batcher = SmartBatcher(provider=CallableProvider(lambda w: w.prompt), config=config(batching__max_wait=3600))
        waiting = batcher.submit_nowait(wish(0, deadline_s=None))
        assert not waiting.done()
        await batcher.close()
        with pytest.raises(StateError, match="closed"):
            batcher.submit_nowait(wish(1))
        return waiting.result()

    assert run(main()).status == "delivered"


def test_nobody_waits_for_ever_on_a_provider_that_never_answers():
    """`close(drain)` ends: whoever still waits then is answered cancelled."""

    async def main():
        async def never(w):
            await asyncio.Event().wait()

        batcher = SmartBatcher(provider=CallableProvider(never), config=config(batching__max_wait=0.0))
        waiting = batcher.submit_nowait(wish(0))
        await batcher.close(drain=0.05)
        return waiting.result()

    assert run(main()).status == "cancelled"


def test_misuse_is_said_plainly():
    """No provider, a wrong `takes`, a wrong price: one clear message each."""
    with pytest.raises(StateError, match=r"CallableProvider.*HttpProvider.*BatchProvider"):
        run(SmartBatcher().submit(wish(0)))
    with pytest.raises(ScenarioError, match="takes"):
        CallableProvider(print, takes="many")
    with pytest.raises(ScenarioError, match="usd"):
        CallableProvider(print, price={"rates": [{"per": "item", "usd": "dear"}]})


def test_a_batcher_belongs_to_the_loop_that_first_used_it():
    """Used from a second loop it says so instead of mixing the two."""
    batcher = SmartBatcher(provider=CallableProvider(lambda w: w.prompt), config=config())

    async def once():
        return await batcher.submit(wish(0))

    assert asyncio.run(once()).status == "delivered"
    with pytest.raises(StateError, match="another event loop"):
        asyncio.run(once())


def test_calendar_windows_follow_the_wall_clock(monkeypatch):
    """A budget that resets at midnight UTC is whole again when the wall clock says so: the batcher's time 0 is half a second before that here."""
    monkeypatch.setattr("sbsim.live.batcher.time.time", lambda: 20_000 * 86400.0 - 0.5)

    async def main():
        provider = CallableProvider(lambda w: w.prompt, price={"rates": [{"per": "item", "usd": 1.0}]})
        budget = {"budget__limit": 1.0, "budget__window": "24h", "budget__resets": "00:00 UTC"}
        async with SmartBatcher(provider=provider, config=config(cache__memory_size=0, **budget)) as batcher:
            start_at, instants = time.monotonic(), []
            for k in range(2):
                await batcher.submit(wish(k, f"fox {k}"))
                instants.append(time.monotonic() - start_at)
            return instants

    first_s, second_s = run(main())
    assert first_s < 0.4
    assert 0.4 < second_s < 5


def test_nothing_is_sent_after_close():
    """What still waits for a slot when the drain is over is answered "cancelled" and never sent, though the call before it ends by that."""
    sent = []

    async def hang(w):
        sent.append(w.id)
        await asyncio.sleep(60)

    async def main():
        batcher = SmartBatcher(provider=CallableProvider(hang), config=config(rate_limit__concurrency=1))
        waiting = [asyncio.create_task(batcher.submit(wish(k, f"fox {k}"))) for k in range(3)]
        await asyncio.sleep(0.1)
        await batcher.close(drain=0.05)
        answers = await asyncio.gather(*waiting)
        await asyncio.sleep(0.1)
        return answers

    assert [answer.status for answer in run(main())] == ["cancelled"] * 3
    assert sent == ["r0"]


def test_whoever_is_cut_off_by_close_is_counted_and_money_in_flight_stays():
    """After `close` nobody is pending, and every request is delivered, failed, refused or cancelled: in flight, in the backlog, held, or given up."""
    sent = []

    async def hang(w):
        sent.append(w.id)
        await asyncio.sleep(0 if w.id == "r0" else 60)
        return w.prompt

    async def main():
        provider = CallableProvider(hang, price={"rates": [{"per": "item", "usd": 0.25}]})
        settings = config(batching__max_batch_size=1, queue__max_pending=2, budget__limit=10.0)
        batcher = SmartBatcher(provider=provider, config=settings)
        await batcher.submit(wish(0, "served"))
        waiting = [batcher.submit_nowait(wish(k, f"fox {k}")) for k in range(1, 6)]
        held = [await batcher.add_request(wish(k, f"owl {k}")) for k in range(6, 9)]
        await asyncio.sleep(0.1)
        waiting[1].cancel()  # whoever drops a future without a word is counted as well
        await batcher.close(drain=0.05)
        await asyncio.sleep(0.05)
        window = batcher.driver.pipeline.budget.accounts[0].window
        ends = [f.result() for f in (*waiting[:1], *waiting[2:], *held)]
        return ends, batcher.snapshot(), batcher.get_performance_metrics(), (window.spent_nano, window.reserved_nano)

    ends, snapshot, metrics, booked_nano = run(main())
    assert [(d.status, d.reason) for d in ends] == [("cancelled", "closed")] * 6 + [("refused", "queue_full")]
    assert sent == ["r0", "r1", "r2"]  # a place that becomes free by a cancellation is no reason to send
    outcomes = ("n_delivered", "n_failed", "n_refused", "n_cancelled")
    assert [snapshot[name] for name in outcomes] == [1, 0, 0, 5]
    assert (snapshot["n_submitted"], snapshot["n_pending"], snapshot["n_in_flight"]) == (6, 0, 2)
    assert [metrics[name] for name in outcomes] == [1, 0, 1, 7]  # what was held never reached the pipeline
    assert (metrics["n_requests"], metrics["n_pending"], metrics["n_held"], metrics["n_calls"]) == (9, 0, 0, 3)
    assert booked_nano == (250_000_000, 500_000_000)


def test_a_bug_found_in_a_submit_is_told_to_everybody():
    """An exception inside the pipeline, whichever input met it, ends every wait with a StateError (nobody waits for ever)."""

    async def hang(w):
        await asyncio.sleep(60)

    async def main():
        batcher = SmartBatcher(provider=CallableProvider(hang), config=config())
        first = asyncio.create_task(batcher.submit(wish(0)))
        await asyncio.sleep(0.05)
        batcher.driver.pipeline.submit = lambda request, *, now: 1 / 0
        with pytest.raises(ZeroDivisionError):
            await batcher.submit(wish(1, "another"))
        with pytest.raises(StateError, match="bug of ours"):
            await first
        await batcher.close(drain=0)

    run(main())


def test_a_call_in_doubt_is_repeated_with_the_same_body():
    """Where the provider knows keys, a call that timed out is sent again under its key with the very requests of its first sending."""
    bodies = []

    async def hang_once(wishes):
        bodies.append([w.id for w in wishes])
        if len(bodies) == 1:
            await asyncio.sleep(60)
        return [w.prompt for w in wishes]

    async def main():
        provider = CallableProvider(hang_once, takes="list")
        provider.spec = provider.spec.model_copy(update={"api": provider.spec.api.model_copy(update={"idempotency": "key"})})
        batcher = SmartBatcher(provider=provider, config=config(retry__call_timeout=0.3, batching__max_batch_size=2, queue__initial_service_s=0.01))
        leaving, staying = (asyncio.create_task(batcher.submit(wish(k, f"fox {k}"))) for k in range(2))
        await asyncio.sleep(0.1)
        leaving.cancel()
        answer = await staying
        await batcher.close(drain=0)
        return answer

    assert run(main()).status == "delivered"
    assert bodies == [["r0", "r1"], ["r0", "r1"]]
