"""Traffic as it was recorded: one reader per file format, all ending in the same columns.

`read_trace` is the door. `files` turns csv, jsonl and Parquet into blocks of cells, `unpacking` makes columns of nested rows, `times` and `fields`
turn cells into values, `rows`, `outcomes` and `reading` gather them into a `Trace`. A named format (`azure_llm`, `mooncake`, `openai_batch`, …) is a
mapping of its columns onto the fields of a request; `servegen` is a generator, whose rows are drawn.
"""

from sbsim.workload.traces.fields import STATUSES
from sbsim.workload.traces.reading import FORMATS, read_trace
from sbsim.workload.traces.trace import Outcomes, Trace, Wish, as_identity, as_request

__all__ = ["FORMATS", "STATUSES", "Outcomes", "Trace", "Wish", "as_identity", "as_request", "read_trace"]
