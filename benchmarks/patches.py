"""Time of one synthesised patch, from which the page network learns, on one core.

    uv run python benchmarks/patches.py

A patch is 224×224 pixels with its exact truth, as `digitscope train page` draws it. CPU
time is also given, for machines that have other work.
"""

import argparse
import os
import time
from collections import defaultdict
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import cv2

from common import row, spread, write
from digitscope.data.page_sources import page_sources
from digitscope.synthesis.pages.stream import draw_patch

WARM = 100  # patches before the first that counts: characters of fonts are drawn once


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the row of the time of a patch."""
    cpu = result["cpu_ms"]
    return [
        row(
            "a synthesised patch of 224×224 pixels, time of the processor, mean",
            f"{cpu['mean']:.1f}",
            unit="ms",
            n=cpu["n"],
            also=f"median {cpu['median']:.1f} ms",
            target="< 6 ms",
            met=cpu["mean"] < 6,
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=600, help="patches")
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    source, _ = page_sources()
    clock, cpu, by_layout = [], [], defaultdict(list)
    for number in range(-WARM, options.n):
        started, used = time.perf_counter(), time.process_time()
        _, truth = draw_patch(source, (0,), number + WARM)
        if number >= 0:
            clock.append(1000 * (time.perf_counter() - started))
            cpu.append(1000 * (time.process_time() - used))
            by_layout[truth.layout].append(cpu[-1])
    of_layout = {name: spread(ms) for name, ms in sorted(by_layout.items())}
    result = {"ms": spread(clock), "cpu_ms": spread(cpu), "cpu_ms_by_layout": of_layout}
    print(result["ms"], result["cpu_ms"], sep="\n")
    for name, ms in of_layout.items():
        print(f"{name}: {ms['mean']:.1f} ms, n = {ms['n']}")
    if not options.dry:
        write("patches", result, rows(result), show=False)


if __name__ == "__main__":
    main()
