"""Scenarios: traffic, providers, promises, settings and the study, as one validated value.

This room reads files; it knows no component and draws nothing. `load` reads a file or a shipped scenario, `Scenario.from_mapping` plain values; both
refuse what means nothing with one clear message.
"""

from sbsim.scenario.deployment import Deployment, deployment, load_deployment
from sbsim.scenario.document import load, schema, shipped
from sbsim.scenario.instances import is_divided, share_of
from sbsim.scenario.knobs import is_whole
from sbsim.scenario.limits import Limit
from sbsim.scenario.price import Plan, Price, Rate, Tier
from sbsim.scenario.provider import ANY, Api, ColdStart, Failures, Latency, Outage, ProviderSpec, RandomOutages, Result, Serves, line_bytes
from sbsim.scenario.scenario import Scenario
from sbsim.scenario.study import CacheTier, Constraint, Knob, Objective, Sla
from sbsim.scenario.traffic import Arrivals, Catalogue, Inputs, Tenants, TrafficClass, Workload

__all__ = [
    "ANY", "Api", "Arrivals", "CacheTier", "Catalogue", "ColdStart", "Constraint", "Deployment", "Failures", "Inputs", "Knob", "Latency",
    "Limit", "Objective", "Outage", "Plan", "Price", "ProviderSpec", "RandomOutages", "Rate", "Result", "Scenario", "Serves", "Sla",
    "Tenants", "Tier", "TrafficClass", "Workload", "deployment", "is_divided", "is_whole", "line_bytes", "load", "load_deployment",
    "schema", "share_of", "shipped",
]  # fmt: skip
