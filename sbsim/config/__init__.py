"""Every setting of the batching layer, once: default, unit, bound, words, names in the environment; and the files that carry them.

Settings know nothing of traffic and providers. A simulation never reads the environment: `from_environment` is handed a mapping by whoever runs live.
"""

from sbsim.config.config import SETTINGS, Config, find_setting, known_setting, plain_value, require_available
from sbsim.config.environment import from_environment, share_to_environment, to_environment
from sbsim.config.files import SettingsFile, load
from sbsim.config.sections import BudgetWindow
from sbsim.config.setting import Setting
from sbsim.config.switches import SWITCHES, is_inert

__all__ = [
    "SETTINGS", "SWITCHES", "BudgetWindow", "Config", "Setting", "SettingsFile", "find_setting", "from_environment", "is_inert", "known_setting",
    "load", "plain_value", "require_available", "share_to_environment", "to_environment",
]  # fmt: skip
