"""Small files of pen strokes, in the form in which recorded digits are kept."""

import numpy as np

from digitscope.data import stroke_sets

LINES = [(0, 0), (400, 1000), (200, 300)], [(900, 500), (1000, 700)]


def stroke_arrays(labels, groups=None):
    """A stroke file with two strokes for each sample."""
    n = len(labels)
    arrays = {
        "points": np.array([p for line in LINES for p in line] * n, np.int16).reshape(-1, 2),
        "stroke": np.arange(2 * n + 1) // 2 * 5 + np.arange(2 * n + 1) % 2 * 3,
        "sample": 2 * np.arange(n + 1),
        "label": np.array(labels, str),
    }
    return arrays | ({} if groups is None else {"group": np.array(groups, np.int32)})


def write(folder, file, arrays):
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def write_unipen(folder):
    """Write a small UNIPEN: 40 blocks of files, each with all ten digits and ten of each other."""
    groups = np.repeat(np.arange(0, 40 * stroke_sets.BLOCK, stroke_sets.BLOCK), 10)
    write(
        folder, stroke_sets.UNIPEN.format("digits"), stroke_arrays(list("0123456789") * 40, groups)
    )
    for kind in stroke_sets.OTHERS:
        write(folder, stroke_sets.UNIPEN.format(kind), stroke_arrays(["a"] * 400, groups))
    return folder
