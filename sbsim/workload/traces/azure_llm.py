"""Arrivals of production LLM services published by Azure: instants and token counts, no text (AzurePublicDataset: AzureLLMInferenceDataset2023,
2024 and AzureLMMInferenceDataset2025; Patel et al., "Splitwise", ISCA 2024; Stojkovic et al., "DynamoLLM", HPCA 2025; Qiu et al., "ModServe", SoCC
2025).

Every row is content of its own: nothing says that two prompts are the same. The multimodal trace also counts input images.
"""

from __future__ import annotations

from sbsim.workload.traces.formats import TraceFormat

FORMAT = TraceFormat(
    columns={"arrived_at": "TIMESTAMP", "units_in": "ContextTokens", "units_out": "GeneratedTokens"},
    optional={"n_images": "NumImages"},
    defaults={"content_type": "text"},
)
