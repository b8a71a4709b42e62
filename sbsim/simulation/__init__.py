"""Virtual time: the engine (the only door to SimPy), replications of it, studies made of replications, and what it costs not to have known."""

from sbsim.simulation.regret import Regret, regret_of
from sbsim.simulation.replicate import NothingCounted, Replication, Run, replicate, run
from sbsim.simulation.study import Study, simulate, squeezed, warmup_instant

__all__ = ["NothingCounted", "Regret", "Replication", "Run", "Study", "regret_of", "replicate", "run", "simulate", "squeezed", "warmup_instant"]
