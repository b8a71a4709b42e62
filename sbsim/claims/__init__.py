"""The promises that batching layers are sold with, put to the test on a workload: each holds, holds not, or depends on something that is named."""

from sbsim.claims.answer import Answer
from sbsim.claims.claim import CLAIMS, DEPENDS, FACTS, HOLDS, HOLDS_NOT, UNDECIDED, Claim, exceeds, judge, summed_up
from sbsim.claims.trial import Trial, shipped_workloads, tried

__all__ = [
    "CLAIMS", "DEPENDS", "FACTS", "HOLDS", "HOLDS_NOT", "UNDECIDED", "Answer", "Claim", "Trial", "exceeds", "judge", "shipped_workloads",
    "summed_up", "tried",
]  # fmt: skip
