"""Hairlines and broad pens, tight and wide crops, small and large pictures stay the same digit.

Recorded pen strokes (pendigits) are drawn with pens of known width; scanned digits (MNIST's
training part, Swiss digits, the bundled digits) are enlarged to a known height. The same few
digits are drawn in every condition, so only the picture differs between two accuracies.
"""

import functools

import cv2
import numpy as np
import pytest

from digitscope import load
from digitscope.data import load_data
from digitscope.data.stroke_sets import PENDIGITS, read_strokes
from digitscope.data.swiss_digits import FILE as SWISS
from digitscope.image.ink import find_ink
from digitscope.image.mnist_form import mnist_steps, to_mnist

HEIGHT = 200  # pixels; of a digit where nothing else is said
PEN = 1 / 10  # of the height; the pen's width where nothing else is said
ALL_AROUND = (20, 20, 20, 20)  # pixels of paper at the top, bottom, left and right
FINE = 240  # pixels; smaller digits are drawn that high, or higher, and then reduced
USUAL = 0.92  # least accuracy
SMALL = 0.80  # the same where 12 pixels, or strokes of a quarter of the height, close a loop


def rows_of(labels, each):
    """Return the same rows for each digit on every run."""
    rng = np.random.default_rng(1)
    names = np.asarray(labels).astype(str)
    return [
        int(i) for d in "0123456789" for i in rng.choice(np.flatnonzero(names == d), each, False)
    ]


def tight(ink, level=60):
    rows = np.flatnonzero((ink > level).any(axis=1))
    columns = np.flatnonzero((ink > level).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def draw(lines, height=HEIGHT, pen=PEN):
    """Return the antialiased ink of pen strokes, cut to the ink, 255 = ink."""
    times = -(-FINE // height)
    high, width = height * times, max(1, round(pen * height * times))
    points = np.concatenate(lines)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-6)
    scale = min((high - width) / span[1], 2 * high / span[0])
    across, down = (int(np.ceil(side * scale)) + width + 2 for side in span)
    canvas = np.zeros((down + -down % times, across + -across % times), np.uint8)
    start = (np.array(canvas.shape[::-1]) - 1 - span * scale) / 2
    placed = [np.round(((line - low) * scale + start) * 16).astype(np.int32) for line in lines]
    dots = [np.repeat(line, 2, axis=0) if len(line) == 1 else line for line in placed]
    cv2.polylines(canvas, dots, False, 255, width, cv2.LINE_AA, 4)
    size = (canvas.shape[1] // times, canvas.shape[0] // times)
    return tight(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA))


def enlarge(ink, height=HEIGHT):
    """Return ink cut to what is inked and scaled to a height."""
    ink = tight(ink, 100)
    smaller = height < len(ink)
    size = (max(1, round(ink.shape[1] * height / len(ink))), height)
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def page(ink, margins=ALL_AROUND):
    """Return ink as a picture, dark on white paper."""
    top, bottom, left, right = margins
    return 255 - np.pad(ink, ((top, bottom), (left, right)))


def thickened(ink, by):
    if not by:
        return ink
    round_pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (by + 1, by + 1))
    return tight(cv2.dilate(np.pad(ink, by), round_pen))


def difference(a, b):
    """Return the mean difference of two pictures' images, in gray levels."""
    return np.abs(to_mnist(a).astype(int) - to_mnist(b)).mean()


@functools.cache
def cnn():
    return load("cnn", threads=1)


def accuracy(pictures, labels):
    return np.mean(cnn().predict(np.stack([to_mnist(p) for p in pictures])) == labels)


def data_file(folder, name):
    if not (folder / name).is_file():
        pytest.skip(f"the folder that DIGITSCOPE_DATA names has no {name}")
    return folder / name


@pytest.fixture(scope="module")
def pens(mnist_folder):
    """Sixty digits as pen strokes, and their labels."""
    strokes = read_strokes(data_file(mnist_folder, PENDIGITS))
    rows = rows_of(strokes.labels, 6)
    return [strokes.lines(i) for i in rows], strokes.labels[rows].astype(int)


@pytest.fixture(scope="module")
def scans(mnist_folder, mnist):
    """Thirty digits of MNIST and thirty Swiss ones as ink, and their labels."""
    archive = dict(np.load(data_file(mnist_folder, SWISS)))
    swiss = rows_of(archive["labels"], 3)
    inks = [
        find_ink(archive["images"][i][: archive["shapes"][i][0], : archive["shapes"][i][1]])
        for i in swiss
    ]
    rows = rows_of(mnist.train.labels, 3)
    labels = np.concatenate([archive["labels"][swiss], mnist.train.labels[rows]])
    return [ink.astype(np.uint8) for ink in inks] + list(mnist.train.images[rows]), labels


@pytest.fixture(scope="module")
def blurred():
    """Thirty of the digits that scikit-learn brings along, and their labels.

    They were 8×8: enlarged, their strokes have edges many pixels wide.
    """
    part = load_data("digits").train
    rows = rows_of(part.labels, 3)
    return list(part.images[rows]), part.labels[rows]


@pytest.fixture(scope="module")
def bundled(blurred):
    """The same digits with sharp edges."""
    inks, labels = blurred
    large = [
        cv2.resize(tight(x, 100), None, fx=20, fy=20, interpolation=cv2.INTER_CUBIC) for x in inks
    ]
    return [np.where(x > 110, 255, 0).astype(np.uint8) for x in large], labels


# Accuracy


@pytest.mark.parametrize("margin", [0, 20])
@pytest.mark.parametrize(
    ("pen", "least"),
    [
        (1 / 60, USUAL),
        (1 / 30, USUAL),
        (1 / 15, USUAL),
        (1 / 10, USUAL),
        (1 / 6, USUAL),
        (1 / 4, 0.88),
    ],
)
def test_a_pen_of_any_width(pens, pen, least, margin):
    lines, labels = pens
    assert accuracy([page(draw(x, pen=pen), (margin,) * 4) for x in lines], labels) >= least


@pytest.mark.parametrize(
    ("height", "pen", "least"),
    [
        (12, PEN, 0.88),
        (12, 1 / 60, 0.85),
        (12, 1 / 4, SMALL),
        (16, PEN, USUAL),
        (28, PEN, USUAL),
        (28, 1 / 4, 0.85),
        (40, PEN, USUAL),
        (40, 1 / 4, 0.85),
        (100, PEN, USUAL),
    ],
)
def test_a_tight_crop_of_any_size(pens, height, pen, least):
    lines, labels = pens
    assert accuracy([page(draw(x, height, pen), (0,) * 4) for x in lines], labels) >= least


@pytest.mark.parametrize(("height", "step"), [(1000, 6), (4000, 12)])
@pytest.mark.parametrize("pen", [1 / 60, 1 / 4])
def test_a_large_picture(pens, height, step, pen):
    """One digit of a few is misread in no size."""
    lines, labels = pens[0][::step], pens[1][::step]
    pictures = [page(draw(x, height, pen)) for x in lines]
    assert np.count_nonzero(cnn().predict(np.stack([to_mnist(p) for p in pictures])) != labels) <= 1


MARGINS = [(n,) * 4 for n in (0, 1, 2, 10, 100)] + [
    tuple(0 if side == cut else 20 for side in range(4)) for cut in range(4)
]


@pytest.mark.parametrize("margins", MARGINS)
def test_scans_with_any_margin(scans, margins):
    inks, labels = scans
    assert accuracy([page(enlarge(x), margins) for x in inks], labels) >= USUAL


@pytest.mark.parametrize("height", [12, 28, 100])
def test_scans_of_any_size(scans, height):
    inks, labels = scans
    least = 0.88 if height == 12 else USUAL
    assert accuracy([page(enlarge(x, height), (2,) * 4) for x in inks], labels) >= least


@pytest.mark.parametrize("by", [0, 8, 16, 24, 32, 40, 48])
def test_scans_with_thickened_strokes(scans, by):
    """The Swiss digits alone: MNIST has strokes that broad already."""
    inks, labels = scans[0][:30], scans[1][:30]
    pictures = [page(thickened(enlarge(x), by), (10,) * 4) for x in inks]
    assert accuracy(pictures, labels) >= 0.85


@pytest.mark.parametrize("margin", [0, 1, 20])
@pytest.mark.parametrize(("by", "least"), [(0, 0.9), (24, 0.85)])
def test_bundled_digits(bundled, by, least, margin):
    inks, labels = bundled
    pictures = [page(thickened(enlarge(x), by), (margin,) * 4) for x in inks]
    assert accuracy(pictures, labels) >= least


@pytest.mark.parametrize("pen", [1 / 60, 1 / 4])
def test_as_much_ink_as_a_usual_pen(pens, pen):
    """The network reads faint hairlines and closed loops too; the images tell the difference."""
    ink = [np.sum([to_mnist(page(draw(x, pen=p))).mean() for x in pens[0]]) for p in (pen, PEN)]
    assert 0.51 < ink[0] / ink[1] < 1.85


# What must not matter


@pytest.mark.parametrize("margin", [0, 20])
@pytest.mark.parametrize("by", [0, 24, 48])
def test_the_negative_is_the_same_digit(bundled, margin, by):
    for ink in bundled[0]:
        picture = page(thickened(enlarge(ink), by), (margin,) * 4)
        assert np.abs(to_mnist(picture).astype(int) - to_mnist(255 - picture)).max() <= 2


@pytest.mark.parametrize("by", [24, 48])
def test_the_negative_of_a_blurred_stroke_at_the_border(blurred, by):
    """Here many pixels have the very level that parts ink from paper."""
    for ink in blurred[0]:
        picture = page(thickened(enlarge(ink), by), (0,) * 4)
        assert np.abs(to_mnist(picture).astype(int) - to_mnist(255 - picture)).max() <= 2


@pytest.mark.parametrize("by", [0, 24, 48])
def test_paper_around_it_changes_nearly_nothing(bundled, by):
    for ink in bundled[0]:
        digit = thickened(enlarge(ink), by)
        # A part of one 3 goes as a vertical rule if one pixel of paper is around it: 2.2 levels.
        assert difference(page(digit), page(digit, (1,) * 4)) < 3
        assert difference(page(digit), page(digit, (90, 10, 20, 150))) < 1


@pytest.mark.parametrize(("height", "most"), [(60, 8), (200, 5)])
def test_twice_the_size_changes_little(bundled, height, most):
    for ink in bundled[0]:
        picture = page(enlarge(ink, height), (height // 10,) * 4)
        large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        assert difference(picture, large) < most


@pytest.mark.parametrize("gap", [2, 4])
def test_a_dotted_stroke_keeps_all_its_parts(bundled, gap):
    """A coarse scan breaks the upper half into dots, much smaller than the whole lower half."""
    for ink in bundled[0]:
        digit = enlarge(ink)
        row, column = np.indices(digit.shape)
        left_out = (row < HEIGHT // 2) & ((row % 12 < gap) | (column % 12 < gap))
        picture = page(np.where(left_out, 0, digit).astype(np.uint8))
        assert mnist_steps(picture).digit.sum() > 0.99 * find_ink(picture).sum()
