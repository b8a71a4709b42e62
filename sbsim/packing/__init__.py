"""Batch formation: items to batches at least cost, with a proven bound.

`instance` makes an instance of any decimals, `read_instances` of a file; `pack` packs one, a `Packer` many of the same kinds and remembers. Whoever
has prices and limits of its own builds an `Instance` (whole numbers) with a `Tariff` directly.

Knows no requests, no providers and no clock: the work that a packing may take comes in as units (`Effort`), which makes the answer a function of the
instance. The solvers stand behind one door (`solvers`) and are loaded when a rung first needs them.
"""

from sbsim.packing.decimals import instance
from sbsim.packing.effort import Effort
from sbsim.packing.files import read_instances
from sbsim.packing.instances import Instance
from sbsim.packing.ladder import METHODS, Method, Packed, pack
from sbsim.packing.packer import Packer
from sbsim.packing.tariff import Tariff

__all__ = ["METHODS", "Effort", "Instance", "Method", "Packed", "Packer", "Tariff", "instance", "pack", "read_instances"]
