"""Drawn digits have their labels and the form of MNIST; non-digits show no digit."""

import cv2
import numpy as np
import pytest

from digitscope.data.synthetic import load_synthetic
from digitscope.errors import BadData, BadImage, Misuse
from digitscope.image.mnist_form import BOX, fit_to_box
from digitscope.synthesis.clutter import HALVES, MAKERS, collect_digits, draw_clutter, half
from digitscope.synthesis.degradation import CANVAS, Degradation, fit
from digitscope.synthesis.digit_forms import DIGITS as BOOK
from digitscope.synthesis.digits import GLYPHS, TYPE, draw_digits, draw_non_digits
from digitscope.synthesis.pen import CLEAN, HAND, Style, draw, draw_lines, trace
from digitscope.synthesis.printed_characters import draw_printed
from digitscope.synthesis.sign_forms import LETTERS, SIGNS
from digitscope.synthesis.stroke_notation import STEPS, Glyph, Stroke, outline, parse, spline

UNWORN = Style(degradation=0.0, printed=0.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def named(digit, name):
    return next(glyph for glyph in BOOK[digit] if glyph.name == name)


def draw_one(glyph, n, style=CLEAN, seed=0):
    return draw([glyph], np.zeros(n, int), rng(seed), style)


def sides(image):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def centre(image):
    weights = image / image.sum()
    return weights.sum(axis=1) @ np.arange(28), weights.sum(axis=0) @ np.arange(28)


def holes(image):
    paper = (image < 100).astype(np.uint8)
    return cv2.connectedComponents(paper, connectivity=4)[0] - 2  # label 0 is ink, one is outside


def lean(image):
    """Degrees by which the longer axis of the ink leans to the right of upright."""
    moments = cv2.moments(image)
    angle = 0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    return 90 + np.rad2deg(angle) if angle < 0 else np.rad2deg(angle) - 90


# The notation


def test_parameters_move_points():
    skeleton = parse("0,30{flag -20,10}{up 0,-5} 20,0! 20,100 | 0,100 40,100")
    assert skeleton.parameters == ("flag", "up")
    assert skeleton.points.shape == (5, 2)
    assert np.allclose(skeleton.moves[0, 0], [-0.2, 0.1])
    assert not skeleton.moves[:, 1:].any()
    assert [(s.first, s.last, s.closed) for s in skeleton.strokes] == [(0, 3, False), (3, 5, False)]
    assert skeleton.strokes[0].corners == (False, True, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,0 10", r"must be x,y.*Received: '10'"),
        ("0,0 1,1{flag 2}", r"Received: '1,1\{flag 2\}'"),
        ("0,0", r"two points or more. Received: '0,0'"),
        ("0,0 1,1 | ", r"two points or more"),
    ],
)
def test_a_mistake_in_the_notation_is_shown(text, message):
    with pytest.raises(Misuse, match=message):
        parse(text)


def test_a_spline_goes_through_its_points_and_is_straight_between_corners():
    points = np.array([[0, 0], [1, 2], [3, 1], [5, 5]], float)
    smooth, straight = spline(Stroke(0, 4, (False, True, True, False), closed=False), 4)
    line = smooth @ points
    for point in points:
        assert np.abs(line - point).sum(axis=1).min() < 1e-5
    between = line[6:13] - points[1]  # six steps a point; both its ends are corners
    assert np.abs(between @ [1, 2]).max() < 1e-5
    assert np.allclose((straight @ points)[[0, 6, 12, 18]], points)


def test_a_closed_stroke_ends_where_it_began():
    smooth, _ = spline(Stroke(0, 3, (False,) * 3, closed=True), 3)
    assert np.allclose(smooth[0], smooth[-1])
    assert len(smooth) == 3 * 6 + 1


# The form of MNIST


@pytest.mark.parametrize("size", [20, 31, 64, 80, 100])
@pytest.mark.parametrize("lying", [False, True])
def test_the_fast_fit_is_the_fit_of_preprocess(size, lying):
    ink = np.zeros((size + 14, size + 14), np.uint8)
    axes = (size // 4, size // 2 - 1) if not lying else (size // 2 - 1, size // 3)
    middle = (size // 2 + 3, size // 2 + 7)
    # A stroke as wide as MNIST's, which preprocess leaves as it is.
    cv2.ellipse(ink, middle, axes, 10, 40, 330, 255, max(2, size // 7), cv2.LINE_AA)
    difference = fit(ink).astype(int) - fit_to_box(ink.astype(np.float32))
    assert np.abs(difference).max() <= 1


def test_squash_narrows_first():
    ink = np.full((40, 40), 255, np.uint8)
    assert sides(fit(ink, 0.5)) == (BOX, BOX // 2)


@pytest.mark.parametrize("style", [CLEAN, UNWORN], ids=["clean", "unworn"])
def test_every_form_lies_in_the_box_with_its_mass_in_the_middle(style):
    images = draw(GLYPHS, np.repeat(np.arange(len(GLYPHS)), 4), rng(), style)
    assert images.dtype == np.uint8
    for image in images:
        assert max(sides(image)) == BOX
        assert np.abs(np.array(centre(image)) - 14).max() < 1
        assert image.max() > 150


@pytest.mark.parametrize("book", [GLYPHS, LETTERS, SIGNS], ids=["digits", "letters", "signs"])
def test_every_form_leaves_ink_however_worn(book):
    images = draw(book, np.repeat(np.arange(len(book)), 10), rng(2), HAND)
    assert images.shape == (10 * len(book), 28, 28)
    assert (images.reshape(len(images), -1).max(axis=1) > 100).all()
    assert all(max(sides(image)) <= BOX for image in images)


def test_wear_of_nothing_is_the_fit_alone():
    ink = np.zeros(CANVAS, np.uint8)
    cv2.ellipse(ink, (40, 50), (20, 36), 10, 0, 360, 255, 9)
    wear = Degradation(50, rng(), 0.0)
    assert all((wear.finish(ink, i) == fit(ink)).all() for i in range(50))
    worn = Degradation(50, rng(), 1.0)
    assert sum((worn.finish(ink, i) != fit(ink)).any() for i in range(50)) > 10


def test_wear_keeps_the_aspect():
    square = np.zeros(CANVAS, np.uint8)
    square[10:80, 10:80] = 255
    wear = Degradation(200, rng(), 1.0)
    worn = [sides(wear.finish(square, i, 0.5)) for i in range(200)]
    assert all(0.35 <= width / height <= 0.65 for height, width in worn)


# The digits are what they are called


@pytest.mark.parametrize(
    ("digit", "name", "wanted"),
    [
        (0, "oval", 1),
        (0, "print", 1),
        (0, "slashed", 2),
        (1, "flag and base", 0),
        (2, "corner", 0),
        (3, "round", 0),
        (4, "closed in one", 1),
        (4, "open", 0),
        (5, "one go", 0),
        (6, "curve", 1),
        (7, "crossed", 0),
        (8, "print", 2),
        (8, "from the top right", 2),
        (9, "straight tail", 1),
    ],
)
def test_the_holes_of_a_clean_form(digit, name, wanted):
    found = [holes(image) for image in draw_one(named(digit, name), 40)]
    assert np.mean(np.array(found) == wanted) >= 0.9


def test_labels_are_honoured():
    labels = np.tile([8, 1, 0, 3], 50)
    images = draw_digits(labels, rng(), style=CLEAN)
    found = np.array([holes(image) for image in images])
    assert np.median(found[labels == 8]) == 2
    assert np.median(found[labels == 0]) == 1
    assert (found[labels == 1] == 0).mean() > 0.9  # a few 1s have a loop at their top
    assert np.median(found[labels == 3]) == 0


def test_a_crossed_seven_has_a_bar():
    plain, crossed = (draw_one(named(7, name), 20) for name in ("plain", "crossed"))
    at_the_bar = slice(11, 17)

    def widest(image):
        return (image[at_the_bar] > 100).sum(axis=1).max()

    assert max(map(widest, plain)) < min(map(widest, crossed))


def test_a_flag_points_down_to_the_left():
    images = draw_one(named(1, "flag"), 20)
    assert len(images) == 20
    for image in images:
        inked = image > 100
        stem = np.flatnonzero(inked[22])[0]  # the stem's left edge, below the flag
        assert inked[4:16, : stem - 1].any()
        assert not inked[20:24, : stem - 2].any()


def test_a_bar_leans_less_than_a_slash():
    steep = Style(slant=(20.0, 30.0), degradation=0.0, printed=0.0)  # writers who lean a lot
    bars = [lean(image) for image in draw_one(named(1, "bar"), 1000, steep)]
    slash = next(glyph for glyph in SIGNS if glyph.name == "slash")
    slashes = [lean(image) for image in draw_one(slash, 1000, steep)]
    assert np.percentile(bars, 99) < 30
    assert np.percentile(slashes, 1) > 23
    assert np.mean(np.array(bars) > np.median(slashes)) < 0.02


def test_print_is_in_the_box_too():
    images = draw_printed(list("0123456789" + TYPE), rng(), UNWORN)
    assert all(max(sides(image)) == BOX for image in images)
    assert holes(images[8]) == 2
    assert not set(TYPE) & set("bgilqosSIO0123456789|/")


# Chance


def test_the_same_state_gives_the_same_images():
    labels = np.arange(60) % 10
    assert (draw_digits(labels, rng(3)) == draw_digits(labels, rng(3))).all()
    assert (draw_non_digits(60, rng(3)) == draw_non_digits(60, rng(3))).all()
    assert (draw_digits(labels, rng(3)) != draw_digits(labels, rng(4))).any(axis=(1, 2)).all()


def test_two_writers_write_differently():
    images = draw_one(named(2, "corner"), 50, HAND)
    assert len({image.tobytes() for image in images}) == 50


def test_a_form_is_drawn_as_often_as_its_weight_says():
    weights = np.array([glyph.weight for glyph in BOOK[1]])
    images = draw_digits(np.ones(2000, int), rng(), style=CLEAN)
    narrow = np.mean([sides(image)[1] <= 3 for image in images])  # no form but the bars is
    bars = [i for i, glyph in enumerate(BOOK[1]) if glyph.name in ("bar", "arched bar")]
    assert abs(narrow - weights[bars].sum() / weights.sum()) < 0.03


def test_the_data_set_is_fixed_and_balanced():
    data = load_synthetic(40, 20, 10)
    again = load_synthetic(40, 20, 10)
    assert data.name == "synthetic"
    assert data.train.counts() == [4] * 10
    assert data.test.counts() == [2] * 10
    assert len(data.non_digits) == 10
    assert data.train.sha256() == again.train.sha256()
    assert (data.non_digits == again.non_digits).all()
    assert (data.train.images[:20] != data.test.images).any()


# Non-digits


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_every_maker_leaves_ink_in_the_box(maker):
    source = collect_digits(30, rng())
    images = draw_clutter([maker] * 40, rng(5), source)
    assert images.shape == (40, 28, 28)
    assert (images.reshape(40, -1).max(axis=1) > 60).all()
    assert all(max(sides(image)) <= BOX for image in images)
    assert len({image.tobytes() for image in images}) > 20


def test_real_digits_are_used_and_halved_only_with_their_labels():
    real = np.zeros((4, 28, 28), np.uint8)
    real[:, 4:24, 10:18] = 255
    labels = np.array([0, 6, 8, 0], np.uint8)
    unlabelled, labelled = collect_digits(60, rng(), real), collect_digits(60, rng(), real, labels)
    assert len(unlabelled.inks) == len(labelled.inks) == 60
    assert (unlabelled.labels[30:] == -1).all()
    assert unlabelled.halves.max() < 30 <= labelled.halves.max()
    assert set(labelled.labels[labelled.halves]) <= set(HALVES)


def test_a_half_is_never_so_thin_as_to_be_a_one():
    source = collect_digits(100, rng())
    for seed in range(200):
        part = half(rng(seed), source)
        assert part.shape[1] >= 0.35 * part.shape[0]


def test_non_digits_are_of_many_kinds():
    images = draw_non_digits(300, rng())
    assert images.shape == (300, 28, 28)
    assert images.dtype == np.uint8
    found = [holes(image) for image in images]
    assert len(set(found)) >= 4
    wide = np.mean([sides(image)[1] > sides(image)[0] for image in images])
    assert 0.2 < wide < 0.8


@pytest.mark.parametrize("n", [0, 1])
def test_few_or_none(n):
    assert draw_digits(np.zeros(n, int), rng()).shape == (n, 28, 28)
    assert draw_digits([], rng()).shape == (0, 28, 28)
    assert draw_non_digits(n, rng()).shape == (n, 28, 28)


# Misuse


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 10], r"labels must be 0 to 9\. Received: 10\."),
        ([-1], r"Received: -1\."),
        ([0.5], r"whole numbers in one row\. Received: float64 of shape \(1,\)"),
        ([[1, 2]], r"Received: int64 of shape \(1, 2\)"),
    ],
)
def test_labels_that_are_none(labels, message):
    with pytest.raises(Misuse, match=message):
        draw_digits(labels, rng())


def test_wrong_arguments_for_non_digits():
    with pytest.raises(Misuse, match=r"n must be 0 or more\. Received: -1\."):
        draw_non_digits(-1, rng())
    with pytest.raises(BadImage, match="images must be uint8"):
        draw_non_digits(1, rng(), np.zeros((2, 28, 28)))  # type: ignore[arg-type]
    with pytest.raises(BadData, match="2 images but 1 labels"):
        draw_non_digits(1, rng(), np.zeros((2, 28, 28), np.uint8), labels=np.array([1]))


def test_a_pen_is_no_fatter_than_its_form_bears():
    fat = Style(pen=(9.0, 0.0), nib=0.0, degradation=0.0, printed=0.0)
    thin = Glyph("two rings", "30,0 0,25 30,50 60,25 z | 30,50 0,75 30,100 60,75 z", fattest=0.1)
    lines = trace(thin, 10, rng(), fat)
    assert max(lines.pens) <= 0.1 * 80 + 1e-6


# Lines and the pen


def test_an_outline_has_its_parameters_at_one_half():
    glyph = Glyph("hooked bar", "0,0 0,100{hook 40,0} | 20,0 60,0")
    bar, dash = outline(glyph)
    assert np.allclose(bar[[0, -1]], [[0.0, 0.0], [0.2, 1.0]])
    assert np.allclose(dash[[0, -1]], [[0.2, 0.0], [0.6, 0.0]])
    assert len(bar) == STEPS + 1
    [moved, _] = outline(glyph, glyph.skeleton.points + np.float32(1))
    assert np.allclose(moved[[0, -1]], [[1, 1], [1, 2]])


@pytest.mark.parametrize("width", [1, 5, 9.4])
def test_a_line_is_as_wide_as_the_pen(width):
    canvas = np.zeros((40, 60), np.uint8)
    draw_lines(canvas, [np.array([[10, 20], [50, 20]])], width, level=200)
    assert set(np.unique(canvas)) == {0, 200}
    assert 0 <= (canvas[:, 30] > 0).sum() - width <= 2  # OpenCV draws them a little wider
    assert not canvas[:, 58:].any()


def test_pressure_changes_the_width_along_a_line():
    points = np.stack([np.linspace(10, 390, 61), np.full(61, 20)], axis=1)
    even, pressed = np.zeros((2, 40, 400), np.uint8)
    draw_lines(even, [points], 8)
    draw_lines(pressed, [points], 8, pressure=(0.5, 0.0))
    widths = [len(set((canvas > 0).sum(axis=0)[20:380])) for canvas in (even, pressed)]
    assert widths[0] == 1
    assert widths[1] > 4


def test_one_point_is_a_dot():
    for pressure in ((0.0, 0.0), (0.3, 1.0)):
        canvas = np.zeros((20, 20), np.uint8)
        draw_lines(canvas, [np.array([[10.0, 10.0]])], 5, pressure=pressure)
        assert canvas[10, 10] == 255
        assert not canvas[:5].any()


def test_a_smooth_edge_has_levels_between():
    canvas = np.zeros((40, 40), np.uint8)
    draw_lines(canvas, [np.array([[5, 8], [35, 30]])], 3, smooth=True)
    assert len(np.unique(canvas)) > 10
