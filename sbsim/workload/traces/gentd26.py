"""Requests of a production image generation service (alibaba/clusterdata, cluster-trace-v2026-GenAI, `lora_request_trace.csv`; Lin et al.,
"Understanding Diffusion Model Serving in Production", SoCC 2025).

A row is a request for images: the checkpoint is its engine, task, steps and number of LoRA adapters its style (what decides whether two requests
can share a set-up), the images of a call its units out, the characters of its prompt its units in; image-to-image and inpainting take one input
image. There is no text, so every row is content of its own.

Rows are kept whatever their status (SUCCEED, FAILED, PENDING, PROCESSING): each is demand that arrived, and whether a provider fails it is the
provider model's affair. Measured execution times are outcomes, not demand, and are not read. User groups are users of one service, not tenants that
must be kept apart; `columns: {tenant: groupId}` makes them so. The clock has whole seconds: ties keep the order of the file. Empty cells take the
defaults.
"""

from __future__ import annotations

from typing import Any

from sbsim.workload.traces.formats import TraceFormat


def _input_images(cell: Any) -> int:
    """Input images of a task."""
    if not isinstance(cell, str):
        raise ValueError(f"{cell!r} is not a kind of task such as TXT_2_IMG")
    return 0 if cell.strip().upper().startswith("TXT") else 1


FORMAT = TraceFormat(
    columns={
        "arrived_at": "gmt_create",
        "engine": "checkpoint_model_version_id",
        "units_in": "prompt_length",
        "units_out": "num_images_per_prompt",
        "style_params.steps": "num_inference_steps",
        "style_params.loras": "num_lora",
        "style_params.task": "predict_type",
        "n_images": "predict_type",
    },
    defaults={"content_type": "image"},
    readers={"n_images": _input_images},
    blanks=frozenset(("", "NULL", "None")),
)
