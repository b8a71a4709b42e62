"""What users may give where they call: whatever is of another type is refused at the door, in words."""

from __future__ import annotations

import asyncio

import pytest

from sbsim import (
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
from tests.live.test_batcher import config, run, wish

NO_REQUEST = ["r1", None, 5, [wish(0)], {"id": "r1", "content_type": "image"}]


def batcher(**options):
    return SmartBatcher(provider=CallableProvider(lambda w: w.prompt), environment={}, **options)


@pytest.mark.parametrize("given", NO_REQUEST)
@pytest.mark.parametrize(
    "door",
    [
        lambda given: batcher().submit(given),
        lambda given: batcher().add_request(given),
        lambda given: batcher().process_together([given]),
        lambda given: batcher().get_cost_benefit_analysis([given]),
        lambda given: CostAnalyzer().individual_cost(given),
        lambda given: CacheManager().get(given),
        lambda given: CacheManager().set(given, "content"),
        lambda given: CacheManager().is_near_duplicate(given),
        lambda given: CacheManager().get_cache_key(given),
        lambda given: CacheManager().lookup(given),
        lambda given: PriorityQueue().enqueue(given),
    ],
)
def test_what_is_no_request_is_refused(door, given):
    """Every door that takes a request says what it was given and what to try; to a dict it names who takes dicts."""

    async def enter():
        answer = door(given)
        return await answer if asyncio.iscoroutine(answer) else answer

    with pytest.raises(ScenarioError, match=r"request: .* is no ContentRequest; try ContentRequest\(") as refused:
        run(enter())
    assert ("SmartBatchingIntegration" in str(refused.value)) is isinstance(given, dict)


@pytest.mark.parametrize("given", ["abc", 5, {"prompt": "x"}])
def test_what_is_no_list_is_refused(given):
    """A text is no list of requests, and neither is a mapping."""
    for analyse in (batcher().get_cost_benefit_analysis, CostAnalyzer().analyze):
        with pytest.raises(ScenarioError, match="is no list; allowed: a list of ContentRequests"):
            analyse(given)
    with pytest.raises(ScenarioError, match="none is no list"):
        CostAnalyzer().analyze(None)  # it holds nothing
    with pytest.raises(ScenarioError, match="is no list; allowed: a list of ContentRequests"):
        run(batcher().process_together(given))
    for asked in (SmartBatchingIntegration(batcher()).process_video_requests, lambda g: SmartBatchingIntegration(batcher()).process_bulk_job("j", g)):
        with pytest.raises(ScenarioError, match=r"^requests: .* is no list; allowed: a list of mappings; try"):
            run(asked(given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, r"requests: none is no list"),
        ([{"prompt": "x"}, None], r"requests\[1\]: none is no mapping; try"),
        ([{"prompt": 5}], r"requests\[0\]: request 'request-1': prompt 5 is not text; try \"a red fox\""),
        ([{"style_params": None}], r"requests\[0\]: request 'request-1': style_params None is not a mapping; try"),
        ([{"prompt": "x", "inputs": [5]}], "request 'request-1': inputs: 5 is no digest"),
    ],
)
def test_of_a_list_with_something_wrong_nothing_is_sent(given, message):
    """The message says which, and no other request of the list has left or is held."""
    desk = batcher()
    with pytest.raises(ScenarioError, match=message):
        run(SmartBatchingIntegration(desk).process_video_requests(given))
    metrics = desk.get_performance_metrics()
    assert (metrics["n_calls"], metrics["n_held"], metrics["n_requests"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SmartBatcher(cache_manager="x"), "SmartBatcher: cache_manager: 'x' is no CacheManager; try"),
        (lambda: SmartBatcher(config={"batching.max_wait": 5}), "SmartBatcher: config: .* is no BatchingConfig; try"),
        (lambda: SmartBatchingIntegration(None), "SmartBatchingIntegration: batcher: none is no SmartBatcher; try"),
        (lambda: PriorityQueue(max_size="x"), "PriorityQueue: max_size: 'x' is not a whole number, 0 or more; try 100"),
        (lambda: PriorityQueue(max_size=-1), "PriorityQueue: max_size: -1 is not"),
        (lambda: PriorityQueue(max_size=float("nan")), "PriorityQueue: max_size: nan is not"),
        (lambda: PriorityQueue(max_size=True), "PriorityQueue: max_size: true is not"),
        (lambda: CacheManager(memory_size="x"), "CacheManager: memory_size: 'x' is not a whole number, 0 or more; try 1000"),
        (lambda: CacheManager(memory_size=-1), "CacheManager: memory_size: -1 is not"),
        (lambda: RateLimiter(time_window=None), "RateLimiter: time_window: none, and 10 calls need one; try 60.0"),
        (lambda: CacheManager(policy=[]), r"CacheManager: policy: \[\] is not one of"),
        (lambda: SmartBatcher(tiers=5), "SmartBatcher: tiers: 5 is no list"),
        (lambda: SmartBatcher(deadlines="x"), "SmartBatcher: deadlines: 'x' is no mapping of priorities"),
        (lambda: SmartBatcher(deadlines={4: 60.0}), "SmartBatcher: deadlines: 4 is not 1"),
        (lambda: SmartBatcher(deadlines={"urgent": "soon"}), r"SmartBatcher: deadlines\['urgent'\]: 'soon' is not a duration"),
        (lambda: SmartBatcher(deadlines={1: -1.0}), r"SmartBatcher: deadlines\[1\]: -1\.0 must be >= 0 s"),
        (lambda: SmartBatcher.from_file(5), "SmartBatcher.from_file: path: 5 is no path; try"),
        (lambda: batcher().update("x"), "update: 'x' is no mapping of settings; try"),
        (lambda: run(batcher().close(drain=float("nan"))), "SmartBatcher.close: drain: nan is not a finite number"),
        (lambda: run(batcher().close(drain=-1)), "SmartBatcher.close: drain: -1 must be >= 0 s"),
        (lambda: CallableProvider("x"), "CallableProvider: fn: 'x' is no function; try"),
        (lambda: CallableProvider(len, price=5), "price: 5 is not a mapping"),
        (lambda: CallableProvider(len, limits=5), "CallableProvider: limits: 5 is no list; allowed: a list of limits"),
        (lambda: CallableProvider(len, limits=[5]), r"limits\[0\]: 5 is not a mapping"),
    ],
)
def test_parameters_of_another_type_are_refused(make, message):
    """Where, what was given, what is allowed and what to try."""
    with pytest.raises(ScenarioError, match=message):
        make()


def test_promises_go_by_number_or_name():
    """A deadline stated for "urgent" holds for priority 1, in seconds or as settings have it; inf and None promise nothing."""

    async def late(deadlines):
        async def slow(w):
            await asyncio.sleep(0.05)
            return w.prompt

        async with SmartBatcher(provider=CallableProvider(slow), config=config(), deadlines=deadlines) as desk:
            await desk.submit(wish(0, priority="urgent"))
            return 1.0 - desk.get_performance_metrics()["sla_compliance"]

    assert [run(late(d)) for d in ({"urgent": "10ms"}, {1: 0.01}, {1: "1min"}, {1: float("inf")}, {1: None}, {3: 0.01})] == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("given", ["batch-1", None, [], {}])
def test_what_is_no_batch_is_not_processed(given):
    """It names where batches come from."""
    with pytest.raises(ScenarioError, match=r"process_batch: batch: .* is no Batch; try one of those that build_optimal_batches\(\) gives"):
        run(batcher().process_batch(given))


@pytest.mark.parametrize("given", [[], {}, ()])
def test_no_provider_in_a_list_is_no_provider(given):
    """An empty list or mapping is refused with the three kinds that there are; without the parameter a batcher plans and reckons."""
    with pytest.raises(StateError, match=r"is empty.*CallableProvider.*HttpProvider.*BatchProvider"):
        SmartBatcher(provider=given)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"duration": "8s"}, r"duration '8s' must be a finite number, 0 or more; try duration=8\.0 \(seconds\)"),
        ({"duration": None}, "duration None must be"),
        ({"duration": True}, "duration True must be"),
        ({"units_out": None}, "units_out None must be"),
        ({"deadline_s": float("nan")}, "deadline_s nan must be"),
        ({"id": None}, 'id None is not text; try "r1"'),
        ({"prompt": None}, "prompt None is not text"),
        ({"prompt": b"x" * 100}, f"prompt b'{'x' * 57}… is not text"),
        ({"resolution": ["1080p"]}, "resolution .* is not text or None"),
        ({"style_params": "cinematic"}, "style_params 'cinematic' is not a mapping"),
        ({"tenant": []}, r"tenant \[\] is not text"),
        ({"inputs": "sha256:0"}, "inputs 'sha256:0' is not a list"),
        ({"seed": "x"}, "seed 'x' is not a whole number or None"),
        ({"content_type": "movie"}, "content_type 'movie' is not one of video, image, audio, text"),
        ({"priority": "high"}, "priority 'high' is not 1"),
    ],
)
def test_a_request_is_what_its_fields_say(fields, message):
    """A field of another type is refused when the request is made, not where it is first read."""
    with pytest.raises(ScenarioError, match=f"^request .*: {message}"):
        ContentRequest(**{"id": "a", "content_type": "image", **fields})
