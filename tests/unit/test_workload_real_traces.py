"""Real traces against the facts published with them (shared/data/README.md)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sbsim.scenario import load
from sbsim.workload import describe, prepare
from sbsim.workload.traces import read_trace


def test_azure_llm_2023(data):
    """Rows, span, rate, burstiness and token counts of the hour of chat completions."""
    found = describe(str(data / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv"), format="azure-llm")
    assert found.n_rows == found.n_contents == 19_366
    assert found.span_s == pytest.approx(3501.7, abs=0.05)
    assert found.rate_per_s == pytest.approx(5.530, abs=0.0005)
    assert found.gap_cv == pytest.approx(1.09, abs=0.005)
    assert (found.sizes["units_in"].p50, found.sizes["units_out"].p50) == (1020, 129)
    assert found.sizes["units_in"].mean == pytest.approx(1154.7, abs=0.05)
    assert found.sizes["units_out"].mean == pytest.approx(211.1, abs=0.05)
    assert found.starts_at == "2023-11-16T18:15:46.68059Z"
    assert found.exact_repeats is None
    assert (found.classes, found.unused_columns, found.warnings) == ({"text": 1.0}, (), ())


def test_gentd26(data):
    """Rows, ties, models, images per call and what is missing of the eleven days of pictures."""
    found = describe(str(data / "gentd26" / "lora_request_trace_first_11_days.csv"), format="gentd26", defaults={"engine": "none said"})
    assert found.n_rows == 9930
    assert found.n_ties == 221
    assert found.span_s == 975_724
    assert found.classes["image M0002"] == 2730 / 9930
    assert found.classes["image none said"] == 3 / 9930
    assert (found.sizes["units_out"].p50, found.sizes["units_out"].maximum) == (1, 8)
    assert found.sizes["units_out"].mean == pytest.approx((2.596656 * 9927 + 3) / 9930, abs=1e-6)
    assert found.sizes["n_images"].mean == pytest.approx((810 + 80) / 9930)
    assert sum(share for style, share in found.styles.items() if "steps: 30," in style) == pytest.approx(9118 / 9930)
    assert set(found.unused_columns) == {"predict_status", "exec_time_seconds", "groupId", "negative_prompt_length"}


def test_a_gentd26_trace_keeps_the_order_of_its_file(data):
    """Ties keep the order of the file, and no row is lost whatever its status."""
    path = data / "gentd26" / "lora_request_trace_first_11_days.csv"
    trace = read_trace(str(path), format="gentd26", defaults={"engine": "?"})
    lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
    assert [trace.wishes[k].engine for k in trace.wish] == [cells[9] or "?" for cells in lines]
    assert [trace.wishes[k].units_in for k in trace.wish] == [float(cells[5] or 0) for cells in lines]


@pytest.mark.parametrize(
    ("scenario", "path", "n", "n_classes"),
    [
        ("azure-hour", "azure_llm_2023/AzureLLMInferenceTrace_conv.csv", 19_366, 1),
        ("image-days", "gentd26/lora_request_trace_first_11_days.csv", 9930, 74),
    ],
)
def test_shipped_trace_scenarios_are_prepared(data, scenario, path, n, n_classes):
    """The shipped scenarios read their traces; H is the last arrival, included."""
    prepared = prepare(load(scenario, sets=[f"workload.path={data / path}"]), 1, 0)
    assert prepared.n == len(prepared.contents) == n
    assert prepared.horizon_at == prepared.arrived_at[-1]
    assert len(prepared.class_names) == n_classes
    assert prepared.epoch_at > 1.5e9


def test_prompts_of_real_users_repeat_as_published(data, tmp_path):
    """DiffusionDB: of 4,677 prompts 633 repeat an earlier one to the letter (`sort | uniq` counts 4,044 distinct lines)."""
    prompts = (data / "diffusiondb_5k" / "diffusiondb_5k_filtered.txt").read_text().splitlines()
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"arrived_at": k, "prompt": text}) + "\n" for k, text in enumerate(prompts)))
    found = describe(str(path), defaults={"content_type": "image"})
    assert found.n_rows == 4677
    assert found.n_contents == len(set(prompts)) == 4044
    assert found.exact_repeats == 633 / 4677


def test_a_trace_with_other_names_is_read_through_columns(data, tmp_path):
    """Mooncake's fields by `columns`: milliseconds made seconds, 213 requests repeat an earlier block list exactly."""
    rows = [json.loads(line) for line in (data / "mooncake" / "synthetic_trace.jsonl").read_text().splitlines()]
    path = tmp_path / "mooncake.jsonl"
    keys = ("timestamp", "input_length", "output_length")
    path.write_text("".join(json.dumps({**{k: row[k] for k in keys}, "blocks": json.dumps(row["hash_ids"])}) + "\n" for row in rows))
    columns = {"arrived_at": "timestamp", "units_in": "input_length", "units_out": "output_length", "fingerprint": "blocks"}
    trace = read_trace(str(path), columns=columns, speedup=1000.0)
    assert trace.n == 3993
    assert trace.arrived_at[-1] == pytest.approx(1022, abs=0.5)
    assert trace.n - len({trace.wishes[k].fingerprint for k in trace.wish.tolist()}) == 213
    assert np.all(np.diff(trace.arrived_at) >= 0)


def test_mooncake(data):
    """Rows, span, exact repeats of a block list, and the blocks that a prefix cache without bounds would hit."""
    found = describe(str(data / "mooncake" / "synthetic_trace.jsonl"), format="mooncake")
    assert (found.n_rows, round(found.span_s)) == (3993, 1022)
    assert found.exact_repeats == 213 / 3993
    assert found.prefix_blocks == 121_877
    assert found.prefix_hits == pytest.approx(0.6396, abs=5e-5)
    assert (found.unused_columns, found.warnings) == ((), ())


def test_servegen_mm(data):
    """Clients, windows, rates and burstiness as published; what is drawn has the mean rate."""
    found = describe(str(data / "servegen_mm"), format="servegen", between=(0.0, 3600.0))
    promised = found.promised
    assert (promised["n_clients"], promised["n_windows"], promised["span_s"]) == (35, 144, 86_400)
    assert (round(promised["mean_rate_per_s"], 2), round(promised["peak_rate_per_s"], 2)) == (9.47, 13.29)
    assert (round(promised["median_cv"], 2), round(promised["maximum_cv"], 1)) == (1.37, 15.1)
    rates = [[float(cell) for cell in line.split(",")[:2]] for path in data.glob("servegen_mm/*-trace.csv") for line in path.read_text().split()]
    assert found.n_rows == pytest.approx(sum(600 * rate for start, rate in rates if start < 3600), rel=0.05)
