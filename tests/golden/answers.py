"""The recorded answers of the shipped scenarios: what they cost today, and what is recommended. `python tests/golden/answers.py` writes them anew.

Each answer has two parts. `checked`: KPIs of today's settings over the first half hour of one replication, exact: an always-on test can afford
them. `recommended`: verdict, changed settings and saving of `sbsim recommend`, with its half-width, beside what a run costs today.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from sbsim.recommendation import recommend
from sbsim.scenario import Scenario, load, shipped
from sbsim.simulation import simulate

FILE = Path(__file__).with_name("answers.yaml")
KPIS = ("n_requests", "total_cost_usd", "individual_cost_usd", "sla_compliance", "cache_hit_ratio", "average_call_size", "p95_latency_s")
WITHOUT_DATA = {"azure-hour", "image-days"}
"""Their traces are not shipped."""
TOO_LONG = {"image-service", "kitchen-sink"}
"""Half an hour of searching, and nothing to search: only what today's settings cost is on file."""
_CHECKED_S = 1800.0


def names() -> list[str]:
    """Shipped scenarios that bring all they need; those in folders have outcomes of their own (see test_claims)."""
    return sorted(name for name in set(shipped()) - WITHOUT_DATA if "/" not in name)


def checked(scenario: Scenario) -> dict[str, float | None]:
    """KPIs of the baseline's first replication, half an hour of it."""
    short = scenario.with_values({"horizon": min(_CHECKED_S, scenario.horizon or _CHECKED_S), "replications": 1})
    kpis = simulate(short).kpis
    return {name: kpis[name].mean for name in KPIS}


def recommended(scenario: Scenario, jobs: int = 2) -> dict[str, Any]:
    """The recommendation in short: settings as a scenario says them, the saving as (mean, half-width)."""
    answer = recommend(scenario, jobs=jobs)
    saved = None if answer.recommended.saved is None else answer.recommended.saved["total"]
    return {
        "verdict": answer.verdict,
        "changes": {path: new for path, (_, new) in answer.changes.items()},
        "saved_usd": None if saved is None else [saved.mean, saved.half_width],
        "today_usd": answer.baseline_kpis["total_cost_usd"].mean if answer.baseline_kpis else None,
    }


def read() -> dict[str, Any]:
    """The answers on file."""
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _answer(name: str) -> dict[str, Any]:
    scenario = load(name)
    return {"checked": checked(scenario), **({} if name in TOO_LONG else {"recommended": recommended(scenario)})}


if __name__ == "__main__":
    wanted = sys.argv[1:] or names()
    answers = read() if FILE.is_file() else {}
    for each in wanted:
        print(each, flush=True)
        answers[each] = _answer(each)
    head = "# Written by `python tests/golden/answers.py [NAME …]`: small, exact, and no theory. A change here is a change of behaviour: say why.\n"
    FILE.write_text(head + yaml.safe_dump({name: answers[name] for name in sorted(answers)}, sort_keys=False), encoding="utf-8")
