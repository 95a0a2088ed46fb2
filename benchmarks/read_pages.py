"""Pages of handwritten numbers: how many are read exactly, and how many are invented.

    uv run python benchmarks/read_pages.py --tesseract
    uv run python benchmarks/read_pages.py --every
    uv run python benchmarks/read_pages.py --faults

The pages are synthetic, from MNIST's test digits (`pages.py`). The first command reads pages that
have two to five of the common faults (tint, shadow, skew, perspective, ruled lines, touching
digits, noise, JPEG) of random moderate strengths each, the second pages with any of the 36, the
third pages with one fault at a time at four strengths. Intervals hold 95 % of the shares of pages
drawn again from those that were read.
"""

import argparse
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from common import between, row, spread, write
from digitscope.synthesis.faulty_pages import FAULTS, Truth, draw_faults, make_page
from own_readers import load_reading
from page_score import Reported, Score, reported_by, score_page, wrong_numbers
from pages import mnist
from readers import run_tesseract

STRENGTHS = (0.25, 0.5, 0.75, 1.0)

Picture: TypeAlias = NDArray[np.uint8]
Reader: TypeAlias = Callable[[Picture], list[Reported]]


def digitscope_reader(network: str | None) -> Reader:
    """Return digitscope's reading, on one thread."""
    read = load_reading(network)
    return lambda page: reported_by(read(page))


def mixed_pages(options: argparse.Namespace) -> Iterator[tuple[Picture, Truth]]:
    """Yield pages with a random mix of faults; a page in four is gray."""
    images, labels = mnist(options.split)
    for i in range(options.n):
        rng = np.random.default_rng([options.seed, i])
        faults = draw_faults(rng, every=options.every)
        yield make_page(rng, images, labels, faults=faults, gray=i % 4 == 3)


def headline(scores: list[Score]) -> dict[str, Any]:
    """Return the shares of several pages, with intervals."""
    table = np.array([list(asdict(score).values()) for score in scores])
    names = list(asdict(scores[0]))
    total = sum(scores, Score())
    draws = np.random.default_rng(0).integers(0, len(scores), (2000, len(scores)))
    again = table[draws].sum(axis=1)  # (2000, counts)

    def share(part: str, whole: str) -> dict[str, float]:
        few, all_ = again[:, names.index(part)], again[:, names.index(whole)]
        low, high = np.percentile(few / np.maximum(all_, 1), (2.5, 97.5))
        value = getattr(total, part) / max(getattr(total, whole), 1)
        return {"share": value, "low": float(low), "high": float(high)}

    return {
        "pages": len(scores),
        "counts": asdict(total),
        "exact": share("exact", "numbers"),
        "invented": share("invented", "reported"),
        "digits_right": share("right", "digits"),
        "extra_digits": share("extra", "reported_digits"),
    }


def read_mixed(options: argparse.Namespace) -> None:
    """Read the mixed pages, also with Tesseract if requested, and write the result."""
    ways = {"digitscope": digitscope_reader(options.network)}
    details: dict[str, Any] = {"opencv": cv2.__version__}
    if options.tesseract:
        ways |= {f"tesseract, psm {mode}": partial(run_tesseract, mode=mode) for mode in (6, 11)}
        version = subprocess.run(["tesseract", "--version"], capture_output=True, text=True)
        details["tesseract"] = version.stdout.splitlines()[0]
    scores: dict[str, list[Score]] = {way: [] for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    megapixels = []
    by_fault: dict[str, Score] = {}
    for i, (page, truth) in enumerate(mixed_pages(options)):
        megapixels.append(page.shape[0] * page.shape[1] / 1e6)
        for way, reader in ways.items():
            if way != "digitscope" and i >= options.tesseract_pages:
                continue
            started = time.perf_counter()
            reported = reader(page)
            seconds[way].append(time.perf_counter() - started)
            scores[way].append(score_page(truth, reported, page.shape[:2]))
            if way == "digitscope":
                for fault in truth.faults:
                    by_fault[fault] = by_fault.get(fault, Score()) + scores[way][-1]
                if options.errors:
                    draw_errors(page, truth, reported, options.errors / f"{i:04}.png")
    result: dict[str, Any] = {
        way: headline(scores[way]) | {"seconds": spread(seconds[way])} for way in ways
    }
    result["megapixels"] = spread(megapixels)
    result["exact_by_fault_in_the_mix"] = {
        fault: {"numbers": s.numbers, "exact": s.exact / max(s.numbers, 1)}
        for fault, s in sorted(by_fault.items(), key=lambda x: x[1].exact / max(x[1].numbers, 1))
    }
    finish("read-pages-every" if options.every else "read-pages", result, options, details)


def read_faults(options: argparse.Namespace) -> None:
    """Read pages with one fault at a time, and write the table down."""
    images, labels = mnist(options.split)
    reader = digitscope_reader(options.network)

    def read(fault: str, strength: float, n: int) -> Score:
        total = Score()
        for i in range(n):
            # The same writing at every strength.
            rng = np.random.default_rng([options.seed, 1 + list(FAULTS).index(fault), i])
            page, truth = make_page(
                rng, images, labels, faults={fault: strength}, lines=4, ems=14, gray=i % 4 == 3
            )
            total += score_page(truth, reader(page), page.shape[:2])
        return total

    n = options.n_fault
    # Without a fault the rows differ by their pages alone, so all of them share one figure.
    none = sum((read(fault, 0.0, max(1, n // 4)) for fault in options.only or FAULTS), Score())
    rows = {}
    for fault in options.only or FAULTS:
        scores = {strength: read(fault, strength, n) for strength in STRENGTHS}
        exact = {str(s): score.exact / max(score.numbers, 1) for s, score in scores.items()}
        rows[fault] = {
            "what": FAULTS[fault][0],
            "exact": {"0": none.exact / none.numbers} | exact,
            "numbers": sum(score.numbers for score in scores.values()),
            "invented": sum(score.invented for score in scores.values()),
            "reported": sum(score.reported for score in scores.values()),
        }
        print(fault, *(f"{share:.1%}" for share in exact.values()), flush=True)
    result = {"rows": rows, "pages_a_cell": n, "without_a_fault": asdict(none)}
    finish("read-faults", result, options, {"opencv": cv2.__version__})


def mixed_rows(result: dict[str, Any], *, every: bool) -> list[dict[str, Any]]:
    """Return the rows of the mixed pages: the package's, and those of Tesseract's better mode."""
    others = [way for way in result if way.startswith("tesseract")]
    better = max(others, key=lambda way: result[way]["exact"]["share"], default=None)
    pages = "any of 36 faults" if every else "common faults"
    least = 0.94 if every else 0.96
    table = []
    for way in ["digitscope", *([better] if better else [])]:
        r, ours = result[way], way == "digitscope"
        exact, invented, counts = r["exact"], r["invented"], r["counts"]
        table.append(
            row(
                f"numbers read exactly, synthetic pages with {pages}, {way}",
                f"{100 * exact['share']:.1f}",
                unit="%",
                n=counts["numbers"],
                spread=between(100 * exact["low"], 100 * exact["high"], 1),
                also=f"{r['pages']} pages; digits right {100 * r['digits_right']['share']:.1f} %; "
                f"{r['seconds']['median']:.2f} s a page",
                target=f"≥ {100 * least:.0f} %" * ours,
                met=exact["share"] >= least if ours else None,
            )
        )
        table.append(
            row(
                f"invented numbers on them, of those reported, {way}",
                f"{100 * invented['share']:.2f}",
                unit="%",
                n=counts["reported"],
                spread=between(100 * invented["low"], 100 * invented["high"]),
                also=f"extra digits {100 * r['extra_digits']['share']:.2f} %",
                target="≤ 0.3 %" * ours,
                met=invented["share"] <= 0.003 if ours else None,
            )
        )
    if not every:
        touching = result["exact_by_fault_in_the_mix"]["touching"]
        table.append(
            row(
                "numbers read exactly, of those pages the ones with touching digits, digitscope",
                f"{100 * touching['exact']:.1f}",
                unit="%",
                n=touching["numbers"],
                target="≥ 90 %",
                met=touching["exact"] >= 0.9,
            )
        )
    return table


def fault_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the row of each fault: what is read at full strength."""
    return [
        row(
            f"numbers read exactly on pages with one fault at full strength: {fault}, digitscope",
            f"{100 * of['exact']['1.0']:.1f}",
            unit="%",
            also=f"without the fault {100 * of['exact']['0']:.1f} %; {of['invented']} of "
            f"{of['reported']} numbers invented at all strengths",
        )
        for fault, of in result["rows"].items()
    ]


def finish(
    name: str, result: dict[str, Any], options: argparse.Namespace, details: dict[str, Any]
) -> None:
    """Write the result down where it is one to report: of test digits."""
    if options.split == "test" and not options.only:
        rows = fault_rows(result) if options.faults else mixed_rows(result, every=options.every)
        write(name, result, rows, seed=options.seed, **details)
        return
    for way, value in result.items():
        print(way, value)


def draw_errors(page: Picture, truth: Truth, reported: list[Reported], file: Path) -> None:
    """Write the page with what was misread in red, should be in green; none if all is right."""
    mistakes = wrong_numbers(truth, reported, page.shape[:2])
    if not mistakes:
        return
    drawn = cv2.cvtColor(page, cv2.COLOR_GRAY2BGR) if page.ndim == 2 else page[..., ::-1].copy()
    for text, got, (left, top, right, bottom) in mistakes:
        cv2.rectangle(drawn, (left, top), (right, bottom), (0, 0, 230), 2)
        scale = max(0.4, min(0.7, truth.text_height / 70))
        cv2.putText(drawn, got or "-", (left, bottom + round(26 * scale)), 0, scale, (0, 0, 230), 2)
        cv2.putText(drawn, text, (left, top - 4), 0, scale, (0, 140, 0), 2)
    file.parent.mkdir(parents=True, exist_ok=True)
    name = " ".join(f"{fault}={s:.2f}" for fault, s in truth.faults.items())
    cv2.putText(drawn, name, (4, 14), 0, 0.45, (200, 0, 200), 1)
    cv2.imwrite(str(file), drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", action="store_true", help="one fault at a time, four strengths")
    parser.add_argument("--every", action="store_true", help="mix all faults, not the common ones")
    parser.add_argument("--only", action="append", metavar="FAULT", help="writes no result")
    parser.add_argument("--network", metavar="FILE", help="another page network")
    parser.add_argument("--n", type=int, default=200, help="mixed pages")
    parser.add_argument("--n-fault", type=int, default=4, help="pages of each fault and strength")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--tesseract", action="store_true", help="read them with Tesseract, too")
    parser.add_argument("--tesseract-pages", type=int, default=60)
    parser.add_argument("--errors", type=Path, metavar="FOLDER", help="draw what was misread")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.faults or options.only:
        read_faults(options)
    else:
        read_mixed(options)


if __name__ == "__main__":
    main()
