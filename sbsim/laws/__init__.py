"""Distributions as values: a law turns uniforms into quantities by its inverse distribution function, and knows its mean and support.

A law is immutable, picklable and equal by value. `quantile` rises with u and with the law's scale, so two candidates that meet the same uniforms meet
the same luck (common random numbers). Truncation rescales u onto [F(min), F(max)] and never rejects: one uniform is one draw. Laws know no unit:
whoever reads one hands in how a quantity is read. numpy and scipy are imported on first use: reading a scenario needs neither, but for gamma laws.
"""

from sbsim.laws.continuous import Gamma, Lognormal, Uniform, Weibull
from sbsim.laws.discrete import Constant, Empirical
from sbsim.laws.fitting import LawError
from sbsim.laws.law import Law
from sbsim.laws.popularity import Popularity
from sbsim.laws.reading import parse_law, parse_popularity, plain_number

__all__ = [
    "Constant", "Empirical", "Gamma", "Law", "LawError", "Lognormal", "Popularity", "Uniform", "Weibull", "parse_law", "parse_popularity",
    "plain_number",
]  # fmt: skip
