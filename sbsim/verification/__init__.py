"""Does the simulator say what theory says? Small systems that have an exact solution, simulated through the whole house and compared.

Owns the experiments, their closed forms and the verdict. Everything simulated here takes the way of every other run: a scenario document, prepared
requests, the wired pipeline, modelled providers, the engine, KPIs or the run log. The closed forms know nothing of that way.
"""

from sbsim.verification.line import HALF_WIDTH, Z_LIMIT, Line
from sbsim.verification.table import KINDS, false_alarm_chance, verify

__all__ = ["HALF_WIDTH", "KINDS", "Z_LIMIT", "Line", "false_alarm_chance", "verify"]
