"""Files that run: settings, providers and promises as YAML, JSON, TOML or an environment, each of which loads back to the same config.

Owns writing only; what the files say is decided before, and reading them is `config.load` and `scenario.load_deployment`.
"""

from sbsim.export.folder import FILES, recommend, write_recommendation
from sbsim.export.formats import FORMATS, LATER, render, write

__all__ = ["FILES", "FORMATS", "LATER", "recommend", "render", "write", "write_recommendation"]
