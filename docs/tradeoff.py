"""Draws docs/tradeoff.svg, the picture in the README: what `quickstart` costs, and how long it takes, as the longest wait for company grows.

Run it as `python docs/tradeoff.py`; the same scenario gives the same picture.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from sbsim.measure import Estimate
from sbsim.scenario import load
from sbsim.simulation.study import simulate

HERE = Path(__file__).parent
SIZES = {1: "#b0b0b0", 2: "#e69f00", 4: "#56b4e9", 8: "#0072b2"}
"""Batch size -> colour, told apart by the colour-blind too (Okabe and Ito, 2008)."""
WAITS_S = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120)


def measured(size: int) -> list[dict[str, Estimate]]:
    """KPIs at every wait."""
    scenario = load("quickstart")
    values = ({"batching.max_batch_size": size, "batching.max_wait": wait} for wait in WAITS_S)
    return [simulate(scenario.with_values(each), jobs=2).kpis for each in values]


def draw() -> None:
    """Both panels into one file, without a date in it."""
    plt.rcParams.update({"svg.hashsalt": "sbsim", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, (cost, latency) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for size, colour in SIZES.items():
        kpis = measured(size)
        for axis, name in ((cost, "total_cost_usd"), (latency, "p95_latency_s")):
            means = np.array([each[name].mean for each in kpis])
            half_widths = np.array([each[name].half_width for each in kpis])
            axis.fill_between(WAITS_S, means - half_widths, means + half_widths, color=colour, alpha=0.25, linewidth=0)
            axis.plot(WAITS_S, means, color=colour, label=f"{size}")
    latency.axhline(60, color="black", linewidth=0.8, linestyle=":")
    latency.annotate("allowed", (1.1, 61), fontsize=8)
    for axis, label in ((cost, "cost of the study [$]"), (latency, "95th percentile of latency [s]")):
        axis.set(xscale="log", xlabel="batching.max_wait [s]", ylabel=label, ylim=(0, None))
        axis.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    cost.legend(title="max_batch_size", frameon=False, fontsize=8, title_fontsize=8)
    figure.savefig(HERE / "tradeoff.svg", metadata={"Date": None, "Creator": "docs/tradeoff.py"})


if __name__ == "__main__":
    draw()
