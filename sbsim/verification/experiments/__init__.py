"""The experiments by theme. Each module lists its own; none of them knows another."""

from sbsim.verification.experiment import Experiment
from sbsim.verification.experiments.batching import BATCHING
from sbsim.verification.experiments.gates import GATES
from sbsim.verification.experiments.identities import IDENTITIES
from sbsim.verification.experiments.queues import QUEUES
from sbsim.verification.experiments.reuse import REUSE

EXPERIMENTS: tuple[Experiment, ...] = tuple(
    sorted((*QUEUES, *BATCHING, *REUSE, *GATES, *IDENTITIES), key=lambda experiment: experiment.kind)  # a stable sort: within a kind as listed
)

__all__ = ["EXPERIMENTS"]
