"""Recorded strokes and scans: taken, joined and drawn again."""

import numpy as np
import pytest

from digitscope.errors import BadData
from digitscope.synthesis.pen import HAND, Style
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet

PLAIN = Style(0.0, 0.0, (0.0, 0.0), 0.0, 0.0, 0.0, (2.3, 0.0), 0.0, 0.0, 0.0)
BAR = [[[0.5, 0.0], [0.5, 0.5], [0.5, 1.0]]]
DASH = [[[0.0, 0.5], [1.0, 0.5]]]
CROSS = [[[0.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]


def strokes():
    samples, labels = [BAR, CROSS, DASH, CROSS, BAR], ["1", "x", "-", "x", "1"]
    return StrokeSet.from_lines(samples, labels, [4, 4, 7, 9, 9])


def plain_lines(one, i):
    return [line.tolist() for line in one.lines(i)]


@pytest.mark.parametrize(
    "rows", [[3, 0, 0], np.array([True, False, False, True, False]), slice(1, 4), [], [2]]
)
def test_what_is_taken_is_what_was_there(rows):
    every = strokes()
    part = every.take(rows)
    chosen = np.arange(5)[rows]
    assert len(part) == len(chosen)
    assert part.labels.tolist() == every.labels[chosen].tolist()
    assert part.writers.tolist() == every.writers[chosen].tolist()
    for place, row in enumerate(chosen):
        assert plain_lines(part, place) == plain_lines(every, row)
    assert part.stroke[-1] == len(part.points)
    assert part.sample[-1] == len(part.stroke) - 1


def test_two_parts_joined_are_the_whole():
    every = strokes()
    joined = StrokeSet.joined([every.take([0, 1]), every.take([]), every.take([2, 3, 4])])
    for name in ("points", "stroke", "sample", "labels", "writers"):
        assert getattr(joined, name).tolist() == getattr(every, name).tolist()


@pytest.mark.parametrize("style", [PLAIN, HAND])
def test_the_same_seed_draws_the_same_images(style):
    rows = [0, 1, 2, 3, 4, 1, 1]
    one, two, other = (
        strokes().draw(rows, np.random.default_rng(seed), style) for seed in (3, 3, 4)
    )
    assert one.shape == (7, 28, 28)
    assert one.dtype == np.uint8
    assert (one == two).all()
    if style is HAND:
        assert (one != other).any(axis=(1, 2)).all()
        assert (one[1] != one[5]).any()  # a sample is drawn anew each time


def test_an_image_is_of_the_sample_in_its_place():
    """Bars are higher than wide, and where a bar is drawn does not depend on its neighbours."""
    images = strokes().draw([2, 0, 4, 0], np.random.default_rng(0), PLAIN)
    sizes = [[np.ptp(axis) for axis in np.nonzero(image)] for image in images]
    assert [height > 2 * width for height, width in sizes] == [False, True, True, True]
    bent = Style(0.02, 8.0, (0.0, 8.0), 0.1, 0.0, 0.0, (2.3, 0.3), 0.0, 0.0, 0.0)
    one = strokes().draw([0, 1, 4], np.random.default_rng(1), bent)
    two = strokes().draw([0, 2, 4], np.random.default_rng(1), bent)
    assert (one[[0, 2]] == two[[0, 2]]).all()
    assert (one[1] != two[1]).any()


def test_images_are_in_the_form_of_mnist():
    images = strokes().draw(np.arange(5).repeat(20), np.random.default_rng(2)).astype(float)
    assert (images.max(axis=(1, 2)) > 120).all()
    mass = images.sum(axis=(1, 2))
    for axis in (1, 2):
        centre = (images.sum(axis=3 - axis) @ np.arange(28)) / mass
        assert np.abs(centre - 14).max() < 1.6


def test_none_can_be_drawn():
    assert strokes().draw([], np.random.default_rng(0)).shape == (0, 28, 28)
    assert len(StrokeSet.from_lines([], [])) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stroke": [1, 3, 5, 7, 9, 11, 13, 16]}, "'stroke' of a stroke file must rise from 0"),
        ({"stroke": [0, 3, 5, 7, 9, 11, 13, 15]}, "'stroke' of a stroke file must rise from 0 to"),
        ({"stroke": [0, 3, 3, 7, 9, 11, 13, 16]}, "'stroke' .* must rise"),
        ({"stroke": [0, 7, 5, 7, 9, 11, 13, 16]}, "'stroke' .* must rise"),
        ({"stroke": [0.0, 3, 5, 7, 9, 11, 13, 16]}, "'stroke' .* must rise"),
        ({"stroke": [[0, 3, 5, 7, 9, 11, 13, 16]]}, "'stroke' .* must rise"),
        ({"sample": [0, 1, 3, 4, 6, 8]}, r"'sample' .* from 0 to 7\. Received: \[0 1 3 4 6 8\]"),
        ({"sample": [0, 1, 1, 4, 6, 7]}, "'sample' .* must rise"),
        ({"sample": [1, 2, 3, 4, 6, 7]}, "'sample' .* must rise"),
        ({"points": np.zeros((16, 3))}, r"points must have the shape \(p, 2\)\. .*\(16, 3\)"),
        ({"labels": np.array(["1"] * 4)}, "Received: 5 samples, 4 labels, 5 writers"),
        ({"writers": np.zeros(6, int)}, "Received: 5 samples, 5 labels, 6 writers"),
    ],
)
def test_a_set_that_does_not_fit_together_is_refused(change, told):
    every = strokes()
    names = ("points", "stroke", "sample", "labels", "writers")
    fields = {name: getattr(every, name) for name in names}
    assert StrokeSet(**fields).stroke.tolist() == [0, 3, 5, 7, 9, 11, 13, 16]
    with pytest.raises(BadData, match=told):
        StrokeSet(**fields | {name: np.asarray(value) for name, value in change.items()})


# Scans


def scans():
    bar, dash = np.zeros((60, 20), np.uint8), np.zeros((20, 60), np.uint8)
    bar[:, 8:12], dash[8:12] = 255, 255
    return ScanSet((bar, dash, bar), np.array(["1", "-", "1"]), np.array([5, 6, 6]))


def test_scans_are_taken_and_drawn():
    every = scans()
    part = every.take(np.array([False, True, True]))
    assert part.labels.tolist() == ["-", "1"]
    assert part.writers.tolist() == [6, 6]
    images = part.draw([1, 0, 1], np.random.default_rng(0), PLAIN)
    sizes = [[np.ptp(axis) for axis in np.nonzero(image > 90)] for image in images]
    assert [height > 2 * width for height, width in sizes] == [True, False, True]


def test_the_same_seed_draws_the_same_scans():
    one, two, other = (scans().draw([0, 1, 1, 2], np.random.default_rng(s)) for s in (3, 3, 4))
    assert (one == two).all()
    assert (one != other).any(axis=(1, 2)).all()
    assert (one[1] != one[2]).any()
