"""``digitscope train`` as a whole process beside the plain Keras script as a whole process.

    uv run python benchmarks/train_process.py

Both start cold, import, load MNIST, train five epochs and evaluate; digitscope also writes the ONNX
file, all scores and the report.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from common import child, spread, write

HERE = Path(__file__).parent


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
    write(
        "train-process",
        {
            "digitscope": seconds,
            "plain keras": baseline,
            "share_of_plain_keras": seconds["median"] / baseline["median"],
            "median_seconds_by_part": parts,
            "peak_mb": spread([run["peak_mb"] for run in ours])["median"],
        },
    )


if __name__ == "__main__":
    main()
