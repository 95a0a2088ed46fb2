"""Write the measured figures from ``benchmarks/results/`` into README.md and docs/benchmarks.md.

    uv run python benchmarks/table.py

The text between the two markers in each page is replaced; a test checks that it is up to date.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
PAGES = [ROOT / "README.md", ROOT / "docs" / "benchmarks.md"]
MARKED = re.compile(r"(<!-- measured -->\n).*?(\n<!-- end of measured -->)", re.S)

NAMES = {
    "digitscope": "digitscope (`mlp` with 2 epochs, batch 96)",
    "scikit-learn": "scikit-learn `MLPClassifier`, batch 128",
    "pytorch": "PyTorch in memory, batch 128, one cycle of 3 epochs",
    "plain keras": "plain Keras script",
}

Row = tuple[str, str, str, str]  # what, measured, target, command


def load(name: str) -> dict[str, Any]:
    """Return a result file's contents."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return content


def accuracy_row(recipe: str, target: str) -> Row:
    """Return the row of a recipe's accuracy over seeds."""
    content = load(f"accuracy-{recipe}")
    a, fit = content["result"]["accuracy"], content["result"]["fit_seconds"]
    over = content["result"]["seeds_at_or_over_published"]
    measured = (
        f"**{a['mean']:.2%}** ± {100 * a['sd']:.2f}, {a['min']:.2%} to {a['max']:.2%}, "
        f"n = {a['n']} seeds; {over} of {a['n']} at or over 97.64 %; fit {fit['median']:.1f} s"
    )
    return f"test accuracy, `{recipe}`", measured, target, content["command"]


def rows() -> list[Row]:
    """Return all rows of the table."""
    table = [
        accuracy_row("classic", "beside the published 97.64 %"),
        accuracy_row("mlp", "every seed ≥ 97.64 %, mean ≥ 98.1 %"),
        accuracy_row("mlp-max", "mean ≥ 99.1 %, fit < 10 min"),
    ]
    content = load("time-to-accuracy")
    result, command = content["result"], content["command"]
    for name, way in result.items():
        s = way["fit_seconds"]
        measured = (
            f"{s['median']:.2f} s ({s['min']:.2f} to {s['max']:.2f}), n = {s['n']}; "
            f"{way['reached']} of {s['n']} got there"
        )
        target = ""
        if name == "digitscope":
            times, alone = (
                way["times_faster_than_plain_keras"],
                way["times_faster_without_compiling"],
            )
            measured += (
                f"; **{times:.0f} times** faster than plain Keras, "
                f"{alone:.0f} times without compiling"
            )
            target = "≥ 20 times, compile included"
        table.append((f"fit until 97.64 %, {NAMES[name]}", measured, target, command))
    ours = result["digitscope"]
    measured = (
        f"{ours['gflops']:.0f} of {ours['matrix_peak_gflops']:.0f} GFLOP/s, "
        f"{ours['share_of_peak']:.0%} of the matrix peak"
    )
    table.append(("one compiled epoch", measured, "", command))
    content = load("train-process")
    r = content["result"]
    measured = (
        f"{r['digitscope']['median']:.1f} s against {r['plain keras']['median']:.1f} s, "
        f"**{r['share_of_plain_keras']:.2f}** of it, n = {r['digitscope']['n']}"
    )
    table.append(
        (
            "`train` with report, whole process, against the plain script",
            measured,
            "≤ 0.25",
            content["command"],
        )
    )
    parts = r["median_seconds_by_part"].items()
    table.append(
        (
            "its parts",
            ", ".join(f"{part} {seconds:.2f} s" for part, seconds in parts),
            "",
            content["command"],
        )
    )
    content = load("predict")
    one = content["result"]["one image"]
    measured = (
        f"**{one['process_seconds']['median']:.2f} s** ({one['process_seconds']['min']:.2f} to "
        f"{one['process_seconds']['max']:.2f}), n = {one['process_seconds']['n']}; "
        f"{one['peak_mb']:.0f} MB; imports of TensorFlow, scikit-learn or Matplotlib: "
        f"{', '.join(one['heavy_imports']) or 'none'}"
    )
    table.append(("`predict` of one image, whole process", measured, "< 0.6 s", content["command"]))
    for name, way in content["result"].items():
        if name.startswith("10,000"):
            ms, peak = way["median_ms"]["median"], way["peak_mb"]
            table.append((name, f"{ms:.0f} ms; peak {peak:.0f} MB", "", content["command"]))
    return table


def section() -> str:
    """Return the table as Markdown, with the machine it was measured on."""
    lines = ["| what | measured | target | command |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {got} | {want} | `{command}` |" for what, got, want, command in rows()]
    about = load("time-to-accuracy")
    versions = ", ".join(f"{k} {v}" for k, v in about["machine"]["versions"].items())
    dates = sorted({json.loads(f.read_text())["date"] for f in RESULTS.glob("*.json")})
    lines += [
        "",
        f"Machine: {about['machine']['cpu']}, {about['machine']['cores']} cores, shared and noisy; "
        f"compare the ratios, which come from one run each. {versions}. {' to '.join(dates)}.",
    ]
    return "\n".join(lines)


def updated(page: Path) -> str:
    """Return a page with its table replaced."""
    text = section()
    return MARKED.sub(lambda m: m[1] + text + m[2], page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(updated(page), encoding="utf-8")
