"""Traffic as it was recorded: one reader per file format, all ending in the same columns.

`read_trace` is the door. `files` turns csv, jsonl and Parquet into blocks of cells, `times` and `fields` turn cells into values, `rows` and
`reading` gather them into a `Trace`; a named format (`azure_llm`, `gentd26`) is a mapping of its columns onto the fields of a request.
"""

from sbsim.workload.traces.reading import FORMATS, read_trace
from sbsim.workload.traces.trace import Trace, Wish, as_request

__all__ = ["FORMATS", "Trace", "Wish", "as_request", "read_trace"]
