"""Traffic: who asks for what, when. Synthetic, drawn from laws, or recorded, read from a file; both end as `Prepared`, ready for the inner loop.

This room knows scenarios, prices (through `pipeline.prepare`) and files of traffic. It knows no clock and no provider's behaviour;
of components it knows fingerprints, and in `reuse` cache policies and near-duplicates.
"""

from sbsim.workload.billed import Bills, bills, bills_of
from sbsim.workload.describe import Description, Quantiles, describe, described, repeats
from sbsim.workload.prepared import Prepared, forget, prepare

__all__ = ["Bills", "Description", "Prepared", "Quantiles", "bills", "bills_of", "describe", "described", "forget", "prepare", "repeats"]
