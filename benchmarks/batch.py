"""Throughput and memory of ``digitscope batch``, compared with the cores without it.

    uv run python benchmarks/batch.py

Digits are MNIST's test images, repeated, in Parquet with 784 bytes each. Bare ONNX Runtime reads
them from memory, a process on each core, one thread each. Memory is the proportional set size of
all processes of the batch, sampled twice a second; Ray's own is that of a batch of ten images.
Photographs are JPEG files of 100 synthetic pages, each several times; what the cores do alone is a
process on each core that reads its share of the pages. The time of a batch is that of its summary:
from the first part on, with the start of the workers, without the start of Ray. The time of the
whole process is also given.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common import row, write
from pages import mnist

CORES = sorted(os.sched_getaffinity(0))
ROW_GROUP = 8_192
PAGES = 100  # pages that are drawn; a photograph of each comes several times
SAMPLED = 0.5  # seconds between two looks at the memory


def write_digits(file: Path, n: int) -> None:
    """Write `n` images as a Parquet file."""
    images = mnist("test")[0]
    rows = pa.array([image.tobytes() for image in images])
    schema = pa.schema([("image", pa.binary())])
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, n, ROW_GROUP):
            chosen = np.arange(start, min(start + ROW_GROUP, n)) % len(images)
            writer.write_table(pa.table({"image": rows.take(pa.array(chosen))}, schema))


def write_photos(folder: Path, n: int, seed: int) -> None:
    """Write `n` photographs: of `PAGES` pages with three to fourteen lines, again and again."""
    from PIL import Image

    from digitscope.synthesis.faulty_pages import make_page
    from read_speed import FAULTS

    for k in range(min(n, PAGES)):
        rng = np.random.default_rng([seed, k])
        page, _ = make_page(rng, *mnist("test"), faults=FAULTS, lines=int(rng.integers(3, 15)))
        for copy in range(k, n, PAGES):
            Image.fromarray(page).save(folder / f"{copy:04d}.jpg", quality=90)


def _bare(core: int, n: int) -> float:
    """Return the seconds in which ONNX Runtime alone answers for `n` images."""
    os.sched_setaffinity(0, {core})
    from digitscope.models.classifier import load

    classifier = load("cnn", threads=1)
    images = np.resize(mnist("test")[0], (n, 28, 28))
    session, name = classifier._session, classifier._input
    session.run(None, {name: images[:1_024]})
    started = time.perf_counter()
    for start in range(0, n, 1_024):
        session.run(None, {name: images[start : start + 1_024]})
    return time.perf_counter() - started


def _read_all(core: int, files: list[str]) -> float:
    """Return the seconds in which one process reads some photographs."""
    os.sched_setaffinity(0, {core})
    import cv2

    from digitscope.reading import load_reader, read

    cv2.setNumThreads(1)
    reader = load_reader(threads=1)
    read(files[0], model=reader)
    started = time.perf_counter()
    for file in files:
        read(file, model=reader)
    return time.perf_counter() - started


def on_each_core(work: Callable[[int, Any], float], shares: list[Any]) -> list[float]:
    """Return the seconds of a piece of work on each core, all at once."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(CORES), mp_context=context) as pool:
        return list(pool.map(work, CORES[: len(shares)], shares))


def batch(*arguments: object) -> dict[str, Any]:
    """Run a batch as a process; return its summary, its seconds as a whole, and its peak memory."""
    command = [sys.executable, "-m", "digitscope", "batch", *map(str, arguments), "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLED):
            peak[0] = max(peak[0], _memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    summary: dict[str, Any] = json.loads(out)
    del summary["out"]  # a temporary folder
    return summary | {
        "process_seconds": time.perf_counter() - started,
        "peak_mb": peak[0],
    }


def _memory_of(root: int) -> float:
    """Return the megabytes of a process and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(status[1])
    family, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    total = 0.0
    for pid in family:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def digits(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of many 28×28 images."""
    bare_n = 100_000
    alone = on_each_core(_bare, [bare_n])[0]
    seconds = on_each_core(_bare, [bare_n] * len(CORES))
    result: dict[str, Any] = {
        "cores": len(CORES),
        "bare_one_per_second": bare_n / alone,
        "bare_per_second": sum(bare_n / s for s in seconds),
    }
    for name, n, workers in (
        ("ten", 10, len(CORES)),
        ("few", options.few, len(CORES)),
        ("one_worker", options.scale, 1),
        ("many", options.many, len(CORES)),
    ):
        file = folder / f"{n}.parquet"
        if not file.exists():
            write_digits(file, n)
        result[name] = batch(file, folder / name, "--workers", workers)
        rows = pq.ParquetDataset(folder / name).read(columns=["key"]).num_rows
        result[name]["rows"] = rows
        print(name, json.dumps(result[name]), flush=True)
    again = on_each_core(_bare, [bare_n] * len(CORES))
    result["bare_per_second_after"] = sum(bare_n / s for s in again)
    return result


def photos(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of many photographs."""
    pictures = folder / "photos"
    pictures.mkdir()
    write_photos(pictures, options.photos, options.seed)
    files = sorted(map(str, pictures.iterdir()))[:PAGES]
    shares = [files[k :: len(CORES)] for k in range(len(CORES))]
    seconds = on_each_core(_read_all, shares)
    result: dict[str, Any] = {
        "alone_per_second": sum(len(f) / s for f, s in zip(shares, seconds, strict=True))
    }
    result["batch"] = batch(pictures, folder / "read", "--task", "read")
    again = on_each_core(_read_all, shares)
    result["alone_per_second_after"] = sum(len(f) / s for f, s in zip(shares, again, strict=True))
    return result


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of throughput, memory and workers."""
    d, p = result["digits"], result["photos"]
    bare = (d["bare_per_second"] + d["bare_per_second_after"]) / 2
    few, many, one, ray = d["few"], d["many"], d["one_worker"], d["ten"]["peak_mb"]
    share = many["images_per_second"] / bare
    few_mb, many_mb = few["peak_mb"] - ray, many["peak_mb"] - ray
    times = many["images_per_second"] / one["images_per_second"]
    alone = (p["alone_per_second"] + p["alone_per_second_after"]) / 2
    read = p["batch"]["images_per_second"]
    return [
        row(
            f"`batch` of {many['images']:,} images in Parquet, {d['cores']} cores, of the speed of "
            "bare ONNX Runtime from memory",
            f"{100 * share:.0f}",
            unit="%",
            also=f"{many['images_per_second']:,.0f} of {bare:,.0f} a second; {many['rows']:,} rows",
            target="≥ 70 %",
            met=share >= 0.7,
        ),
        row(
            "its peak memory above Ray's own, all processes",
            f"{many_mb:.0f}",
            unit="MB",
            also=f"of {few['images']:,} images {few_mb:.0f} MB; Ray's own {ray:.0f} MB",
            target="< 2 GB, flat (at most 10 % more)",
            met=many_mb < 2_000 and many_mb <= 1.1 * few_mb,
        ),
        row(
            "two workers against one",
            f"{times:.2f}",
            unit="times",
            also="bare ONNX Runtime on both cores against one "
            f"{bare / d['bare_one_per_second']:.2f} times",
            target="≥ 1.8 times",
            met=times >= 1.8,
        ),
        row(
            f"`batch --task read` of {p['batch']['images']:,} photographs, {d['cores']} cores, of "
            "the speed of the cores alone",
            f"{100 * read / alone:.0f}",
            unit="%",
            also=f"{read:.2f} of {alone:.2f} a second",
            target="≥ 90 %",
            met=read >= 0.9 * alone,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=200_000)
    parser.add_argument("--scale", type=int, default=1_000_000, help="images of one worker")
    parser.add_argument("--many", type=int, default=2_000_000)
    parser.add_argument("--photos", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for the images; needs some gigabytes")
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        result = {"digits": digits(folder, options), "photos": photos(folder, options)}
    print(json.dumps(result, indent=1))
    if not options.dry:
        write("batch", result, rows(result), show=False, seed=options.seed)


if __name__ == "__main__":
    main()
