"""Requests of production LLM services with the identity of their prompts (kvcache-ai/Mooncake; Qin et al., "Mooncake", FAST 2025).

One JSON object a line: `timestamp` in milliseconds from the trace's start, `input_length` and `output_length` in tokens, and `hash_ids`, a number for
each block of 512 tokens of the prompt. A block's number stands for the prompt up to its end, so two requests with the same list have the same
prompt, and a block that was seen before is one that a prefix cache could have kept.
"""

from __future__ import annotations

from sbsim.workload.traces.formats import TraceFormat

FORMAT = TraceFormat(
    columns={"arrived_at": "timestamp", "units_in": "input_length", "units_out": "output_length", "blocks": "hash_ids"},
    defaults={"content_type": "text", "is_measured": True},
    tick_s=0.001,
)
