"""Our own way to write traffic down: columns that bear the names of the fields of `ContentRequest`, with what came of each request beside them.

Beside the fields (`arrived_at` is the only one that must be there) stand `n_images` and `input_s`, one column `style_params.NAME` for each style
parameter, or JSON in `style_params` and `inputs`, and the outcomes: `started_at` and `finished_at` on the clock of `arrived_at`, `cost_usd`,
`status`, `cached`, `provider` (the name of a lane). A csv, jsonl or Parquet file; `generic` reads the same, and columns of other names too.
"""

from __future__ import annotations

from sbsim.workload.traces.formats import TraceFormat

FORMAT = TraceFormat(columns={"arrived_at": "arrived_at"}, by_name=True, blanks=frozenset(("", "none", "null")))
