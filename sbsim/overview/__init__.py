"""What a scenario means before anything is simulated: its traffic, what each lane is offered against its limits, and whether promises can be kept.

Closed arithmetic on one prepared history: means and the fullest minute, no queue, no failure, no reuse unless said. It prints nothing.
"""

from sbsim.overview.lanes import LaneLoad, LimitLoad
from sbsim.overview.overview import Overview, overview
from sbsim.overview.promises import Promise
from sbsim.overview.traffic import ClassShare, Traffic

__all__ = ["ClassShare", "LaneLoad", "LimitLoad", "Overview", "Promise", "Traffic", "overview"]
