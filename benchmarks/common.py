"""What the benchmarks share: the machine, the spread, rows of results, and where they are written.

A result file has the raw figures under ``result`` and under ``rows`` what ``table.py`` shows::

    {"what": "`predict` of one image, whole process", "measured": "0.34", "unit": "s",
     "spread": "0.33 to 0.43", "n": 10, "also": "81 MB", "target": "< 0.6 s", "met": true,
     "command": "uv run python benchmarks/predict.py"}
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
LIBRARIES = (
    "digitscope",
    "tensorflow",
    "keras",
    "jax",
    "onnxruntime",
    "scikit-learn",
    "torch",
    "opencv-python-headless",
    "faster-paddle",
)


def machine() -> dict[str, Any]:
    """Return processor, cores, memory and versions of this machine."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    load = os.getloadavg()[0]
    return {"cpu": model, "cores": os.cpu_count(), "load_before": load, "versions": versions}


def spread(values: list[float]) -> dict[str, float]:
    """Return n, mean, standard deviation, median, least and greatest of the values."""
    return {
        "n": len(values),
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else 0.0,
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
    }


def row(
    what: str,
    measured: str,
    *,
    unit: str = "",
    n: int | None = None,
    spread: str = "",
    also: str = "",
    target: str = "",
    met: bool | None = None,
) -> dict[str, Any]:
    """Return a row of a result file; `write` adds the command.

    Parameters
    ----------
    what : str
        What is measured, as Markdown.
    measured : str
        The figure, as it is shown.
    unit : str
        Of the figure and its spread.
    n : int or None
        Repeats, seeds, images or pages that the figure is of.
    spread : str
        Its range, or its 95 % interval.
    also : str
        Other figures of the same measurement.
    target : str
        What it should be; empty for nothing.
    met : bool or None
        Whether it is; None without a target.
    """
    assert target or met is None, f"{what}: met without a target"
    return {
        "what": what, "measured": measured, "unit": unit, "n": n, "spread": spread, "also": also,
        "target": target, "met": None if met is None else bool(met),
    }  # fmt: skip


def between(low: float, high: float, digits: int = 2) -> str:
    """Return a range as text.

    >>> between(1.234, 5)
    '1.23 to 5.00'
    """
    return f"{low:,.{digits}f} to {high:,.{digits}f}"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the wall seconds of a call, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def write(
    name: str,
    result: dict[str, Any],
    rows: list[dict[str, Any]],
    *,
    show: bool = True,
    group: str = "",
    **details: Any,
) -> None:
    """Write a result to ``benchmarks/results/<name>.json``, and print it unless `show` is false.

    `rows` are made by `row`; `group` is the dependency group that the command needs.
    """
    run = f"uv run --group {group} python" if group else "uv run python"
    words = [run, f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]
    command = " ".join(words)
    content = {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        **details,
        "rows": [one | {"command": command} for one in rows],
        "result": result,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(content, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    if show:
        print(text)


def child(*arguments: str) -> dict[str, Any]:
    """Run Python in a process of its own; return the JSON of its last line, if any, and its cost.

    ``process_seconds`` is the wall time of the whole process, ``peak_mb`` its largest resident set.
    """
    measure = (
        "import resource, subprocess, sys, time; t = time.perf_counter(); "
        "p = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True); "
        "s = time.perf_counter() - t; print(p.stdout.strip().rsplit('\\n', 1)[-1]); "
        "print(p.returncode, s, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    command = [sys.executable, "-c", measure, sys.executable, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.strip().splitlines()
    code, seconds, peak = lines[-1].split()
    if code != "0":
        raise RuntimeError(f"{' '.join(arguments)} failed with exit code {code}")
    content: dict[str, Any] = json.loads(lines[0]) if lines[0].startswith("{") else {}
    return content | {"process_seconds": float(seconds), "peak_mb": float(peak)}
