"""The classic names, in process: what they return, and that they are the same pipeline."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest

import sbsim
from sbsim import (
    BatchingConfig,
    CacheManager,
    CallableProvider,
    ContentRequest,
    CostAnalyzer,
    PriorityQueue,
    RateLimiter,
    ScenarioError,
    SmartBatcher,
    SmartBatchingIntegration,
    StateError,
)

QUICK = {
    "batching.max_wait": 3600.0,
    "rate_limit.batch_pacing_interval": 0.0,
    "queue.initial_service_s": 0.01,
    "retry.base": 0.001,
    "rate_limit.max_requests": None,
}
PRICE = {"rates": [{"per": "item", "usd": 0.04}, {"per": "call", "usd": 0.1}]}


def quick(**values):
    return BatchingConfig().with_values(QUICK | {name.replace("__", "."): value for name, value in values.items()})


def pictures(calls=None, **options):
    def render(wishes):
        if calls is not None:
            calls.append([w.id for w in wishes])
        return [f"picture of {w.prompt}" for w in wishes]

    return CallableProvider(render, takes="list", **{"price": PRICE, **options})


def wish(k, prompt=None, **fields):
    return ContentRequest(f"r{k}", "image", prompt=prompt or f"fox {k}", engine="e", **fields)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


# -- held requests -------------------------------------------------------------------------------------------------------------
def test_what_is_added_is_held_until_its_batch_is_processed():
    """Nothing is sent before `process_batch`, whatever the wait; then the batch goes in one call and every request has its own content."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick(batching__max_wait=0.0)) as batcher:
            answers = [await batcher.add_request(wish(k)) for k in range(3)]
            (batch,) = await batcher.build_optimal_batches()
            await asyncio.sleep(0.02)
            assert not calls
            assert await batcher.build_optimal_batches() == [batch]  # it is still there
            done = await batcher.process_batch(batch)
            return batch, done, [await answer for answer in answers]

    batch, done, answers = run(main())
    assert calls == [["r0", "r1", "r2"]]
    assert [w.id for w in batch.requests] == ["r0", "r1", "r2"]
    assert (done["batch_id"], done["succeeded"], done["failed"]) == (batch.id, 3, 0)
    assert done["cost_usd"] == pytest.approx(0.22)
    assert {k: d.content for k, d in done["results"].items()} == {f"r{k}": f"picture of fox {k}" for k in range(3)}
    assert answers == list(done["results"].values())


def test_batches_keep_to_size_and_similarity_and_share_equal_contents():
    """Two wishes for one content are one item; no batch is larger than the setting, none mixes engines."""

    async def main():
        async with SmartBatcher(3, provider=pictures(), config=quick()) as batcher:
            for k in range(4):
                await batcher.add_request(wish(k))
            await batcher.add_request(wish(9, "fox 0"))
            await batcher.add_request(ContentRequest("other", "image", prompt="x", engine="e", tenant="another"))
            return await batcher.build_optimal_batches()

    batches = run(main())
    assert sorted(len(b.items) for b in batches) == [1, 1, 3]
    assert sorted(w.id for w in batches[0].requests) == ["r0", "r1", "r2", "r9"]


def test_optimal_batches_cost_no_more_than_greedy_ones():
    """Five of 300 dollars and five of 200 under 500 a batch: greedy formation leaves gaps, the packer fills every batch with one of each."""

    def plan(formation):
        async def main():
            price = {"rates": [{"per": "second", "usd": 100.0}, {"per": "call", "usd": 7.0}]}
            batcher = SmartBatcher(max_batch_cost=520.0, provider=pictures(price=price), config=quick(batching__formation=formation))
            batcher.similarity_threshold = 0.0
            for k in range(10):
                await batcher.add_request(wish(k, duration=3.0 if k < 5 else 2.0))
            found = batcher.get_cost_benefit_analysis()
            batches = await batcher.build_optimal_batches()
            done = [await batcher.process_batch(batch) for batch in batches]
            assert sum(each["succeeded"] for each in done) == 10
            assert sum(each["cost_usd"] for each in done) == pytest.approx(found["batch_cost"])
            await batcher.close()
            return len(batches), found["batch_cost"]

        return run(main())

    (n_greedy, greedy), (n_optimal, optimal) = plan("greedy"), plan("optimal")
    assert (n_optimal, n_greedy) == (5, 7)
    assert optimal == pytest.approx(greedy - 2 * 7.0)


def test_a_released_batch_passes_cache_and_budget():
    """What memory has is not sent again; what no budget can ever pay fails without a call."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick(batching__max_wait=0.0)) as batcher:
            await batcher.submit(wish(0))
            for k in range(2):
                await batcher.add_request(wish(k + 5, f"fox {k}"))
            (batch,) = await batcher.build_optimal_batches()
            done = await batcher.process_batch(batch)
            batcher.update({"budget": {"limit": 0.01}})
            await batcher.add_request(wish(7))
            (poor,) = await batcher.build_optimal_batches()
            return done, await batcher.process_batch(poor)

    done, poor = run(main())
    assert calls == [["r0"], ["r6"]]
    assert [d.source for d in done["results"].values()] == ["memory", "provider"]
    assert (poor["succeeded"], poor["failed"], poor["results"]["r7"].status) == (0, 1, "failed")


def test_submitted_requests_are_never_held_and_held_ones_never_join_them():
    """A submit goes its own way while others are held."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick(batching__max_wait=0.0)) as batcher:
            await batcher.add_request(wish(1))
            await batcher.submit(wish(2))
            return batcher.get_performance_metrics()

    metrics = run(main())
    assert calls == [["r2"]]
    assert (metrics["n_held"], metrics["n_delivered"]) == (1, 1)


def test_a_batch_is_processed_once_and_ids_are_unique():
    """The second time, and for a batch of another batcher, it is a StateError; so is a second request of one id."""

    async def main():
        async with SmartBatcher(provider=pictures(), config=quick()) as batcher:
            await batcher.add_request(wish(1))
            with pytest.raises(StateError, match="held already"):
                await batcher.add_request(wish(1))
            (batch,) = await batcher.build_optimal_batches()
            await batcher.process_batch(batch)
            with pytest.raises(StateError, match="not waiting"):
                await batcher.process_batch(batch)

    run(main())


def test_a_full_holding_room_refuses():
    """What is held counts against `queue.max_pending`, so that memory is bounded."""

    async def main():
        async with SmartBatcher(provider=pictures(), config=quick(queue__max_pending=2)) as batcher:
            *held, refused = [await batcher.add_request(wish(k)) for k in range(3)]
            assert not any(answer.done() for answer in held)
            return await refused

    refused = run(main())
    assert (refused.status, refused.reason) == ("refused", "queue_full")


def test_whoever_cancels_a_batch_cancels_what_is_in_it_and_nothing_else():
    """The requests of the batch are cancelled; a caller of the same content that came by itself still gets it."""

    async def main():
        release = asyncio.Event()

        async def render(wishes):
            await release.wait()
            return [w.prompt for w in wishes]

        provider = CallableProvider(render, takes="list")
        async with SmartBatcher(provider=provider, config=quick(batching__max_wait=0.0)) as batcher:
            answer = await batcher.add_request(wish(0))
            (batch,) = await batcher.build_optimal_batches()
            task = asyncio.create_task(batcher.process_batch(batch))
            await asyncio.sleep(0.01)
            other = batcher.submit_nowait(wish(1, "fox 0"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            release.set()
            return answer, await other, batcher.snapshot()

    answer, other, snapshot = run(main())
    assert answer.cancelled()
    assert (other.status, other.content) == ("delivered", "fox 0")
    assert (snapshot["n_cancelled"], snapshot["n_delivered"], snapshot["n_pending"]) == (1, 1, 0)


def test_close_answers_whoever_is_held():
    """Nobody waits for ever."""

    async def main():
        batcher = SmartBatcher(provider=pictures(), config=quick())
        waiting = await batcher.add_request(wish(0))
        planned = await batcher.add_request(wish(1, tenant="b"))
        await batcher.build_optimal_batches()
        await batcher.close()
        return [(await each).status for each in (waiting, planned)]

    assert run(main()) == ["cancelled", "cancelled"]


def test_without_a_provider_nothing_is_sent_and_everything_else_works():
    """Adding, planning and reckoning need none; sending names the three kinds."""

    async def main():
        batcher = SmartBatcher(environment={})
        await batcher.add_request(wish(0, estimated_cost=0.5))
        await batcher.add_request(wish(1, estimated_cost=0.25))
        found = batcher.get_cost_benefit_analysis()
        (batch,) = await batcher.build_optimal_batches()
        for sending in (batcher.process_batch(batch), batcher.submit(wish(2))):
            with pytest.raises(StateError, match=r"CallableProvider.*HttpProvider.*BatchProvider"):
                await sending
        return found

    found = run(main())
    assert (found["individual_cost"], found["batch_cost"], found["prices"]) == (0.75, 0.75, "estimated")


# -- costs and metrics ---------------------------------------------------------------------------------------------------------
def test_cost_and_benefit_are_those_of_the_price_book():
    """Five pictures alone pay the call fee five times, in one call once: 0.70 against 0.30 dollars."""
    batcher = SmartBatcher(provider=pictures(), config=quick())
    found = batcher.get_cost_benefit_analysis([wish(k) for k in range(5)])
    assert found["individual_cost"] == pytest.approx(0.7)
    assert found["batch_cost"] == pytest.approx(0.3)
    assert found["direct_savings"] == pytest.approx(0.4)
    assert found["benefit_ratio"] == pytest.approx(0.4 / 0.7)
    assert (found["n_calls"], found["throughput_gain"], found["resource_gain"]) == (1, 4.0, 0.8)
    assert found["recommendation"] == "batch"
    assert batcher.get_performance_metrics()["n_requests"] == 0  # nothing was submitted


def test_one_request_a_call_saves_nothing_and_is_said_so():
    """A provider that takes one request per call cannot be batched: no saving, no gain."""
    provider = CallableProvider(lambda w: w.prompt, price={"rates": [{"per": "item", "usd": 0.04}]})
    found = CostAnalyzer(provider).analyze([wish(k) for k in range(4)])
    assert (found["direct_savings"], found["throughput_gain"], found["recommendation"]) == (0.0, 0.0, "individual")


def test_unknown_costs_are_called_so_and_stay_numbers():
    """Without a price and without estimates dollars are 0, and the output says that they are unknown."""
    analyzer = CostAnalyzer()
    assert analyzer.individual_cost(wish(0)) == 0.0
    assert analyzer.individual_cost(wish(1, estimated_cost=0.3)) == pytest.approx(0.3)
    found = analyzer.analyze([wish(0), wish(1)])
    assert (found["prices"], found["individual_cost"], found["benefit_ratio"]) == ("unknown", 0.0, 0.0)
    assert "unknown" in found["reason"]


def test_an_estimate_is_the_price_where_there_is_no_list_and_only_there():
    """A delivery costs what was estimated; a price list knows better."""

    async def cost(provider):
        async with SmartBatcher(provider=provider, config=quick(batching__max_wait=0.0)) as batcher:
            delivery = await batcher.submit(wish(0, estimated_cost=0.5))
            return delivery.cost_usd, batcher.get_performance_metrics()

    paid, metrics = run(cost(pictures(price=None)))
    assert (paid, metrics["total_cost"], metrics["n_cost_unknown"]) == (0.5, 0.5, 0)
    assert run(cost(pictures()))[0] == pytest.approx(0.14)


def test_metrics_are_the_kpis():
    """Hits, joins, batches and dollars by their definitions, on a day that is counted by hand: 6 requests, 3 contents, 2 calls."""

    async def main():
        async with SmartBatcher(provider=pictures(), config=quick()) as batcher:
            first = [asyncio.ensure_future(batcher.submit(wish(k, p))) for k, p in enumerate(["a", "b", "a"])]
            await asyncio.sleep(0)
            batcher.flush()
            await asyncio.gather(*first)
            hits = await asyncio.gather(*(batcher.submit(wish(k + 3, p)) for k, p in enumerate("ab")))
            assert {d.source for d in hits} == {"memory"}
            last = asyncio.ensure_future(batcher.submit(wish(6, "c")))
            await asyncio.sleep(0)
            batcher.flush()
            await last
            return batcher.get_performance_metrics()

    m = run(main())
    assert (m["n_requests"], m["n_delivered"], m["n_calls"]) == (6, 6, 2)
    assert m["cache_hit_ratio"] == pytest.approx(2 / 6)
    assert m["coalesced_ratio"] == pytest.approx(1 / 6)
    assert m["batching_efficiency"] == pytest.approx(2 / 3)
    assert m["average_batch_size"] == pytest.approx(1.5)
    assert m["total_cost"] == pytest.approx(0.18 + 0.14)
    assert m["total_cost_saved"] == pytest.approx(6 * 0.14 - 0.32)
    assert all(isinstance(value, (int, float)) for value in m.values())


# -- the memory ----------------------------------------------------------------------------------------------------------------
def test_a_cache_by_itself_keeps_what_may_be_reused():
    """Same content, same key; another tenant or variant, and what refuses reuse, is not found; a life of 0 is none."""
    cache = CacheManager(memory_size=2)
    assert cache.get(wish(0)) is None
    assert cache.set(wish(0), "picture")
    assert cache.get(wish(1, "FOX  0")) == "picture"
    assert cache.get_cache_key(wish(0)) == cache.get_cache_key(wish(5, "fox 0"))
    assert cache.get(wish(0, tenant="b")) is cache.get(wish(0, variant=1)) is cache.get(wish(0, allow_reuse=False)) is None
    assert not cache.set(wish(0, allow_reuse=False), "mine")
    assert not cache.set(wish(1), "gone", ttl=0)
    for k in (2, 3):
        cache.set(wish(k), k)
    assert (len(cache), cache.get(wish(0)), cache.get(wish(3))) == (2, None, 3)
    with pytest.raises(ValueError, match="None"):
        cache.set(wish(0), None)
    with pytest.raises(ScenarioError, match="memory_size"):
        CacheManager(memory_size=-1)


def test_a_life_is_said_as_settings_say_it(monkeypatch):
    """ "1h" is an hour, none is for ever; what is no duration is refused by name, and nothing is kept of it."""
    now = [100.0]
    monkeypatch.setattr("sbsim.live.memory.time.monotonic", lambda: now[0])
    cache = CacheManager()
    assert cache.set(wish(0), "hour", ttl="1h")
    assert cache.set(wish(1), "for ever", ttl="none")
    assert not cache.set(wish(2), "gone", ttl="0s")
    now[0] += 3599
    assert (cache.get(wish(0)), cache.get(wish(1))) == ("hour", "for ever")
    now[0] += 1
    assert (cache.get(wish(0)), cache.get(wish(1))) == (None, "for ever")
    for given, message in (
        ("soon", r"'soon' is not a duration; .* try \"30s\""),
        ("-1s", r"'-1s' must be >= 0 s"),
        (-1, "-1 must be >= 0 s"),
        (True, "true is not a duration"),
        ([3600], r"\[3600\] is not a duration"),
    ):
        with pytest.raises(ScenarioError, match=rf"\ACacheManager\.set: ttl: {message}"):
            cache.set(wish(3), "never", ttl=given)
        assert cache.get(wish(3)) is None
    with pytest.raises(ScenarioError, match=r"\ACacheManager\.is_near_duplicate: threshold: 'high' is not a number"):
        cache.is_near_duplicate(wish(0), threshold="high")


def test_near_duplicates_are_found_on_demand():
    """The same wish in other words is one, another wish or another scope is not; an exact entry counts; the threshold decides."""
    cache = CacheManager()
    cache.set(wish(0, "a red fox jumps over the lazy dog in the snow"), "picture")
    near = wish(1, "a red fox jumps over the lazy dog, in the deep snow")
    assert cache.is_near_duplicate(near)
    assert cache.is_near_duplicate(wish(2, "A RED fox jumps over the lazy dog in the snow"), threshold=1.0)
    cache.set(wish(3, "an old lighthouse by the sea at dusk with gulls"), "another")  # kept in step after the first use
    assert cache.is_near_duplicate(wish(4, "an old lighthouse by the sea at dusk, with gulls!"))
    assert not cache.is_near_duplicate(wish(5, "a portrait of a chemist in her laboratory"))
    assert not cache.is_near_duplicate(wish(1, near.prompt, tenant="b"))
    with pytest.raises(ValueError, match=r"threshold: 0\.2 must be >= 0\.5 and <= 1"):
        cache.is_near_duplicate(near, threshold=0.2)


def test_a_batcher_takes_a_memory_over_with_what_it_holds():
    """`cache_manager` becomes the memory tier: its entries are hits, what is delivered is in it, and its size counts as an argument."""
    calls = []
    cache = CacheManager(memory_size=50)
    cache.set(wish(0), "kept")

    async def main():
        async with SmartBatcher(cache_manager=cache, provider=pictures(calls), config=quick(batching__max_wait=0.0)) as batcher:
            kept = await batcher.submit(wish(0))
            await batcher.submit(wish(1))
            assert batcher.explain_config()["cache.memory_size"] == {"value": 50, "source": "argument"}
            return kept, await batcher.cache_manager.lookup(wish(1))

    kept, made = run(main())
    assert (kept.content, kept.source, calls) == ("kept", "memory", [["r1"]])
    assert made == cache.get(wish(1)) == "picture of fox 1"


def test_reuse_of_near_duplicates_can_be_switched_on_while_running():
    """From then on what memory holds already answers wishes in other words."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick(batching__max_wait=0.0)) as batcher:
            await batcher.submit(wish(0, "a red fox jumps over the lazy dog in the snow"))
            other = [wish(k, f"a red fox jumps over the lazy dog in the {how} snow") for k, how in ((1, "deep"), (2, "fresh"))]
            first = await batcher.submit(other[0])
            batcher.update({"cache": {"near_duplicates": True}})
            return first, await batcher.submit(other[1])

    first, second = run(main())
    assert (first.source, second.source, len(calls)) == ("provider", "near_duplicate", 2)


# -- gates and queues by themselves --------------------------------------------------------------------------------------------
def test_a_priority_queue_serves_by_urgency_then_arrival():
    """Urgent before normal before background; of equals the first; None when empty; a full one takes nothing."""
    queue = PriorityQueue(max_size=4)
    for k, priority in enumerate(["background", "normal", "urgent", 2]):
        assert queue.enqueue(wish(k, priority=priority))
    assert not queue.enqueue(wish(9))
    assert queue.peek().id == "r2"
    assert [queue.dequeue().id for _ in range(4)] == ["r2", "r1", "r3", "r0"]
    assert queue.dequeue() is None
    with pytest.raises(ScenarioError, match="policy"):
        PriorityQueue(policy="lifo")


def test_a_rate_limiter_lets_no_more_through_than_it_says():
    """Three in a window, then none until the first has left it; of one at a time the second waits for the first."""
    limiter = RateLimiter(max_requests=3, time_window=60)
    assert [limiter.try_acquire() for _ in range(5)] == [True, True, True, False, False]
    assert 59 < limiter.wait_time() <= 60

    async def main():
        single = RateLimiter(None, concurrency=1)
        running, most = 0, 0

        async def work():
            nonlocal running, most
            async with single:
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.001)
                running -= 1

        await asyncio.gather(*(work() for _ in range(5)))
        with pytest.raises(StateError, match="no call is running"):
            single.release()
        return most

    assert run(main()) == 1
    with pytest.raises(ScenarioError, match="max_requests"):
        RateLimiter(max_requests=-1)


# -- lists of dicts ------------------------------------------------------------------------------------------------------------
def test_dicts_come_back_as_deliveries_in_their_order():
    """Video unless said otherwise, a batch per engine, whatever else is held untouched; a bulk job has its sums."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick()) as batcher:
            await batcher.add_request(wish(0))
            desk = SmartBatchingIntegration(batcher)
            given = [{"prompt": "a", "duration": 4}, {"id": "mine", "prompt": "b", "duration": 4}, {"prompt": "a", "duration": 4}]
            deliveries = await desk.process_video_requests(given)
            job = await desk.process_bulk_job("launch", [{"prompt": "c"}, {"prompt": "a", "duration": 4}])
            assert batcher.get_performance_metrics()["n_held"] == 1
            for bad, said in (({"promt": "x"}, r"requests\[0\]\.promt.*prompt"), ({"duration": -1}, r"requests\[0\]: .*duration")):
                with pytest.raises(ScenarioError, match=said):
                    await desk.process_video_requests([bad])
            with pytest.raises(StateError, match="held already"):
                await desk.process_video_requests([{"id": "x", "prompt": "d"}, {"id": "y", "prompt": "e"}, {"id": "x", "prompt": "f"}])
            assert batcher.get_performance_metrics()["n_held"] == 1
            assert await desk.process_video_requests([]) == []
            return deliveries, job

    deliveries, job = run(main())
    assert [d.content for d in deliveries] == ["picture of a", "picture of b", "picture of a"]
    assert [d.source for d in deliveries] == ["provider", "provider", "coalesced"]
    assert len(calls) == 2
    assert (job["job_id"], job["succeeded"], job["failed"]) == ("launch", 2, 0)
    assert [d.source for d in job["results"]] == ["provider", "memory"]
    assert job["cost_usd"] == pytest.approx(0.14)


# -- the face ------------------------------------------------------------------------------------------------------------------
def test_the_face_holds_every_name_and_none_is_a_module():
    """What the contracts promise can be imported from `sbsim`, lazily; no name is that of a room."""
    promised = {
        "ContentRequest", "SmartBatcher", "CacheManager", "PriorityQueue", "RateLimiter", "CostAnalyzer", "SmartBatchingIntegration",
        "CallableProvider", "BatchingConfig", "Scenario", "simulate", "sweep", "recommend",
    }  # fmt: skip
    assert promised <= set(sbsim.__all__) <= set(dir(sbsim))
    assert sorted(sbsim._FACE) == sorted(sbsim.__all__)
    for name in sbsim.__all__:
        assert getattr(sbsim, name) is not None
        with pytest.raises(ModuleNotFoundError):
            import_module(f"sbsim.{name}")


def test_ids_that_nobody_stated_are_the_batchers():
    """Two integrations of one batcher never name two requests alike, nor like one that is held or stated in the same list."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick()) as batcher:
            await batcher.add_request(ContentRequest("request-2", "video", prompt="held", tenant="another"))
            given = [[{"prompt": f"fox {k}"}, {"prompt": f"owl {k}"}] for k in range(2)]
            given[0].append({"id": "request-3", "prompt": "stated"})
            return await asyncio.gather(*(SmartBatchingIntegration(batcher).process_video_requests(each) for each in given))

    first, second = run(main())
    assert [d.content for d in (*first, *second)] == [f"picture of {p}" for p in ("fox 0", "owl 0", "stated", "fox 1", "owl 1")]
    named = [name for call in calls for name in call]
    assert sorted(named) == ["request-1", "request-3", "request-4", "request-5", "request-6"]
