"""Read the same pictures with several readers, in one run: what is right, what is invented, time.

    uv run python benchmarks/reading.py --readers digitscope tesseract --sets orand-car-dev empty

Readers (`readers.py`): ``digitscope`` is `digitscope.read`, ``digitscope-one-look`` the
same without the glyph network; ``tesseract`` the command line of
Tesseract 5; ``ppocr-small`` and ``ppocr-tiny`` are PP-OCRv6 (``uv run --group peers``). Sets
(`reading_sets.py`): real pictures in the folder that ``DIGITSCOPE_DATA`` names, synthetic pages,
and pictures without any digit.

Each picture goes to one reader after the other, each on one thread. Right are whole pictures, with
Wilson's 95 % interval; found and invented units have intervals from pictures drawn again. The time
of Tesseract includes the start of its process. CPU time is
also given, for machines that have other work. Readers without grids have no result on sudokus.
"""

import argparse
import hashlib
import os
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
os.environ |= dict.fromkeys(THREADS, "1")

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from common import row, spread, write  # noqa: E402
from digitscope.evaluation import wilson_interval  # noqa: E402
from digitscope.synthesis.fonts import find_fonts  # noqa: E402
from own_readers import NotHere  # noqa: E402
from readers import READERS, Reader, Reading  # noqa: E402
from reading_sets import SETS, Item, Outcome, ReadingSet, data_folder  # noqa: E402

DRAWS = 2000  # of pictures drawn again, for the intervals of units
OTHER_READERS = ("tesseract", "ppocr-small", "ppocr-tiny")


Keep: TypeAlias = Callable[[str, Item, Reading, Outcome], None]


@dataclass
class Tally:
    """What one reader made of one set.

    Attributes
    ----------
    outcomes : list of (str, str, Outcome)
        Name and kind of each picture, and how it was read.
    seconds, cpu_seconds : list of float
        Of each picture, also where there is no outcome; on the clock and of the processor.
    """

    outcomes: list[tuple[str, str, Outcome]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def summary(self, named: ReadingSet) -> dict[str, Any]:
        """Return the counts with their intervals, and the wrong pictures."""
        times = {
            "ms": spread([1000 * s for s in self.seconds]),
            "cpu_ms": spread([1000 * s for s in self.cpu_seconds]),
        }
        if not self.outcomes:
            return {"compared": False, **times}
        outcomes = [outcome for *_, outcome in self.outcomes]
        n, right = len(outcomes), sum(outcome.right for outcome in outcomes)
        units = {
            name: sum(getattr(outcome, name) for outcome in outcomes)
            for name in ("wanted", "found", "invented")
        }
        result: dict[str, Any] = {
            "right_means": named.what,
            "n": n,
            "right": right,
            "interval": wilson_interval(right, n),
            "unit": named.unit,
            **units,
            **intervals(outcomes),
            **times,
        }
        if not named.invents:
            del result["invented"], result["invented_interval"]
        if kinds := by_kind(self.outcomes):
            result["by_kind"] = kinds
        if parts := by_part(outcomes):
            result["by_part"] = parts
        result["wrong"] = {name: compact(o) for name, _, o in self.outcomes if not o.right}
        return result


def compact(outcome: Outcome) -> str:
    """Return a wrong reading in one line: counts, what there was, what was read.

    >>> compact(Outcome(False, 2, 1, 0, "17", "12"))
    '1/2 +0: 12 as 17'
    """
    counts = f"{outcome.found}/{outcome.wanted} +{outcome.invented}: "
    return counts + (f"{outcome.truth} as {outcome.read}" if outcome.truth else outcome.read)


def intervals(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return 95 % intervals of the share found and of invented units a picture, by bootstrap."""
    counts = np.array([(o.wanted, o.found, o.invented) for o in outcomes], float)
    draws = np.random.default_rng(0).integers(0, len(counts), (DRAWS, len(counts)))
    again = counts[draws].sum(axis=1)  # (DRAWS, 3)
    result = {}
    if counts[:, 0].any():
        shares = again[:, 1] / np.maximum(again[:, 0], 1)
        result["found_interval"] = np.percentile(shares, (2.5, 97.5)).tolist()
    invented = np.percentile(again[:, 2], (2.5, 97.5)).tolist()
    return result | {"invented_interval": invented}


def by_kind(outcomes: list[tuple[str, str, Outcome]]) -> dict[str, dict[str, int]]:
    """Return the counts for each kind of picture; empty where the set has no kinds."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for _, kind, outcome in outcomes:
        if kind:
            kinds[kind].update(n=1, right=int(outcome.right), invented=outcome.invented)
    return {kind: dict(counts) for kind, counts in kinds.items()}


def by_part(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Return how many units of each kind there are and were found; empty where there are none."""
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        for name, (wanted, found) in outcome.parts.items():
            parts[name].update(wanted=wanted, found=found)
    return {name: dict(counts) for name, counts in parts.items()}


def is_met(name: str, r: dict[str, Any]) -> bool:
    """Return whether a set is read as well as `TARGETS` asks."""
    right, found = r["right"] / r["n"], r["found"] / max(r["wanted"], 1)
    met: dict[str, bool] = {
        "orand-car-dev": right >= 0.85,
        "sudoku-mixed-dev": right >= 37 / 40 and found >= 0.997,
        "hard-dev": right == 1,
        "pages-dev": r["found"] >= 46 and r.get("invented", 0) <= 3,
        "sudoku-natural-dev": found == 1,
        "bhmsds-dev": right >= 0.97,
        "hwd-1000": right >= 0.995,
        "synthetic-common": found >= 0.96,
        "synthetic-every": found >= 0.94,
        "empty": r.get("invented", 0) <= 5 * r["n"] / 500,
    }
    return met[name]


# What the package's reader should reach: whole pictures, and the units within them.
TARGETS = {
    "orand-car-dev": "≥ 85 %",
    "sudoku-mixed-dev": "≥ 37 of 40; ≥ 99.7 %",
    "hard-dev": "all pictures right",
    "pages-dev": "≥ 46 found, ≤ 3 invented",
    "sudoku-natural-dev": "all 162 cells",
    "bhmsds-dev": "≥ 97 %",
    "hwd-1000": "≥ 99.5 %",
    "synthetic-common": "≥ 96 % of numbers",
    "synthetic-every": "≥ 94 % of numbers",
    "empty": "≤ 5 invented on 500 pictures",
}


def rows(result: dict[str, dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Return the row of each set and reader."""
    table = []
    for title, of in result.items():
        for name in names:
            r = of[name]
            if "n" not in r:
                continue
            low, high = (100 * edge for edge in r["interval"])
            also = []
            if r["wanted"] and r["wanted"] != r["n"]:
                share = 100 * r["found"] / r["wanted"]
                also.append(f"{share:.1f} % of {r['wanted']:,} {r['unit']} found")
            if "invented" in r:
                also.append(f"{r['invented']:,} {r['unit']} invented")
            aimed = title in TARGETS and name not in OTHER_READERS
            table.append(
                row(
                    f"`{title}`, {r['right_means']} right, {name}",
                    f"{r['right']} of {r['n']}",
                    n=r["n"],
                    spread=f"{low:.0f} to {high:.0f} %",
                    also="; ".join(also),
                    target=TARGETS[title] if aimed else "",
                    met=is_met(title, r) if aimed else None,
                )
            )
    return table


def cpu_time() -> float:
    """Return the seconds that this process and its finished children have used the processor."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def read_set(
    named: ReadingSet,
    ready: dict[str, Reader],
    options: argparse.Namespace,
    keep: Keep | None = None,
) -> dict[str, Any]:
    """Return what each reader makes of a set; each picture goes to one after the other.

    `keep` is called with each reader's name, picture, reading and outcome.
    """
    tallies = {name: Tally() for name in ready}
    made = hashlib.sha256()  # of pictures that are made at run time
    for item in named.items(data_folder(), options):
        if isinstance(item.picture, np.ndarray):
            made.update(repr(item.picture.shape).encode() + item.picture.tobytes())
        for name, reader in ready.items():
            started, cpu = time.perf_counter(), cpu_time()
            reading = reader.read(item.picture, named.layout)
            tallies[name].cpu_seconds.append(cpu_time() - cpu)
            tallies[name].seconds.append(time.perf_counter() - started)
            outcome = named.score(item, reading)
            if outcome is not None:
                tallies[name].outcomes.append((item.name, item.kind, outcome))
                if keep is not None:
                    keep(name, item, reading, outcome)
    result: dict[str, Any] = {name: tally.summary(named) for name, tally in tallies.items()}
    return result | {"pictures": made.hexdigest()[:16]}


def line_of(title: str, cells: list[str], widths: list[int]) -> str:
    """Return a row of the printed table."""
    padded = [text.ljust(width) for text, width in zip([title, *cells], widths, strict=True)]
    return "  ".join(padded).rstrip()


def printed(result: dict[str, dict[str, Any]], names: list[str]) -> str:
    """Return the table: for each set a row of whole pictures, one of units, and one of time."""
    rows = []
    for title, of in result.items():
        told = [of[name] if "n" in of[name] else None for name in names]
        one = next((r for r in told if r is not None), None)
        if one is None:
            continue
        rows.append((f"{title}: {one['right_means']} right", [right_cell(r) for r in told]))
        if one["wanted"] and one["wanted"] != one["n"]:
            rows.append((f"  {one['unit']} found", [found_cell(r) for r in told]))
        if "invented" in one:
            rows.append((f"  {one['unit']} invented", [invented_cell(r) for r in told]))
        for what, times in (("ms a picture, median", "ms"), ("ms of the processor", "cpu_ms")):
            rows.append((f"  {what}", [f"{of[name][times]['median']:,.1f}" for name in names]))
    table = [("", names), *rows]
    widths = [max(len(title) for title, _ in table)]
    widths += [max(len(cells[i]) for _, cells in table) for i in range(len(names))]
    return "\n".join(line_of(title, cells, widths) for title, cells in table)


def right_cell(r: dict[str, Any] | None) -> str:
    """Return the whole pictures that are right, with the interval of their share."""
    if r is None:
        return "–"
    low, high = (100 * edge for edge in r["interval"])
    return f"{r['right']} of {r['n']} ({low:.0f}–{high:.0f} %)"


def found_cell(r: dict[str, Any] | None) -> str:
    """Return the units found, and the interval of their share."""
    if r is None:
        return "–"
    low, high = (100 * edge for edge in r["found_interval"])
    return f"{r['found']:,} of {r['wanted']:,} ({low:.1f}–{high:.1f} %)"


def invented_cell(r: dict[str, Any] | None) -> str:
    """Return the units invented, and their interval."""
    if r is None:
        return "–"
    low, high = r["invented_interval"]
    return f"{r['invented']:,} ({low:,.0f}–{high:,.0f})"


def get_ready(names: list[str], network: str | None) -> tuple[dict[str, Reader], dict[str, str]]:
    """Return the readers that can run, and why others cannot."""
    ready, left_out = {}, {}
    for name in names:
        try:
            ready[name] = READERS[name](network)
        except NotHere as reason:
            left_out[name] = str(reason)
            print(f"left out: {name}: {reason}", file=sys.stderr)
    return ready, left_out


def make_parser(about: str | None) -> argparse.ArgumentParser:
    """Return the options of what reads sets with readers; tools/reading_sheets.py has them, too."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", nargs="+", choices=READERS, default=["digitscope"])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--limit", type=int, metavar="N", help="pictures of each set, at most")
    parser.add_argument("--seed", type=int, default=0, help="of samples and synthetic pictures")
    parser.add_argument("--network", metavar="FILE", help="another page network")
    return parser


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--name", default="reading", help="of the result file")
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    ready, left_out = get_ready(options.readers, options.network)
    if not ready:
        sys.exit("None of the readers can run.")
    result: dict[str, dict[str, Any]] = {}
    for title in options.sets:
        folder = SETS[title].folder
        if folder and not (data_folder() / folder).is_dir():
            print(f"left out: {title}: no {data_folder() / folder}", file=sys.stderr)
            continue
        result[title] = read_set(SETS[title], ready, options)
        print(printed({title: result[title]}, list(ready)), file=sys.stderr, flush=True)
    if not options.dry:
        details = {
            "readers": {name: reader.about for name, reader in ready.items()},
            "left_out": left_out,
            "fonts": len(find_fonts()),
            "seed": options.seed,
        }
        group = next((reader.group for reader in ready.values() if reader.group), "")
        table = rows(result, list(ready))
        write(options.name, result, table, show=False, group=group, **details)
    print(printed(result, list(ready)))


if __name__ == "__main__":
    main()
