"""Held-out accuracy of a recipe with some fields changed, over seeds; how recipes are chosen.

    uv run python benchmarks/choose.py mlp --seeds 3 batch_size=64 learning_rate=0.008

Trains without the held-out images, never looks at the test images, and writes no file.
"""

import argparse
import json

from common import spread
from digitscope.data import load_data
from digitscope.recipes import RECIPES
from digitscope.training.fit import Fit


def main() -> None:
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
        print(json.dumps({name: spread([row[name] for row in rows])}))


if __name__ == "__main__":
    main()
