"""From a scenario to what should run: search, selection, report, verdict; as a value, in words, as JSON, with its evidence. `export` writes it."""

from sbsim.recommendation.procedure import EVALUATIONS, recommend
from sbsim.recommendation.recommendation import Candidate, ConstraintReport, Recommendation
from sbsim.recommendation.verdict import DEPLOY, INFEASIBLE, KEEP, Comparison, Prediction

__all__ = [
    "DEPLOY", "EVALUATIONS", "INFEASIBLE", "KEEP", "Candidate", "Comparison", "ConstraintReport", "Prediction", "Recommendation", "recommend",
]  # fmt: skip
