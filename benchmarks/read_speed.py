"""Time and memory of reading one photograph, in a fresh process on one core.

    uv run python benchmarks/read_speed.py --tesseract [--network FILE]

The photographs are synthetic (`pages.py`), JPEG files of 12 and of 1 megapixel: a page full of
numbers, and three lines of large ones. What is timed is the first `read` of a process, from the
file to the page; loading the network is timed separately. The peak is that of the whole process.
Tesseract (digits only, page segmentation mode 6) is timed as a whole process. CPU time is also
given, for machines that have other work. At the end the
command ``digitscope read`` is timed from its start to its answer, on a small picture.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
os.environ |= dict.fromkeys(THREADS, "1")

from common import between, child, row, spread, write  # noqa: E402

# name: (megapixels, height of a digit in pixels, lines, width in heights)
PHOTOS = {
    "12 megapixels, full": (12.0, 110.0, 14, 34.0),
    "12 megapixels, three lines": (12.0, 320.0, 3, 11.0),
    "1 megapixel, full": (1.0, 32.0, 14, 34.0),
    "1 megapixel, three lines": (1.0, 92.0, 3, 11.0),
}
WAYS = ("digitscope", "tesseract")
FAULTS = {"shadow": 0.4, "perspective": 0.3, "skew": 0.15, "noise": 0.15, "uneven light": 0.3}


def make_photo(name: str, seed: int, file: Path) -> tuple[Any, tuple[int, int], float]:
    """Write a photograph as JPEG; return its truth, its size, and how much larger than that it is.

    The truth's boxes and the size are those of the page before it was scaled to its megapixels.
    """
    import cv2
    import numpy as np
    from PIL import Image

    from digitscope.synthesis.faulty_pages import make_page
    from pages import mnist

    megapixels, height, lines, ems = PHOTOS[name]
    rng = np.random.default_rng([seed, *name.encode()])
    page, truth = make_page(rng, *mnist("test"), faults=FAULTS, height=height, lines=lines, ems=ems)
    scale = (megapixels * 1e6 / (page.shape[0] * page.shape[1])) ** 0.5
    photo = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    Image.fromarray(photo).save(file, quality=90)
    return truth, page.shape[:2], scale


def read_once(file: str, options: argparse.Namespace) -> dict[str, Any]:
    """Read a file in this process and return what it cost."""
    started = time.perf_counter()
    from own_readers import load_reading

    read = load_reading(options.network)
    loaded, cpu = time.perf_counter(), time.process_time()
    page = read(file)
    cost = {
        "load_seconds": loaded - started,
        "read_seconds": time.perf_counter() - loaded,
        "cpu_seconds": time.process_time() - cpu,
    }
    from page_score import reported_by

    return cost | {"reported": reported_by(page)}


def tesseract_once(file: str) -> dict[str, Any]:
    """Read a file with Tesseract and return what its process cost."""
    from page_score import words_in_tsv

    command = ["tesseract", file, "-", "--psm", "6", "-c", "tessedit_char_whitelist=0123456789"]
    started = time.perf_counter()
    done = subprocess.run([*command, "tsv"], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "read_seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "own_peak_mb": used.ru_maxrss / 1024,
        "reported": words_in_tsv(done.stdout),
    }


def in_turns(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the costs on each photograph; the ways take turns."""
    from page_score import score_page

    result: dict[str, Any] = {}
    for name in options.only:
        megapixels = PHOTOS[name][0]
        file = folder / "photo.jpg"
        truth, size, scale = make_photo(name, options.seed, file)
        ways = ["digitscope"] + ["tesseract"] * options.tesseract
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        given = ["--file", str(file)]
        given += ["--network", options.network] if options.network else []
        for _ in range(options.repeats):
            for way, done in runs.items():
                done.append(child(__file__, "--way", way, *given))
        result[name] = {"megapixels": megapixels, "numbers": len(truth.numbers)}
        for way, done in runs.items():
            boxes = [(t, tuple(round(edge / scale) for edge in b)) for t, b in done[0]["reported"]]
            score = score_page(truth, boxes, size)
            result[name][way] = {
                "read_seconds": spread([run["read_seconds"] for run in done]),
                "cpu_seconds": spread([run["cpu_seconds"] for run in done]),
                "peak_mb": max(run.get("own_peak_mb", run["peak_mb"]) for run in done),
                "score": asdict(score),
            }
            if "load_seconds" in done[0]:
                loading = spread([run["load_seconds"] for run in done])
                result[name][way]["import_and_load_seconds"] = loading
        print(name, json.dumps(result[name]), flush=True)
    return result


def command_seconds(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds of ``digitscope read`` on a small picture, as a process, on one core."""
    import cv2
    import numpy as np

    from pages import mnist

    images, labels = mnist("test")
    file = folder / "small.png"
    ink = np.pad(np.hstack(list(images[:3])), 20)
    cv2.imwrite(str(file), 255 - cv2.resize(ink, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    command = [sys.executable, "-m", "digitscope", "read", str(file)]
    core = {max(os.sched_getaffinity(0))} if hasattr(os, "sched_setaffinity") else None
    seconds, answers = [], []
    for _ in range(3 * options.repeats):
        started = time.perf_counter()
        done = subprocess.run(
            command, check=True, capture_output=True, text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, core)) if core else None,
        )  # fmt: skip
        seconds.append(time.perf_counter() - started)
        answers.append(done.stdout.strip())
    truth = "".join(map(str, labels[:3].tolist()))
    return {"seconds": spread(seconds), "right": sum(truth in answer for answer in answers)}


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of each photograph and way, and of the command."""
    table = []
    for photo, ways in result.items():
        for way in [way for way in WAYS if way in ways]:
            r = ways[way]
            s, score = r["read_seconds"], r["score"]
            also = f"{r['peak_mb']:.0f} MB; {score['exact']} of {score['numbers']} numbers exact"
            if "import_and_load_seconds" in r:
                loading = r["import_and_load_seconds"]["median"]
                also += f"; loading the model {loading:.2f} s more"
            target, met = "", None
            if way == "digitscope":
                target, met = _target(photo, s["median"], r["peak_mb"])
            table.append(
                row(
                    f"reading a photo of {photo}, {way}",
                    f"{s['median']:.2f}",
                    unit="s",
                    n=s["n"],
                    spread=between(s["min"], s["max"]),
                    also=also,
                    target=target,
                    met=met,
                )
            )
    s = result["command"]["seconds"]
    command = row(
        "`digitscope read` of a small picture, as a process, start to answer",
        f"{s['median']:.2f}",
        unit="s",
        n=s["n"],
        spread=between(s["min"], s["max"]),
        target="≤ 0.5 s",
        met=s["median"] <= 0.5,
    )
    return [*table, command]


def _target(photo: str, seconds: float, peak_mb: float) -> tuple[str, bool]:
    """Return what is asked of the package on a photograph, and whether it is so."""
    if photo.startswith("12 "):
        return "≤ 0.5 s, ≤ 300 MB", seconds <= 0.5 and peak_mb <= 300
    most = 0.2 if photo.endswith("full") else 0.08
    return f"≤ {1000 * most:.0f} ms", seconds <= most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tesseract", action="store_true")
    parser.add_argument("--network", metavar="FILE", help="another page network")
    parser.add_argument("--only", nargs="+", choices=PHOTOS, default=list(PHOTOS), metavar="PHOTO")
    parser.add_argument("--dry", action="store_true", help="write no result")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core
        if options.way == "tesseract":
            cost = tesseract_once(options.file)
        else:
            cost = read_once(options.file, options)
        print(json.dumps(cost))
        return
    with tempfile.TemporaryDirectory() as folder:
        result = in_turns(options, Path(folder))
        result["command"] = command_seconds(Path(folder), options)
        print(result["command"])
    if not options.dry:
        write("read-speed", result, rows(result), faults=FAULTS, seed=options.seed)


if __name__ == "__main__":
    main()
