"""Write the rows of all result files into docs/benchmarks.md, and some of them into README.md.

    uv run python benchmarks/table.py

The text between the two markers in each page is replaced; a test checks that it is up to date. Each
benchmark makes its own rows (`common.row`); this file only decides their order and shows them.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
# The order of the result files; those that are not named come last, by name.
ORDER = (
    "accuracy-classic", "accuracy-mlp", "accuracy-mlp-max", "accuracy-cnn", "time-to-accuracy",
    "train-process", "epoch-parts", "predict", "install", "course", "serve", "page", "digits",
    "digits-committee", "digits-committee-cnn", "read-pages", "read-pages-every", "reading",
    "reading-whole", "reading-second-look", "reading-peers", "orientation", "read-speed",
    "read-memory", "patches", "batch",
)  # fmt: skip
# The rows in README.md: result file, beginning of the row's `what`, and its title there.
HEADLINE = (
    ("reading-whole", "`orand-car-dev`,", "amounts on real cheques, whole amounts right"),
    ("reading-whole", "`equations`,", "equations set from real digits, pictures right"),
    ("reading-whole", "`fields`,", "fields and notes set from real digits, pictures right"),
    ("reading", "`sudoku-mixed-dev`, whole puzzles right, digitscope",
     "photographed sudokus, whole puzzles right"),
    ("reading-whole", "`empty`,", "pictures without a digit, nothing read"),
    ("digits", "digits of `bhmsds-dev`, `cnn`", "single digits of photographed sheets, `cnn`"),
    ("accuracy-cnn", "test accuracy, `cnn`", "MNIST test accuracy, `cnn`"),
    ("time-to-accuracy", "fit until 97.64 %, digitscope", "training until 97.64 % on MNIST"),
    ("read-speed", "reading a photo of 12 megapixels, full, digitscope",
     "reading a photo of 12 megapixels, one core"),
    ("serve", "`/v1/predict`, 28×28 as PNG", "requests to `/v1/predict`, upper median of the runs"),
)  # fmt: skip
COLUMNS = ("what", "measured", "target", "met")

Result = dict[str, Any]


def load() -> dict[str, Result]:
    """Return the result files in their order."""
    names = {file.stem for file in RESULTS.glob("*.json")}
    ordered = [name for name in ORDER if name in names] + sorted(names - set(ORDER))
    return {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in ordered}


def head(*columns: str) -> str:
    """Return the first two lines of a Markdown table."""
    return f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"


def line(row: dict[str, Any]) -> str:
    """Return a row as a line of a Markdown table."""
    measured = f"**{row['measured']}{' ' * bool(row['unit'])}{row['unit']}**"
    if row["spread"]:
        measured += f" ({row['spread']})"
    # "491 of 500" says n already.
    if row["n"] is not None and not row["measured"].endswith(f" of {row['n']}"):
        measured += f", n = {row['n']:,}"
    if row["also"]:
        measured += f"; {row['also']}"
    met = {True: "yes", False: "**no**", None: "–"}[row["met"]]
    return f"| {row['what']} | {measured} | {row['target']} | {met} |"


def whole(results: dict[str, Result]) -> str:
    """Return the rows of all results: a table for each command."""
    parts = []
    for result in results.values():
        lines = "\n".join(line(row) for row in result["rows"])
        table = f"{head(*COLUMNS)}\n{lines}"
        parts.append(f"`{result['command']}`, {result['date']}:\n\n{table}")
    return "\n\n".join([*parts, about(results)])


def headline(results: dict[str, Result]) -> str:
    """Return the table of the rows in `HEADLINE`."""
    lines = []
    for name, start, title in HEADLINE:
        row = find(results[name]["rows"], start)
        lines.append(f"{line(row | {'what': title})} `{row['command']}` |")
    return "\n".join([head(*COLUMNS, "command"), *lines, "", about(results)])


def find(rows: list[dict[str, Any]], start: str) -> dict[str, Any]:
    """Return the only row whose `what` begins so."""
    found = [row for row in rows if row["what"].startswith(start)]
    if len(found) != 1:
        raise SystemExit(f"one row must begin with {start!r}. Found: {len(found)}.")
    return found[0]


def about(results: dict[str, Result]) -> str:
    """Return which machines and versions the figures are of."""
    machine = results["time-to-accuracy"]["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    dates = sorted({result["date"] for result in results.values()})
    machines = sorted({result["machine"]["cpu"] for result in results.values()})
    return (
        f"Machines: {' and '.join(machines)}, {machine['cores']} cores each, shared and noisy; "
        f"compare the ratios, which come from one run each. {versions}. {dates[0]} to {dates[-1]}."
    )


PAGES = {
    ROOT / "README.md": ("headline", headline),
    ROOT / "docs" / "benchmarks.md": ("measured", whole),
}


def updated(page: Path) -> str:
    """Return a page with its tables replaced."""
    mark, make = PAGES[page]
    text = make(load())
    marked = re.compile(rf"(<!-- {mark} -->\n).*?(\n<!-- end of {mark} -->)", re.S)
    return marked.sub(lambda marks: marks[1] + text + marks[2], page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(updated(page), encoding="utf-8")
