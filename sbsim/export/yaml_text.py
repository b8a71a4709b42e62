"""Plain values as YAML that a YAML 1.2 reader, ours above all, reads back as they were."""

from __future__ import annotations

from typing import Any

import yaml

from sbsim.documents.yaml12 import read_scalar


class _Dumper(yaml.SafeDumper):
    """Block style, keys in their order, no anchors; text that would be read as something else is quoted (PyYAML quotes by the rules of YAML 1.1)."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _stays_text(text) else '"')


def _stays_text(text: str) -> bool:
    try:
        return bool(read_scalar(text) == text)
    except ValueError:
        return False


_Dumper.add_representer(str, _text)
_Dumper.add_representer(tuple, lambda dumper, values: dumper.represent_list(values))


def yaml_text(document: Any) -> str:
    """`document` (mappings, lists, text, numbers, booleans, None) as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=150, default_flow_style=False)
