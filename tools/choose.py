"""Held-out accuracy of a recipe with some fields changed, over seeds; how recipes are chosen.

    uv run python tools/choose.py mlp --seeds 3 batch_size=64 learning_rate=0.008

Trains without the held-out images, never looks at the test images, and writes no file.
"""

import argparse
import json
import statistics

from digitscope.data import load_data
from digitscope.recipes import RECIPES
from digitscope.training.fit import Fit


def main() -> None:
    """Train over seeds and print what is reached on held-out images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("changes", nargs="*", metavar="FIELD=VALUE", help="VALUE as in JSON")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=5_000)
    options = parser.parse_args()
    changes = {}
    for change in options.changes:
        name, _, value = change.partition("=")
        changes[name] = json.loads(value)
    fitting, held_out = load_data("mnist").hold_out(options.held_out)
    rows = []
    for seed in range(options.seeds):
        recipe = RECIPES[options.recipe].but(**changes, seed=seed)
        rows.append(Fit(recipe, fitting, held_out).run().history[-1])
        print(json.dumps({"seed": seed, **{k: rows[-1][k] for k in ("val_accuracy", "val_loss")}}))
    for name in ("val_accuracy", "val_loss"):
        values = [row[name] for row in rows]
        shown = {"n": len(values), "mean": statistics.fmean(values), "min": min(values)}
        shown |= {"max": max(values), "sd": statistics.stdev(values) if len(values) > 1 else 0.0}
        print(json.dumps({name: shown}))


if __name__ == "__main__":
    main()
