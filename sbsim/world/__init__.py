"""The outside world as a model: providers that answer late, refuse, fail and send bills. Sans-IO: `now` goes in, the instant and the answer come out.

It may not import `sbsim.pricing`: a provider keeps its own ledger with its own arithmetic, so that a disagreement over a bill shows.
"""

from __future__ import annotations

from sbsim.world.job import Job
from sbsim.world.provider import ModelledProvider
from sbsim.world.tier import ModelledTier

__all__ = ["Job", "ModelledProvider", "ModelledTier"]
