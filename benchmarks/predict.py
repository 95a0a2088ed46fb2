"""Inference: one image as a whole process, and 10,000 images at a time, four ways.

    uv run python benchmarks/predict.py

Trains ``mlp`` once for a model. Each way is a process of its own: its peak memory is that of the
whole process, its time the best and the median of several calls after one to warm up.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from common import between, child, row, spread, write

CALLS = 15


def throughput(way: str, folder: Path) -> dict[str, Any]:
    import numpy as np

    images = np.load(folder / "images.npy")  # (10000, 28, 28)
    run: Callable[[], Any]
    if way == "digitscope":
        from digitscope.models.classifier import load

        classifier = load(folder / "run")
        run = lambda: classifier.predict_proba(images)  # noqa: E731
    elif way == "onnxruntime":
        import onnxruntime

        session = onnxruntime.InferenceSession(folder / "run" / "model.onnx")
        run = lambda: session.run(None, {"images": images})  # noqa: E731
    elif way == "keras model.predict":
        import keras

        model = keras.models.load_model(folder / "run" / "model.keras")
        run = lambda: model.predict(images, verbose=0)  # noqa: E731
    else:
        import joblib

        network = joblib.load(folder / "sklearn.joblib")
        flat = (images.reshape(-1, 784) / 255).astype(np.float32)
        run = lambda: network.predict_proba(flat)  # noqa: E731
    run()
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return {"median_ms": 1e3 * statistics.median(seconds), "min_ms": 1e3 * min(seconds)}


def one_image(folder: Path, repeats: int) -> dict[str, Any]:
    """Time ``digitscope predict IMAGE`` as a process, and look at what it imported."""
    image, model = folder / "seven.png", folder / "run"
    script = folder / "predict_once.py"
    script.write_text(
        "import json, sys\n"
        "from digitscope.cli import main\n"
        "try:\n"
        f"    main(['predict', {str(image)!r}, '--model', {str(model)!r}])\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "    print(json.dumps({'imported': sorted(heavy)}))\n"
    )
    runs = [child(str(script)) for _ in range(repeats)]
    bare = folder / "bare.py"
    bare.write_text("import onnxruntime\n")
    imports = [child(str(bare))["process_seconds"] for _ in range(repeats)]
    return {
        "process_seconds": spread([run["process_seconds"] for run in runs]),
        "bare_import_onnxruntime_seconds": spread(imports),
        "peak_mb": max(run["peak_mb"] for run in runs),
        "heavy_imports": runs[0]["imported"],
    }


WAYS = ("digitscope", "onnxruntime", "keras model.predict", "scikit-learn")


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one image and of 10,000 images each way."""
    one = result["one image"]
    s = one["process_seconds"]
    imported = ", ".join(one["heavy_imports"]) or "none"
    table = [
        row(
            "`predict` of one image, whole process",
            f"{s['median']:.2f}",
            unit="s",
            n=s["n"],
            spread=between(s["min"], s["max"]),
            also=f"{one['peak_mb']:.0f} MB; imports of TensorFlow, scikit-learn or Matplotlib: "
            f"{imported}",
            target="< 0.6 s",
            met=s["median"] < 0.6,
        )
    ]
    for name, way in result.items():
        if name.startswith("10,000"):
            ms, also = way["median_ms"], f"peak {way['peak_mb']:.0f} MB"
            measured = f"{ms['median']:.0f}"
            table.append(row(name, measured, unit="ms", n=ms["n"], also=also))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(throughput(options.way, options.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        result: dict[str, Any] = {"one image": one_image(folder, options.repeats)}
        for way in WAYS:
            runs = [child(sys.argv[0], "--way", way, "--folder", name) for _ in range(3)]
            result[f"10,000 images, {way}"] = {
                "median_ms": spread([run["median_ms"] for run in runs]),
                "peak_mb": max(run["peak_mb"] for run in runs),
            }
        write("predict", result, rows(result))


def prepare(folder: Path) -> None:
    """Put what the ways need into the folder, in processes that end before anything is timed."""
    import joblib
    import numpy as np
    from PIL import Image
    from sklearn.neural_network import MLPClassifier

    import digitscope

    data = digitscope.load_data("mnist")
    digitscope.train("mlp", data="mnist", out=folder / "run")
    np.save(folder / "images.npy", data.test.images)
    Image.fromarray(data.test.images[0]).save(folder / "seven.png")
    network = MLPClassifier((128,), max_iter=1)
    network.partial_fit(
        data.train.images[:2_000].reshape(-1, 784) / 255,
        data.train.labels[:2_000],
        classes=range(10),
    )
    joblib.dump(network, folder / "sklearn.joblib")


if __name__ == "__main__":
    main()
