"""The service under load: requests per second, latency, memory, and the start.

    uv run python benchmarks/serve.py

The load comes from h2load (Debian's nghttp2-client) on the same machine, over HTTP/1.1. First at
the highest rate of 8 connections, for requests per second; then at a fixed rate, for the 99th
percentile of the latency. A small picture is one of MNIST as PNG of 28×28; raw is its 784 bytes.
The photographs are synthetic pages of 1 megapixel, of 8 and of 105 numbers (`read_speed.py`).
Memory is that of the service and of its worker processes; what they share is counted once (PSS).
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import between, row, spread, write
from read_speed import make_photo

CONNECTIONS = 8


@contextmanager
def service() -> Any:
    """Start ``digitscope serve``; give its address, its process, and seconds until it answered."""
    command = [sys.executable, "-m", "digitscope", "serve", "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            urllib.request.urlopen(f"{address}/readyz").read()
            yield address, process.pid, time.perf_counter() - began
        finally:
            process.terminate()


def load(address: str, body: Path, kind: str, *arguments: str) -> dict[str, float]:
    """Run h2load and return requests a second, and median and 99th percentile in milliseconds."""
    with tempfile.NamedTemporaryFile() as log:
        command = ["h2load", "--h1", "-t1", *arguments, f"--log-file={log.name}", "-d", str(body)]
        command += ["-H", f"content-type: {kind}", address]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows = [line.split("\t") for line in Path(log.name).read_text().splitlines()]
    bad = [row[1] for row in rows if row[1] != "200"]
    if bad:
        raise RuntimeError(f"{len(bad)} of {len(rows)} answers were {set(bad)}")
    ms = sorted(int(row[2]) / 1000 for row in rows)
    rate = float(re.search(r"finished in .*?, ([\d.]+) req/s", text)[1])  # type: ignore[index]
    return {
        "n": len(ms),
        "per_second": rate,
        "median_ms": statistics.median(ms),
        "p99_ms": ms[int(0.99 * (len(ms) - 1))],
    }


def evenly(url: str, body: Path, kind: str, per_second: float, seconds: float) -> dict[str, float]:
    """Send a request every so often, whether or not the last one was answered.

    Time runs from when it was due. h2load would send those of all its connections at once.
    """
    content = body.read_bytes()
    began = time.perf_counter() + 0.1

    def one(number: int) -> float:
        due = began + number / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        request = urllib.request.Request(url, data=content, headers={"Content-Type": kind})
        with urllib.request.urlopen(request) as answer:
            answer.read()
        return 1000 * (time.perf_counter() - due)

    with ThreadPoolExecutor(32) as pool:
        ms = sorted(pool.map(one, range(int(per_second * seconds))))
    return {
        "n": len(ms),
        "median_ms": statistics.median(ms),
        "p99_ms": ms[int(0.99 * (len(ms) - 1))],
    }


def memory(pid: int) -> float:
    """Return the memory of a process and of those that it started, in megabytes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    kilobytes = 0
    for one in (pid, *children):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        kilobytes += int(re.search(r"^Pss: +(\d+)", rollup, re.M)[1])  # type: ignore[index]
    return kilobytes * 1024 / 1e6


def ask(url: str, body: Path, kind: str) -> None:
    """Send one request, so that what it needs is there before others are timed."""
    headers = {"content-type": kind}
    urllib.request.urlopen(urllib.request.Request(url, body.read_bytes(), headers)).read()


def rows(result: dict[str, Any], load_before: float) -> list[dict[str, Any]]:
    """Return the rows of requests a second, times, memory and start.

    A mean load above 1 before the benchmark means that the machine had other work.
    """
    beside = ", beside other work" if load_before > 1 else ""
    table = []
    for form, name in (("raw", "28×28 as 784 bytes"), ("png", "28×28 as PNG")):
        full = [run["full"]["per_second"] for run in result[form]]
        p99 = max(run["half"]["p99_ms"] for run in result[form])
        table.append(
            row(
                f"`/v1/predict`, {name}, upper median of the runs",
                f"{statistics.median_high(full):,.0f}",
                unit="a second",
                n=len(full),
                spread=between(min(full), max(full), 0),
                also=f"at half of it p99 {p99:.0f} ms at worst",
                target="≥ 1,500 in every run; p99 < 25 ms",
                met=min(full) >= 1_500 and p99 < 25,
            )
        )
    for name in [name for name in result if "megapixel" in name]:
        one = result[name]
        table.append(
            row(
                f"`/v1/read`, {name}{beside}, p99",
                f"{one['p99_ms']:.0f}",
                unit="ms",
                n=one["n"],
                also=f"median {one['median_ms']:.0f} ms",
                target="p99 ≤ 300 ms",
                met=one["p99_ms"] <= 300,
            )
        )
    grown, start = result["memory_mb after each 10,000"], result["start_seconds"]
    return [
        *table,
        row(
            f"memory of the service after {len(grown)}0,000 requests, all processes",
            f"{grown[-1]:.0f}",
            unit="MB",
            also=f"{grown[0]:.0f} MB after 10,000",
            target="flat over 50,000 (at most 5 % more)",
            met=grown[-1] <= 1.05 * grown[0],
        ),
        row(
            "`serve` until it answers",
            f"{start['median']:.2f}",
            unit="s",
            n=start["n"],
            spread=between(start["min"], start["max"]),
            target="< 1.5 s",
            met=start["median"] < 1.5,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    if not shutil.which("h2load"):
        parser.error("h2load is not here; Debian has it in nghttp2-client.")
    load_before = os.getloadavg()[0]
    lasting = f"-D{options.seconds}"
    result: dict[str, Any] = {"start_seconds": [], "raw": [], "png": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        from PIL import Image

        from digitscope.data import load_data

        image = load_data("mnist").test.images[0]
        (folder / "raw").write_bytes(image.tobytes())
        Image.fromarray(255 - image).save(folder / "png", "png")
        forms = {"raw": "application/octet-stream", "png": "image/png"}
        for _ in range(options.repeats):
            with service() as (address, _, seconds):
                result["start_seconds"].append(seconds)
                for form, kind in forms.items():
                    url = f"{address}/v1/predict"
                    ask(url, folder / form, kind)
                    full = load(url, folder / form, kind, f"-c{CONNECTIONS}", lasting)
                    each = max(1, round(full["per_second"] / 2 / CONNECTIONS))
                    half = load(
                        url, folder / form, kind, f"-c{CONNECTIONS}", f"--rps={each}", lasting
                    )
                    result[form].append({"full": full, "half": half})
                print(json.dumps({k: v[-1] for k, v in result.items()}), flush=True)
        for photo in ("1 megapixel, three lines", "1 megapixel, full"):
            make_photo(photo, 0, folder / "photo.jpg")
            with service() as (address, pid, _):
                url = f"{address}/v1/read"
                ask(url, folder / "photo.jpg", "image/jpeg")
                body, kind = folder / "photo.jpg", "image/jpeg"
                result[f"{photo}, one every 250 ms"] = evenly(url, body, kind, 4, 30)
                result[f"{photo}, four at once every second"] = load(
                    url, body, kind, "-c4", "--rps=1", "-D20"
                ) | {"memory_mb": memory(pid)}
                print(json.dumps({k: v for k, v in result.items() if photo in k}), flush=True)
        with service() as (address, pid, _):
            url, grown = f"{address}/v1/predict", []
            for _ in range(6):
                load(url, folder / "png", "image/png", f"-c{CONNECTIONS}", "-n10000")
                grown.append(memory(pid))
            result["memory_mb after each 10,000"] = grown
    result["start_seconds"] = spread(result["start_seconds"])
    write("serve", result, rows(result, load_before))


if __name__ == "__main__":
    main()
