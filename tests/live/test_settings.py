"""Settings of a running batcher: where they come from, and that new ones hold at once."""

from __future__ import annotations

import asyncio
import json

import pytest

from sbsim import BatchingConfig, CallableProvider, ContentRequest, ScenarioError, SmartBatcher, StateError
from sbsim.scenario.deployment import deployment
from tests.shop import shop

from .test_faces import pictures, quick, run, wish


def submit(batcher, n, start=0):
    return [batcher.submit_nowait(wish(start + k)) for k in range(n)]


def test_every_setting_says_where_it_came_from(tmp_path):
    """Argument beats environment beats file beats default, and the explanation names which it was."""
    file = tmp_path / "settings.yaml"
    file.write_text("batching: {max_batch_size: 3, max_wait: 4s, max_batch_cost: 5}\n")
    variables = {"SMART_BATCHER_MAX_COST": "6", "SMART_BATCHER_BATCHING_MAX_WAIT": "7s", "PATH": "/bin"}
    batcher = SmartBatcher.from_file(file, provider=pictures(), environment=variables, max_batch_cost=8.0)
    told = batcher.explain_config()
    assert told["batching.max_batch_size"] == {"value": 3, "source": f"file {file}"}
    assert told["batching.max_wait"] == {"value": 7.0, "source": "environment SMART_BATCHER_BATCHING_MAX_WAIT"}
    assert told["batching.max_batch_cost"] == {"value": 8.0, "source": "argument"}
    assert told["cache.ttl"] == {"value": 3600.0, "source": "default"}
    batcher.max_wait = 9
    assert batcher.explain_config()["batching.max_wait"] == {"value": 9.0, "source": "argument"}
    with pytest.raises(ScenarioError, match="SMART_BATCHER_MAX_SIZ"):
        SmartBatcher(environment={"SMART_BATCHER_MAX_SIZ": "3"})


def test_the_process_environment_is_read(monkeypatch):
    """A live batcher follows the environment that it is started in, classic names too."""
    monkeypatch.setenv("SMART_BATCHER_MAX_SIZE", "7")
    monkeypatch.setenv("RATE_LIMIT_MAX_REQUESTS", "3")
    batcher = SmartBatcher(provider=pictures())
    assert (batcher.max_batch_size, batcher.config.rate_limit.max_requests) == (7, 3)


def test_classic_arguments_stand_in_their_order():
    """Size, cost and similarity can be given by position; what means nothing is refused."""
    batcher = SmartBatcher(30, 100.0, 0.5, provider=pictures(), environment={})
    assert (batcher.max_batch_size, batcher.max_batch_cost, batcher.similarity_threshold) == (30, 100.0, 0.5)
    plain = SmartBatcher(environment={})
    assert (plain.max_batch_size, plain.max_batch_cost, plain.similarity_threshold) == (25, 500.0, 0.7)
    with pytest.raises(ScenarioError, match="max_batch_size"):
        SmartBatcher(0)


def test_a_recommended_file_runs(tmp_path):
    """What a recommendation writes is read back: the very settings, and of its providers price, limits and deadlines."""
    scenario = shop()
    file = tmp_path / "recommended.json"
    file.write_text(json.dumps(deployment(scenario)))
    batcher = SmartBatcher.from_file(file, provider=pictures(price=None), environment={})
    assert batcher.config.differences(scenario.config) == {}
    (lane,) = batcher.driver.pipeline.lanes
    assert (lane.name, lane.limiter.concurrency, lane.max_part) == ("workers", 20, 8)
    request = ContentRequest("r", "image", prompt="x", engine="xl")

    async def main():
        held = await batcher.add_request(request)
        (batch,) = await batcher.build_optimal_batches()
        await batcher.process_batch(batch)
        return await held, batch.members[0].request

    delivery, prepared = run(main())
    assert delivery.status == "delivered"
    assert prepared.deadline_at - prepared.arrived_at == 120


def test_a_smaller_size_sends_what_is_full_by_it():
    """Seven wait for a hundred; assigned three, they go in batches of three at once, and the rest too."""
    calls = []

    async def main():
        async with SmartBatcher(100, provider=pictures(calls), config=quick()) as batcher:
            waiting = submit(batcher, 7)
            await asyncio.sleep(0.01)
            assert not calls
            batcher.max_batch_size = 3
            await asyncio.gather(*waiting)

    run(main())
    assert sorted(map(len, calls)) == [1, 3, 3]


def test_a_shorter_wait_sends_what_is_due_by_it():
    """A group that has waited longer than the new wait goes at once."""
    calls = []

    async def main():
        async with SmartBatcher(provider=pictures(calls), config=quick()) as batcher:
            waiting = submit(batcher, 2)
            await asyncio.sleep(0.02)
            batcher.update({"batching": {"max_wait": "10ms"}})
            await asyncio.wait_for(asyncio.gather(*waiting), 1)

    run(main())
    assert len(calls) == 1


def test_a_limit_that_tightens_counts_what_was_sent_and_one_that_loosens_lets_go():
    """Two calls have left; at most two a minute lets no third through, no limit lets it through at once."""
    calls = []

    async def main():
        async with SmartBatcher(1, provider=pictures(calls), config=quick()) as batcher:
            await asyncio.gather(*submit(batcher, 2))
            batcher.update({"rate_limit": {"max_requests": 2, "time_window": "60s"}})
            third = submit(batcher, 1, start=5)[0]
            await asyncio.sleep(0.02)
            assert len(calls) == 2
            batcher.update({"rate_limit": {"max_requests": None}})
            await asyncio.wait_for(third, 1)

    run(main())
    assert len(calls) == 3


def test_what_means_nothing_changes_nothing():
    """A bad value, an unknown name or a setting of a later part leaves all settings as they were."""

    async def main():
        async with SmartBatcher(provider=pictures(), config=quick()) as batcher:
            before = batcher.config
            for change, said in (
                ({"batching": {"max_batch_size": 0, "max_wait": 5}}, "max_batch_size"),
                ({"batching.max_wiat": 3}, "max_wait"),
                ({"batchin": {"max_wait": 3}}, "allowed: batching"),
                ({"batching": 3}, "not a mapping"),
                ({"journal": {"path": "j.db"}}, "comes with part"),
            ):
                with pytest.raises(ScenarioError, match=said):
                    batcher.update(change)
            with pytest.raises(StateError, match="redis_url"):
                batcher.update({"cache.redis_url": "${REDIS}"})
            with pytest.raises(AttributeError):
                batcher.max_batch_sise = 3
            assert batcher.config == before

    run(main())


def test_a_whole_config_replaces_all():
    """`update` takes a `BatchingConfig` too: what it leaves at the default is the default again."""

    async def main():
        async with SmartBatcher(3, provider=pictures(), config=quick()) as batcher:
            batcher.update(BatchingConfig().with_values({"batching.max_wait": 1.0}))
            return batcher.config

    config = run(main())
    assert (config.batching.max_batch_size, config.batching.max_wait, config.rate_limit.max_requests) == (25, 1.0, 10)


def test_optimising_is_one_step_of_the_controllers_rule():
    """Late work halves the wait, full batches that pay grow, within the controller's bounds; equal metrics move equally."""
    batcher = SmartBatcher(20, provider=pictures(), environment={}, config=quick(batching__max_wait=40.0, controller__max_batch_size=24))
    assert batcher.optimize_configuration() == {}  # nothing was observed yet
    assert batcher.optimize_configuration({"sla_compliance": 0.8}) == {"batching.max_wait": 20.0}
    assert batcher.optimize_configuration({"average_batch_size": 20, "full_share": 1.0, "batch_saving": 0.3}) == {"batching.max_batch_size": 21}
    assert batcher.explain_config()["batching.max_batch_size"] == {"value": 21, "source": "controller"}
    for _ in range(9):
        batcher.optimize_configuration({"average_batch_size": 20, "full_share": 1.0, "batch_saving": 0.3})
    assert (batcher.max_batch_size, batcher.max_wait) == (24, 20.0)
    assert batcher.optimize_configuration({"attempt_error_rate": 0.5}) == {"batching.max_batch_size": 12}


def test_providers_of_a_file_are_reached_by_name(tmp_path):
    """The file says what a lane costs and allows, the connection how it is called; what does not fit is said."""
    file = tmp_path / "deployed.json"
    lanes = [
        {"name": name, "serves": {"content_type": "image"}, "api": {"takes": takes}, "price": {"rates": [{"per": "item", "usd": usd}]}}
        for name, takes, usd in (("a", "list", 0.5), ("b", "one", 0.25))
    ]
    file.write_text(json.dumps({"config": {}, "providers": lanes}))
    one = CallableProvider(lambda w: w.prompt, name="b")
    batcher = SmartBatcher.from_file(file, provider={"a": pictures(), "b": one}, environment={})
    assert batcher.get_cost_benefit_analysis([ContentRequest("r", "image", prompt="x")])["individual_cost"] == 0.25
    SmartBatcher.from_file(file, provider=[pictures(name="a"), one], environment={})
    SmartBatcher.from_file(file, provider=[pictures(name="x"), CallableProvider(lambda w: w.prompt, name="y")], environment={})
    with pytest.raises(StateError, match="'a' of the file has no connection"):
        SmartBatcher.from_file(file, provider=one, environment={})
    with pytest.raises(StateError, match="takes list in a call"):
        SmartBatcher.from_file(file, provider={"a": one, "b": one}, environment={})


def test_what_a_file_promises_of_calls_in_doubt_and_a_connection_does_not_keep_is_logged(tmp_path, caplog):
    """A function is given no key and cannot be stopped: a file whose lane has both says so once a lane; one that promises nothing is quiet."""
    lane = {"name": "p", "serves": {"content_type": "image"}, "price": {"rates": [{"per": "item", "usd": 1}]}}
    for api, said in (({}, []), ({"idempotency": "key", "cancel": "running"}, ["idempotency is key", "cancel is running"])):
        (tmp_path / "deployed.json").write_text(json.dumps({"config": {}, "providers": [{**lane, "api": {"takes": "one", **api}}]}))
        caplog.clear()
        SmartBatcher.from_file(tmp_path / "deployed.json", provider=CallableProvider(lambda w: w.prompt, name="p"), environment={})
        assert [f"provider 'p': api.{each} in the file and" in record.getMessage() for each, record in zip(said, caplog.records, strict=True)] == [
            True
        ] * len(said)


@pytest.mark.parametrize("given", [print, "openai", [print], {"p": 3}])
def test_what_is_no_provider_is_refused_with_the_way_to_make_one(given):
    """A bare function does not say whether it takes one request or a list of them: the message shows both."""
    with pytest.raises(StateError, match=r'provider=…\): .* is no provider; allowed: .*; try CallableProvider\(fn\) .* takes="list"'):
        SmartBatcher(provider=given)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("x", "'x' is not a mapping of metrics"),
        ([], r"\[\] is not a mapping"),
        ({"sla_complience": 0.5}, "'sla_complience': no such metric; allowed: .*; try sla_compliance"),
        ({"sla_compliance": 0.5, "p95_latency_s": "fast"}, "p95_latency_s: 'fast' is not a finite number"),
        ({5: 0.5}, "5: no such metric"),
        ({"sla_compliance": "0.9"}, "sla_compliance: '0.9' is not a finite number from 0 to 1"),
        ({"sla_compliance": True}, "sla_compliance: true is not"),
        ({"close_share": 1.5}, "close_share: 1.5 is not"),
        ({"cache_hit_ratio": -0.1}, "cache_hit_ratio: -0.1 is not"),
        ({"average_batch_size": float("inf")}, "average_batch_size: inf is not"),
        ({"batch_saving": float("nan")}, "batch_saving: nan is not"),
        ({"batch_saving": 1.5}, "batch_saving: 1.5 is not a finite number from -inf to 1"),
        ({"mean_latency_s": float("nan")}, "mean_latency_s: nan is not"),
    ],
)
def test_metrics_that_mean_nothing_move_nothing(metrics, message):
    """What is no mapping, no metric or no value of it is refused with where, what and what else, and the settings stay."""
    batcher = SmartBatcher(environment={})
    before = batcher.config
    with pytest.raises(ScenarioError, match=rf"^optimize_configuration: recent_metrics: {message}"):
        batcher.optimize_configuration(metrics)
    assert batcher.config == before


def test_where_there_is_nothing_to_see_nothing_moves():
    """No metrics, none that is read or known, and those of no requests give no reason; all that a batcher or a run returns is taken."""
    batcher = SmartBatcher(environment={})
    for metrics in ({}, {"total_cost": 3.0}, {"p95_latency_s": 4.5, "sla_compliance": None}, batcher.get_performance_metrics()):
        assert batcher.optimize_configuration(metrics) == {}
    assert batcher.optimize_configuration({**batcher.get_performance_metrics(), "n_requests": 50, "sla_compliance": 0.5}) == {
        "batching.max_wait": 15.0
    }
