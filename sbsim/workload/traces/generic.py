"""Any csv, jsonl or Parquet file: columns that bear the name of a field are that field, `columns` names the others."""

from __future__ import annotations

from sbsim.workload.traces.formats import TraceFormat

FORMAT = TraceFormat(columns={"arrived_at": "arrived_at"}, by_name=True)
