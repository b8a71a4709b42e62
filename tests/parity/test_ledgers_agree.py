"""INV-11 over whole runs of random scenarios: what we settled is what the providers' own ledgers say, and it is all attributed to somebody."""

from __future__ import annotations

import numpy as np

from sbsim.measure import Counted, kpi_values
from sbsim.simulation import run

from .test_drivers_agree import some_scenario

UNREACHED = {"n_provider_too_large"}
"""A pipeline that knows the providers' formats never sends what they could not take."""


def test_every_run_settles_what_its_providers_are_owed():
    """provider_cost_usd + uncounted_cost_usd = the ledgers, to the nano-dollar, with plans, changing prices, cold starts and files given up; a call
    that was never answered is billed by its provider alone. Every mechanism of a provider fires somewhere."""
    fired, n_whole = {}, 0
    for k in range(120):
        scenario = some_scenario(k)
        finished = run(scenario, seed=k)
        for name, n in finished.log.counters.items():
            fired[name] = fired.get(name, 0) + n
        counted = Counted(finished, scenario, start_at=5.0)
        ledger = sum(finished.ledger_nano)
        borne = int(counted.item_nano.sum()) + counted.idle_nano
        if np.isnan(finished.log.calls["answered_at"]).any():
            assert borne <= ledger
            continue
        n_whole += 1
        assert borne == ledger
        values = kpi_values(counted)
        assert round((values["provider_cost_usd"] + values["uncounted_cost_usd"]) * 1e9) == ledger
        assert np.all(counted.item_nano >= 0)
    assert n_whole > 100
    assert not {name for name, n in fired.items() if name.startswith("n_provider_") and n == 0} - UNREACHED
