"""What happened, in numbers: KPIs of a run, whether it was long enough, and estimates over runs. It reads run logs; it decides and prints nothing."""

from sbsim.measure.budget import BudgetRun, budget_document, budget_run, by_list, unpayable
from sbsim.measure.counted import Counted
from sbsim.measure.false_reuse import false_reuse_document, near_hits
from sbsim.measure.intervals import (
    NO_ESTIMATE,
    ClusterSums,
    Estimate,
    clustered_share_bound,
    mean_estimate,
    paired,
    paired_ratio,
    prediction_interval,
    ratio_estimate,
    share_upper_bound,
    t_quantile,
)
from sbsim.measure.kpis import KPI_BY_NAME, KPIS, Kpi, find_kpi, kpi_values
from sbsim.measure.recovery import Recovery, Return, time_to_recover
from sbsim.measure.steady import Series, find_warmup, is_saturated, mser5
from sbsim.measure.summary import alerts, estimates, paired_estimates

__all__ = [
    "KPIS", "KPI_BY_NAME", "NO_ESTIMATE", "BudgetRun", "ClusterSums", "Counted", "Estimate", "Kpi", "Recovery", "Return", "Series", "alerts",
    "budget_document", "budget_run", "by_list", "clustered_share_bound", "estimates", "false_reuse_document", "find_kpi", "find_warmup",
    "is_saturated", "kpi_values", "mean_estimate", "mser5", "near_hits", "paired", "paired_estimates", "paired_ratio", "prediction_interval",
    "ratio_estimate", "share_upper_bound", "t_quantile", "time_to_recover", "unpayable",
]  # fmt: skip
