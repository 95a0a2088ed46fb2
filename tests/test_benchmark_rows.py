"""The rows of a result file are those that its benchmark makes; missed targets are seen."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RESULTS = sorted((BENCHMARKS / "results").glob("*.json"))
KEYS = {"what", "measured", "unit", "n", "spread", "also", "target", "met", "command"}
LIBRARIES = {"page": "playwright", "batch": "pyarrow"}  # that a benchmark imports at once


@pytest.fixture
def benchmark(monkeypatch):
    """Return how to import a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"):
        monkeypatch.setenv(name, "1")  # the commands set them; they are put back after the test
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    return importlib.import_module


def rows_of(benchmark, name, content):
    """Return the rows that the benchmark of a result file makes of its figures."""
    result = content["result"]
    module = benchmark(Path(content["command"].partition("benchmarks/")[2].split()[0]).stem)
    match module.__name__:
        case "accuracy":
            return module.rows(name.removeprefix("accuracy-"), result)
        case "digits":
            committee = "--committee" in content["command"]
            return module.committee_rows(result) if committee else module.model_rows(result)
        case "read_pages":
            return module.mixed_rows(result, every="--every" in content["command"])
        case "reading":
            return module.rows(result, list(content["readers"]))
        case "serve":
            return module.rows(result, content["machine"]["load_before"])
    return module.rows(result)


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_a_result_file_has_the_rows_of_its_benchmark(benchmark, file):
    if library := LIBRARIES.get(file.stem):
        pytest.importorskip(library)
    content = json.loads(file.read_text())
    made = rows_of(benchmark, file.stem, content)
    assert made
    assert content["rows"] == [row | {"command": content["command"]} for row in made]
    for row in content["rows"]:
        assert set(row) == KEYS
        assert row["measured"]
        assert row["met"] is None or row["target"]


def test_a_target_that_is_missed_is_seen(benchmark):
    row, line = benchmark("common").row, benchmark("table").line
    missed = row("speed", "2.00", unit="s", n=3, target="< 1 s", met=False)
    assert line(missed) == "| speed | **2.00 s**, n = 3 | < 1 s | **no** |"
    assert line(missed | {"met": True}).endswith("| < 1 s | yes |")
    open_ = row("speed", "1 of 1000", n=1000, spread="0 to 1 %", also="by chance")
    assert line(open_) == "| speed | **1 of 1000** (0 to 1 %); by chance |  | – |"
    with pytest.raises(AssertionError, match="met without a target"):
        row("speed", "2.00", met=True)


@pytest.mark.parametrize(
    ("name", "counts", "met"),
    [
        ("empty", {"n": 500, "right": 495, "invented": 5}, True),
        ("empty", {"n": 500, "right": 495, "invented": 6}, False),
        ("empty", {"n": 100, "right": 98, "invented": 2}, False),
        ("pages-dev", {"n": 7, "right": 0, "found": 46, "wanted": 48, "invented": 3}, True),
        ("pages-dev", {"n": 7, "right": 7, "found": 45, "wanted": 48, "invented": 0}, False),
        ("sudoku-mixed-dev", {"n": 40, "right": 37, "found": 3231, "wanted": 3240}, True),
        ("sudoku-mixed-dev", {"n": 40, "right": 36, "found": 3240, "wanted": 3240}, False),
        ("orand-car-dev", {"n": 400, "right": 340}, True),
        ("orand-car-dev", {"n": 400, "right": 339}, False),
    ],
)
def test_targets_of_reading(benchmark, name, counts, met):
    counts = {"found": 0, "wanted": 0} | counts
    assert benchmark("reading").is_met(name, counts) is met


def test_every_accuracy_target_is_one_of_cnn(benchmark):
    digits = benchmark("digits")
    s = {"accuracy": 0.995, "slashed 0s": {"n": 90, "accuracy": 0.97}}
    assert not digits.is_met("unipen", s)
    assert digits.is_met("unipen", s | {"slashed 0s": {"n": 90, "accuracy": 0.98}})
    assert not digits.is_met("swiss-digits", s | {"worst_writers": {"a": 0.979}})
