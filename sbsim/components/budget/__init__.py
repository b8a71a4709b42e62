"""What may be spent, in one window or several: a gate that counts whole nano-dollars.

`budget` holds the gate, `windows` what each kind of window counts, `likely` what a soft limit reserves.
"""

from __future__ import annotations

from sbsim.components.budget.budget import Allowance, Budget, Ticket
from sbsim.components.budget.likely import Cost

__all__ = ["Allowance", "Budget", "Cost", "Ticket"]
