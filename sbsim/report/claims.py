"""What claims come to, as rows of a table."""

from __future__ import annotations

from sbsim.claims import CLAIMS, UNDECIDED, Answer, Claim, Trial, exceeds
from sbsim.measure import Estimate
from sbsim.report.tables import NOTHING, Row, figures

COLUMNS = ("claim", "workload", "promised", "measured", "± 95 %", "verdict")


def claim_rows(answer: Answer) -> list[Row | None]:
    """Rows of `COLUMNS`, a section for each claim."""
    rows: list[Row | None] = []
    for claim in CLAIMS:
        rows += [_row(claim, trial) for trial in answer.trials]
        rows.append(None)
    return rows[:-1]


def _row(claim: Claim, trial: Trial) -> Row:
    value = trial.values[claim.name]
    promised = f"> {claim.low:g}" if claim.high is None else f"{claim.low:.0%} to {claim.high:.0%}"
    verdict, note = trial.verdicts[claim.name], trial.reasons.get(claim.name, "")
    if exceeds(claim, value):
        verdict = f"{verdict}, and more"
    return [
        claim.name, trial.study.scenario.name, promised, *_figures(claim, value),
        f"{verdict}: {note}" if note and verdict == UNDECIDED else verdict,
    ]  # fmt: skip


def _figures(claim: Claim, value: Estimate) -> tuple[str, str]:
    """Mean and half-width in the promise's own unit: per cent, or a ratio."""
    if claim.high is None or value.mean is None:
        return figures(value)
    mean, half_width = figures(Estimate(100 * value.mean, None if value.half_width is None else 100 * value.half_width, value.n))
    return f"{mean}%", half_width if half_width == NOTHING else f"{half_width}%"
