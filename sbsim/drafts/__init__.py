"""First scenarios: from a few answers, a recorded trace and a price list to a commented file that loads, runs and can be recommended on at once.

Owns what a newcomer has not said: every such value is written as an assumption, beside the value. It simulates nothing; what a draft offers its lanes
is asked of `overview`, so that its baseline is not saturated.
"""

from sbsim.drafts.answers import Answers, PricedEngine, TraceFile, read_charge, read_deadline, read_limit, read_price
from sbsim.drafts.draft import Draft, draft

__all__ = [
    "Answers", "Draft", "PricedEngine", "TraceFile", "draft", "read_charge", "read_deadline", "read_limit", "read_price",
]  # fmt: skip
