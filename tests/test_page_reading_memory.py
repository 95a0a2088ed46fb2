"""Memory of reading grows with the glyphs and crossings of a page, not with their pairs."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitscope.models.glyph_classes import BEST, CLASSES
from digitscope.reading import ReadingParameters, glyphs
from digitscope.reading.glyphs import Glyphs, merge, suppress
from digitscope.reading.lattice import bend_lattice

P = ReadingParameters()
MB = 2**20


def random_glyphs(rng, n, width):
    """Return glyphs at random places of a square, some of them in groups, of different sizes."""
    centre = rng.uniform(0, width, (n, 2))
    crowded = rng.random(n) < 0.3
    centre[crowded] = centre[rng.integers(0, n, crowded.sum())] + rng.normal(
        0, 4, (crowded.sum(), 2)
    )
    heights = rng.choice([12, 20, 24, 60, 200], n) * rng.uniform(0.9, 1.1, n)
    size = np.stack([heights * rng.uniform(0.05, 1.2, n), heights], axis=1)
    heat = rng.random((n, len(CLASSES))).round(1) ** 3  # ties among them
    return Glyphs(
        *(
            part.astype(np.float32)
            for part in (
                heat,
                centre,
                size,
                rng.random((n, 2)),
                rng.normal(0, 20, (n, 2)),
                rng.random(n),
                rng.choice([0.25, 0.5, 1.0, 2.0], n),
            )
        )
    )


def suppress_by_all_pairs(glyphs, parameters):
    """Do what `suppress` does, with matrices of all pairs."""
    n = len(glyphs)
    extent = np.maximum(glyphs.size, parameters.min_aspect * glyphs.size[:, ::-1])
    side = glyphs.size.max(axis=1)
    duplicate = side[:, None] < parameters.same_size * side
    duplicate &= duplicate.T
    for axis in (0, 1):
        apart = np.abs(glyphs.centre[:, None, axis] - glyphs.centre[None, :, axis])
        larger = np.maximum(extent[:, None, axis], extent[None, :, axis])
        duplicate &= apart < parameters.same_centre * larger
    np.fill_diagonal(duplicate, False)
    height = np.maximum(glyphs.size.max(axis=1) * glyphs.scale, 1)
    far = np.abs(np.log2(height / BEST))
    quality = glyphs.presence * np.where(glyphs.is_digit, np.exp2(-far), 0.5)
    keep = np.ones(n, bool)
    for i in np.argsort(-quality, kind="stable").tolist():
        if keep[i]:
            keep &= ~duplicate[i]
    return glyphs[keep]


def merge_by_all_pairs(parts, parameters):
    """Do what `merge` does, comparing each glyph with every other one."""
    found = suppress_by_all_pairs(glyphs.concatenate(parts), parameters)
    keep = np.ones(len(found), bool)
    boxes, scale, presence = found.boxes, found.scale, found.presence
    for i in np.argsort(scale, kind="stable").tolist():
        inside = keep & (scale > 1.4 * scale[i]) & (2 * found.size[:, 1] < found.size[i, 1])
        inside &= ((found.centre > boxes[i, :2]) & (found.centre < boxes[i, 2:])).all(axis=1)
        if keep[i] and inside.any():
            is_page = float(presence[inside].sum()) > 2 * float(presence[i])
            keep[i if is_page else inside] = False
    return found[keep]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 120), st.sampled_from([60, 400, 4_000]))
def test_the_same_glyphs_are_kept_as_by_all_pairs(seed, n, width):
    found = random_glyphs(np.random.default_rng(seed), n, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glyphs, "CHUNK", 16)
        kept = suppress(found, P)
        merged = merge([found], P)
    assert (kept.centre == suppress_by_all_pairs(found, P).centre).all()
    assert (merged.centre == merge_by_all_pairs([found], P).centre).all()


def test_many_glyphs_are_suppressed_as_by_all_pairs():
    found = random_glyphs(np.random.default_rng(0), 1_500, 1_000)
    kept, expected = suppress(found, P), suppress_by_all_pairs(found, P)
    assert 100 < len(kept) < 1_400
    assert (kept.heat == expected.heat).all()


def bent_by_all_pairs(lattice, points, row, column):
    """Do what `bend_lattice` does, with an array of all pairs of crossings and points."""
    shift = points - lattice[row, column]
    r, c = np.mgrid[: lattice.shape[0], : lattice.shape[1]]
    weight = 1 / ((r[..., None] - row) ** 2 + (c[..., None] - column) ** 2 + 1e-3) ** 2
    return lattice + (weight @ shift) / weight.sum(axis=-1, keepdims=True)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(3, 12), st.integers(3, 12))
def test_a_lattice_is_bent_as_by_all_pairs(seed, rows, columns):
    rng = np.random.default_rng(seed)
    ideal = np.stack(np.meshgrid(10.0 * np.arange(columns), 10.0 * np.arange(rows)), axis=-1)
    lattice = ideal.astype(np.float32)
    row, column = np.nonzero(rng.random((rows, columns)) < 0.7)
    points = (lattice[row, column] + rng.uniform(-4, 4, (len(row), 2))).astype(np.float32)
    if len(row):
        bent = bend_lattice(lattice, points, row, column, 10.0)
        assert (bent == bent_by_all_pairs(lattice, points, row, column).astype(np.float32)).all()


def peak_of(work):
    """Return the result of a call and the most bytes that NumPy and Python held in it."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_glyphs_of_two_full_levels_are_merged_in_little_memory():
    rng = np.random.default_rng(1)
    parts = [random_glyphs(rng, glyphs.MAX_GLYPHS, 3_000) for _ in range(2)]
    _, peak = peak_of(lambda: merge(parts, P))
    assert peak < 60 * MB  # an array of all pairs of float32 would be 380 MB


def test_a_lattice_of_many_crossings_is_bent_in_little_memory():
    n = 60
    lattice = np.stack(np.meshgrid(10.0 * np.arange(n), 10.0 * np.arange(n)), axis=-1)
    lattice = lattice.astype(np.float32)
    row, column = (part.ravel() for part in np.mgrid[:n, :n])
    points = lattice.reshape(-1, 2) + np.float32(1)
    bent, peak = peak_of(lambda: bend_lattice(lattice, points, row, column, 10.0))
    assert np.abs(bent - lattice - 1).max() < 1e-3
    assert peak < 20 * MB  # an array of all pairs of float64 would be 99 MB
