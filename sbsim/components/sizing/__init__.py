"""How many items a group may hold: a policy, asked once when the group opens. One class per name of `batching.sizing`, one contract for all."""

from __future__ import annotations

from sbsim.components.sizing.aimd import AimdSize
from sbsim.components.sizing.capacity import CapacitySize
from sbsim.components.sizing.complexity import ComplexitySize
from sbsim.components.sizing.failure import FailureSize
from sbsim.components.sizing.sizing import FixedSize

__all__ = ["AimdSize", "CapacitySize", "ComplexitySize", "FailureSize", "FixedSize"]
