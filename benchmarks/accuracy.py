"""Test accuracy of a recipe over seeds.

    uv run python benchmarks/accuracy.py classic --seeds 20
    uv run python benchmarks/accuracy.py cnn --seeds 3 --keep runs

With --keep the runs stay in that folder as cnn-seed0 and so on, and those that are there and
finished are not trained again.

Every seed is trained to the recipe's last epoch and measured once, as the ONNX file that ships;
nothing is chosen by the test images.
"""

import argparse
import tempfile
from pathlib import Path

import digitscope
from common import spread, write
from digitscope.recipes import RECIPES
from digitscope.runs import Run

PUBLISHED = 0.9764  # of the well-known script, in the tutorials that print it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    data = digitscope.load_data("mnist")
    rows = []
    for seed in range(options.seeds):
        recipe = RECIPES[options.recipe].but(seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            path = (options.keep or Path(folder)) / f"{recipe.name}-seed{seed}"
            if (path / "metrics.json").exists():
                run = Run(path)
                if run.recipe != recipe:
                    parser.error(f"{path} is of another recipe; name another --keep.")
            else:
                run = digitscope.train(recipe, data="mnist", out=path)
            rows.append(
                {
                    "seed": seed,
                    "accuracy": run.metrics["accuracy"],
                    "validation_accuracy": run.history[-1].get("val_accuracy"),
                    "fit_seconds": run.record["timings"]["fit"],
                }
            )
            print(rows[-1], flush=True)
    accuracies = [row["accuracy"] for row in rows]
    write(
        f"accuracy-{options.recipe}",
        {
            "accuracy": spread(accuracies),
            "fit_seconds": spread([row["fit_seconds"] for row in rows]),
            "seeds_at_or_over_published": sum(a >= PUBLISHED for a in accuracies),
            "published": PUBLISHED,
            "test_images": len(data.test),
        },
        recipe=RECIPES[options.recipe].to_dict(),
        seeds=rows,
    )


if __name__ == "__main__":
    main()
