"""Virtual time: the engine (the only door to SimPy), replications of it, and studies made of replications."""

from sbsim.simulation.replicate import Replication, Run, replicate, run
from sbsim.simulation.study import Study, simulate, squeezed, warmup_instant

__all__ = ["Replication", "Run", "Study", "replicate", "run", "simulate", "squeezed", "warmup_instant"]
