"""``digitscope train`` compared with the plain Keras script, each as a whole process.

    uv run python benchmarks/train_process.py

Both start cold, import, load MNIST, train five epochs and evaluate; digitscope also writes the ONNX
file, all scores and the report.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from common import child, row, spread, write

HERE = Path(__file__).parent


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the whole process and its parts."""
    ours, plain, share = result["digitscope"], result["plain keras"], result["share_of_plain_keras"]
    parts = result["median_seconds_by_part"].items()
    return [
        row(
            "`train` with report, whole process, of the time of the plain script",
            f"{share:.2f}",
            n=ours["n"],
            also=f"{ours['median']:.1f} s against {plain['median']:.1f} s",
            target="≤ 0.25",
            met=share <= 0.25,
        ),
        row(
            "its fit",
            f"{dict(parts)['fit']:.2f}",
            unit="s",
            n=ours["n"],
            also=", ".join(f"{part} {seconds:.2f} s" for part, seconds in parts if part != "fit"),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    ours: list[dict[str, Any]] = []
    plain: list[dict[str, Any]] = []
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            cost = child("-m", "digitscope", "train", "--data", "mnist", "--out", str(out))
            ours.append(cost | {"timings": json.loads((out / "run.json").read_text())["timings"]})
        plain.append(child(str(HERE / "plain_keras.py")))
        print(ours[-1]["process_seconds"], plain[-1]["process_seconds"], flush=True)
    seconds = spread([run["process_seconds"] for run in ours])
    baseline = spread([run["process_seconds"] for run in plain])
    parts = {
        part: spread([run["timings"][part] for run in ours])["median"]
        for part in ours[0]["timings"]
    }
    parts["start, exit and the rest"] = seconds["median"] - sum(parts.values())
    result = {
        "digitscope": seconds,
        "plain keras": baseline,
        "share_of_plain_keras": seconds["median"] / baseline["median"],
        "median_seconds_by_part": parts,
        "peak_mb": spread([run["peak_mb"] for run in ours])["median"],
    }
    write("train-process", result, rows(result))


if __name__ == "__main__":
    main()
