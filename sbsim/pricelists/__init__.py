"""Price lists of others: LiteLLM's file of model prices, read with tolerance and turned into provider entries of a scenario.

Owns what the file's fields mean in our words (`per` and `when`) and what they do not say, which becomes an assumption and is called so. It knows no
traffic and no bill: what a converted entry costs is found by `pricing` like any other.
"""

from sbsim.pricelists.file import Entry, PriceFile, read_price_file
from sbsim.pricelists.lane import Conversion, convert

__all__ = ["Conversion", "Entry", "PriceFile", "convert", "read_price_file"]
