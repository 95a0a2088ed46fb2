"""Any picture of one digit takes the form of MNIST, however it was drawn."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from digitscope.errors import NoInk
from digitscope.image.ink import MIN_CONTRAST, find_ink
from digitscope.image.mnist_form import BOX, fit_to_box, mnist_steps, to_mnist


def draw_seven(side=120, paper=255, ink=0):
    image = Image.new("L", (side, side), paper)
    line = [(side // 4, side // 5), (3 * side // 4, side // 5), (side // 2, 4 * side // 5)]
    ImageDraw.Draw(image).line(line, ink, width=side // 12)
    return np.asarray(image)


def box(image):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def test_it_lies_in_a_box_of_20_with_its_mass_in_the_middle():
    image = to_mnist(draw_seven())
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert max(box(image)) == BOX
    assert image.max() == 255
    weights = image / image.sum()
    middle = (weights.sum(axis=1) @ np.arange(28), weights.sum(axis=0) @ np.arange(28))
    assert np.abs(np.array(middle) - 14).max() <= 0.5


@pytest.mark.parametrize("shape", [(60, 12), (12, 60), (200, 25), (25, 200)])
def test_the_aspect_is_kept(shape):
    height, width = shape
    page = np.full((height + 8, width + 8), 255, np.uint8)
    page[4:-4, 4:-4] = 0
    wanted = [max(1, round(side * BOX / max(shape))) for side in shape]
    assert box(to_mnist(page)) == tuple(wanted)


def test_either_polarity_gives_the_same_digit():
    page = draw_seven()
    assert (to_mnist(page) == to_mnist(255 - page)).all()


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (200, 90), (90, 200), (255, 225)])
def test_the_levels_of_paper_and_ink_do_not_matter(paper, ink):
    assert (to_mnist(draw_seven(paper=paper, ink=ink)) == to_mnist(draw_seven())).all()


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 90)] * 4))
def test_padding_a_page_changes_nothing(margins):
    top, bottom, left, right = margins
    page = draw_seven()
    padded = np.pad(page, ((top, bottom), (left, right)), constant_values=255)
    assert (to_mnist(padded) == to_mnist(page)).all()


@pytest.mark.parametrize("times", [2, 3, 5])
def test_a_larger_picture_is_the_same_digit(times):
    page = draw_seven()
    large = to_mnist(page.repeat(times, axis=0).repeat(times, axis=1))
    assert np.abs(to_mnist(page).astype(int) - large).mean() < 2


def test_uneven_light_is_no_ink():
    """Paper that runs from dark to middle gray, with a digit that is hardly lighter."""
    rng = np.random.default_rng(0)
    page = rng.integers(0, 101, (60, 60)).astype(np.uint8)
    page[10:50, 10:50] = 150
    assert to_mnist(page)[14, 14] == 255


def test_the_grain_of_paper_is_no_ink():
    rng = np.random.default_rng(0)
    page = draw_seven(ink=30, paper=210) + rng.uniform(-6, 6, (120, 120))
    difference = to_mnist(page.astype(np.uint8)).astype(int) - to_mnist(draw_seven())
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (1, 10_000), (3, 2)])
def test_an_empty_picture_is_no_ink(level, shape):
    with pytest.raises(NoInk, match=r"nothing is written on it: paper and ink differ by less"):
        to_mnist(np.full(shape, level, np.uint8))


def test_fainter_than_the_least_contrast_is_no_ink():
    faint = draw_seven(paper=200, ink=200 - MIN_CONTRAST + 1)
    with pytest.raises(NoInk, match="less than 24 gray levels"):
        to_mnist(faint)
    assert to_mnist(draw_seven(paper=200, ink=200 - MIN_CONTRAST)).max() == 255


def test_the_message_names_the_file(tmp_path):
    file = tmp_path / "blank.png"
    Image.new("L", (5, 5), 255).save(file)
    with pytest.raises(NoInk, match=r"blank\.png: nothing is written"):
        to_mnist(file)


def test_no_ink_at_all_does_not_fit_into_a_box():
    with pytest.raises(NoInk):
        fit_to_box(np.zeros((20, 20), np.float32))


pictures = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40), elements=None
)


def test_every_picture_is_a_digit_image_or_has_no_ink():
    outcomes = Counter()

    @settings(max_examples=300, deadline=None)
    @given(pictures)
    def check(picture):
        try:
            image = to_mnist(picture)
        except NoInk:
            outcomes["no ink"] += 1
            return
        outcomes["image"] += 1
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert image.any()
        assert find_ink(picture).shape == picture.shape

    check()
    assert min(outcomes["image"], outcomes["no ink"]) > 10, outcomes


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1_499))
def test_a_digit_in_mnist_form_keeps_its_place_and_size(digits, row):
    image = digits.train.images[row]
    again = to_mnist(to_mnist(image))
    assert (to_mnist(again) == again).all()


def test_mnist_is_in_mnist_form(mnist):
    """Of 500, a few have a speck or a box of 19 that moves them by a pixel."""
    images = mnist.test.images[:500]
    once = [to_mnist(image) for image in images]
    assert np.mean([(a == b).all() for a, b in zip(once, images, strict=True)]) > 0.98
    assert all((to_mnist(image) == image).all() for image in once)


# What lies about the digit


def like(picture, other, share=0.9):
    """Tell whether two pictures give nearly the same image."""
    a, b = to_mnist(picture).astype(float), to_mnist(other).astype(float)
    return (a * b).sum() > share * np.sqrt((a * a).sum() * (b * b).sum())


def test_specks_do_not_change_the_box():
    page = draw_seven().copy()
    page[3:6, 110:113] = page[110:112, 2:4] = 0
    assert like(page, draw_seven(), 0.999)


def test_a_ruled_line_through_the_digit_goes_and_the_digit_stays():
    plain = draw_seven(240)
    page = plain.copy()
    page[118:121] = np.minimum(page[118:121], 90)
    page[200:203] = 90
    assert like(page, plain, 0.95)


def hairline(margin):
    """Return a 7 whose bar and stem have the same width, with that much paper around it."""
    image = Image.new("L", (100 + 2 * margin, 140 + 2 * margin), 255)
    line = [(margin, margin + 1), (margin + 98, margin + 1), (margin + 30, margin + 139)]
    ImageDraw.Draw(image).line(line, 0, width=3)
    return np.asarray(image)


@pytest.mark.parametrize("margin", [0, 1, 14])
def test_the_bar_of_a_seven_is_no_ruled_line(margin):
    steps = mnist_steps(hairline(margin))
    assert (steps.digit == steps.ink).all()


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_frame_goes_even_where_it_is_as_wide_as_the_strokes(width):
    plain = hairline(20)
    image = Image.fromarray(plain)
    ImageDraw.Draw(image).rectangle((3, 3, image.width - 4, image.height - 4), None, 0, width)
    assert like(np.asarray(image), plain, 0.95)


@pytest.mark.parametrize("change", [-1e-4, 1e-4])
def test_last_bits_do_not_move_a_digit(change):
    """The middle of this bar lies halfway between two pixels."""
    bar = np.full((BOX, 2), 255, np.float32)
    bar[0] += change
    assert (fit_to_box(bar) == fit_to_box(np.full((BOX, 2), 255, np.float32))).all()


def test_a_hard_shadow_is_no_ink():
    plain = draw_seven(200)
    page = plain.copy()
    page[:, :70] = page[:, :70] * 0.4  # falls across the bar of the 7
    assert like(page, plain)


def test_a_neighbour_at_the_border_goes():
    page = draw_seven(200).copy()
    page[60:140, 196:] = 0
    assert like(page, draw_seven(200), 0.999)


def test_the_hat_of_a_five_stays():
    def five(hat):
        image = Image.new("L", (120, 160), 255)
        pen = ImageDraw.Draw(image)
        pen.line([(40, 40), (36, 75)], 0, 10)
        pen.arc([(20, 68), (85, 138)], 230, 150, 0, 10)
        if hat:
            pen.line([(52, 36), (96, 32)], 0, 10)
        return np.asarray(image)

    with_hat, without = to_mnist(five(True)), to_mnist(five(False))
    assert box(with_hat)[1] > box(without)[1]  # wider for the same height


@pytest.mark.parametrize("width", [2, 30])
def test_strokes_are_brought_near_those_of_mnist(width):
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).line([(100, 20), (100, 180)], 0, width=width)
    across = to_mnist(np.asarray(image))[14] > 127
    assert 2 <= across.sum() <= 5


def test_a_picture_in_mnist_form_keeps_its_strokes():
    thin = np.zeros((28, 28), np.uint8)
    thin[4:24, 14] = 255
    assert (to_mnist(thin) == thin).all()
