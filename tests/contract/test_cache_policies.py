"""What every cache policy promises, run over all of them; a new one joins by its name in `cache.POLICIES`."""

from __future__ import annotations

import subprocess
import sys
from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from sbsim.components.cache import POLICIES
from sbsim.records import Entry

policies = pytest.mark.parametrize("policy", POLICIES)
keys = st.integers(0, 9)


def machine_of(policy):
    """The contract as a state machine: against a dict that forgets what the cache says it evicted, and nothing else."""

    class Contract(RuleBasedStateMachine):
        @initialize(max_entries=st.integers(0, 6), max_bytes=st.sampled_from([0.0, 10.0, inf]), ttl_s=st.sampled_from([4.0, inf]))
        def open(self, max_entries, max_bytes, ttl_s):
            self.cache = POLICIES[policy](max_entries, max_bytes, ttl_s)
            self.now, self.model = 0.0, {}  # key -> (entry put, when it dies)

        @rule(dt=st.integers(0, 4).map(float))
        def advance(self, dt):
            self.now += dt

        @precondition(lambda self: any(at < inf for _, at in self.model.values()))
        @rule()
        def advance_to_a_death(self):
            self.now = max(self.now, min(at for _, at in self.model.values()))

        @rule(key=keys)
        def get(self, key):
            found = self.cache.get(key, self.now)
            put, dies_at = self.model.get(key, (None, -inf))
            if self.now >= dies_at:
                assert found is None
                self.model.pop(key, None)
            else:
                assert found is not None
                assert (found.key, found.content, found.n_bytes, found.expires_at) == (key, put.content, put.n_bytes, dies_at)

        @rule(key=keys, life_s=st.sampled_from([0.0, 1.0, 3.0, 8.0, inf]), n_bytes=st.integers(0, 12).map(float))
        def put(self, key, life_s, n_bytes):
            entry = Entry(key, self.now + life_s, content=object(), n_bytes=n_bytes)
            gone = self.cache.put(entry, self.now)
            self.model.pop(key, None)
            if n_bytes <= self.cache.max_bytes and self.cache.max_entries and life_s > 0:
                self.model[key] = (entry, min(entry.expires_at, self.now + self.cache.ttl_s))
            self.leave(gone)

        @rule(max_entries=st.integers(0, 6), max_bytes=st.sampled_from([0.0, 10.0, inf]), ttl_s=st.sampled_from([4.0, inf]))
        def configure(self, max_entries, max_bytes, ttl_s):
            if ttl_s < self.cache.ttl_s:
                self.model = {key: (entry, min(dies_at, self.now + ttl_s)) for key, (entry, dies_at) in self.model.items()}
            self.leave(self.cache.configure(max_entries, max_bytes, ttl_s, self.now))

        def leave(self, gone):
            """Evicted keys were there, are named once, and go for want of room; the dead among them go first."""
            assert len(set(gone)) == len(gone)
            was_dead = [self.model.pop(key)[1] <= self.now for key in gone]
            assert was_dead == sorted(was_dead, reverse=True)
            if not all(was_dead):
                assert not any(at <= self.now for _, at in self.model.values()), "a living entry went while a dead one was kept"

        @invariant()
        def bounds_hold(self):
            if not hasattr(self, "cache"):
                return
            assert len(self.cache) == len(self.model) <= self.cache.max_entries
            assert self.cache.n_bytes == sum(entry.n_bytes for entry, _ in self.model.values()) <= self.cache.max_bytes

    return Contract


@policies
def test_contract(policy):
    """A cache gives back what was put last and lives, within its bounds, and tells what left; dead means now >= expires_at."""
    run_state_machine_as_test(machine_of(policy), settings=settings(max_examples=2 * settings().max_examples))


@policies
def test_it_is_full_before_it_evicts(policy):
    """Nothing leaves while there is room, and exactly one leaves for one more entry of a full cache."""
    cache = POLICIES[policy](100, inf, inf)
    assert [cache.put(Entry(k, inf), 0.0) for k in range(100)] == [[]] * 100
    assert len(cache.put(Entry("more", inf), 0.0)) == 1
    assert len(cache) == 100


@policies
@pytest.mark.parametrize("keys_in_turn", [1, 7, 5000])
def test_memory_does_not_grow_with_traffic(policy, keys_in_turn):
    """Entries that have left are forgotten, whether evicted or replaced, even if none of them has expired yet."""
    cache = POLICIES[policy](10, inf, 1e9)
    for k in range(5000):
        cache.get(k % keys_in_turn, float(k))
        cache.put(Entry(k % keys_in_turn, k + 1e6), float(k))
    assert len(cache) == min(10, keys_in_turn)
    names = {name for each in type(cache).__mro__ for name in getattr(each, "__slots__", ())}
    assert {"_entries", "_agenda"} < names
    assert sum(len(getattr(cache, name)) for name in names if hasattr(getattr(cache, name), "__len__")) < 300


@policies
def test_the_last_entry_put_is_kept(policy):
    """A newcomer is never its own victim, however much less it is worth than what is there."""
    cache = POLICIES[policy](5, 20.0, inf)
    for k in range(5):
        cache.put(Entry(k, inf, n_bytes=1.0, cost_nano=10**9), 0.0)
        assert all(cache.get(k, 1.0) for _ in range(20))
    for k, n_bytes in enumerate((1.0, 20.0, 3.0)):
        gone = cache.put(Entry(f"new {k}", inf, n_bytes=n_bytes, cost_nano=1), 2.0)
        assert gone
        assert f"new {k}" not in gone
        assert cache.get(f"new {k}", 2.0) is not None


@policies
def test_decisions_are_the_same_in_every_process(policy):
    """What is evicted, and in which order, does not depend on PYTHONHASHSEED."""
    script = (
        "import sys; from math import inf; from sbsim.components.cache import POLICIES; from sbsim.records import Entry\n"
        "cache = POLICIES[sys.argv[1]](20)\n"
        "for k in range(3000):\n"
        "    key = ('tenant', f'content {k * k % 83}')\n"
        "    if cache.get(key, k) is None: print(cache.put(Entry(key, inf, cost_nano=1 + k % 7), k))"
    )
    told = {
        subprocess.run([sys.executable, "-c", script, policy], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert len(told.pop()) > 1000
