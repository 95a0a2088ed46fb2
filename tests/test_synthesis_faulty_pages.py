"""The truth of a synthetic page agrees with its ink, with any faults."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from digitscope.synthesis import sign_forms
from digitscope.synthesis.faulty_pages import (
    FAULTS,
    check_faults,
    digit_strokes,
    draw_faults,
    make_page,
    write,
    write_page,
)
from digitscope.synthesis.faulty_pages.letter_forms import LETTERS
from digitscope.synthesis.faulty_pages.stroke_drawing import StrokeStyle, draw_letter


@pytest.fixture(scope="module")
def drawn():
    """Two kinds of digit in the manner of MNIST: rings labelled 0 and bars labelled 1."""
    images = np.zeros((2, 28, 28), np.uint8)
    cv2.circle(images[0], (14, 14), 8, 255, 3, cv2.LINE_AA)
    cv2.line(images[1], (14, 5), (14, 23), 255, 3, cv2.LINE_AA)
    return images, np.array([0, 1], np.uint8)


def ink_of(page):
    """The dark pixels of a page with dark ink on light paper, lit evenly."""
    gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY).astype(int)
    return gray < (gray.min() + np.median(gray)) / 2


def covered(shape, boxes, slack):
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        mask[max(0, top - slack) : bottom + slack, max(0, left - slack) : right + slack] = True
    return mask


def test_the_same_seed_gives_the_same_page(drawn):
    faults = {"shadow": 0.5, "skew": 0.4, "letters": 0.5}
    one, truth = make_page(np.random.default_rng(3), *drawn, faults=faults)
    two, again = make_page(np.random.default_rng(3), *drawn, faults=faults)
    assert (one == two).all()
    assert truth == again
    other, _ = make_page(np.random.default_rng(4), *drawn, faults=faults)
    assert one.shape != other.shape or (one != other).any()


@pytest.mark.parametrize(
    "fault", ["none", "slant", "skew", "perspective", "bend", "turned", "sizes"]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_boxes_hold_all_ink_and_no_paper(drawn, fault, seed):
    faults = {} if fault == "none" else {fault: 0.7}
    page, truth = make_page(np.random.default_rng(seed), *drawn, faults=faults, height=60)
    ink = ink_of(page)
    boxes = [digit.box for number in truth.numbers for digit in number.digits]
    assert len(boxes) > 10
    assert not (ink & ~covered(ink.shape, boxes, 2)).any()
    for left, top, right, bottom in boxes:
        inside = ink[top:bottom, left:right]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        assert rows[0] <= 2
        assert columns[0] <= 2
        assert rows[-1] >= bottom - top - 3
        assert columns[-1] >= right - left - 3


def test_texts_are_the_labels_of_what_was_drawn(drawn):
    _, truth = make_page(np.random.default_rng(0), *drawn, height=60, lines=6)
    shapes = {"0": [], "1": []}
    for number in truth.numbers:
        assert number.text == "".join(digit.text for digit in number.digits)
        for digit in number.digits:
            left, top, right, bottom = digit.box
            shapes[digit.text].append((right - left) / (bottom - top))
    assert max(shapes["1"]) < 0.6 < min(shapes["0"])
    assert min(map(len, shapes.values())) > 5


def test_numbers_stand_apart_in_reading_order(drawn):
    _, truth = make_page(np.random.default_rng(1), *drawn, height=50, lines=6)
    assert len(truth.lines) == 6
    for line in truth.lines:
        for one, two in pairwise(line.numbers):
            assert two.box[0] - one.box[2] > 0.6 * 50
        for number in line.numbers:
            boxes = np.array([digit.box for digit in number.digits])
            assert number.box == (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))
    feet = [max(number.box[3] for number in line.numbers) for line in truth.lines]
    assert feet == sorted(feet)


def test_turning_the_page_turns_its_boxes(drawn):
    upright, before = make_page(np.random.default_rng(5), *drawn)
    turned, after = make_page(np.random.default_rng(5), *drawn, faults={"turned": 0.25})
    assert after.turns == 1
    assert (turned == np.rot90(upright)).all()
    assert before.numbers
    for one, two in zip(before.numbers, after.numbers, strict=True):
        left, top, right, bottom = one.box
        (a, b, c, d) = two.box
        assert (np.rot90(upright[top:bottom, left:right]) == turned[b:d, a:c]).all()


def test_touching_digits_touch(drawn):
    def blots(strength):
        faults = {"touching": strength} if strength else {}
        page, truth = make_page(np.random.default_rng(2), *drawn, faults=faults, height=60)
        digits = sum(len(number.digits) for number in truth.numbers)
        return (cv2.connectedComponents(ink_of(page).astype(np.uint8))[0] - 1) / digits

    assert blots(0) == 1
    assert blots(1) < 0.6


def test_every_fault_gives_a_page_with_its_truth_inside(drawn):
    for i, name in enumerate(FAULTS):
        rng = np.random.default_rng([7, i])
        page, truth = make_page(rng, *drawn, faults={name: 0.4}, lines=2, ems=9)
        assert page.dtype == np.uint8
        assert page.std() > 3, name
        assert truth.numbers, name
        height, width = page.shape[:2]
        for number in truth.numbers:
            left, top, right, bottom = number.box
            assert 0 <= left < right <= width, name
            assert 0 <= top < bottom <= height, name


def test_a_fault_of_the_camera_leaves_the_writing_alone(drawn):
    clean, truth = make_page(np.random.default_rng(6), *drawn)
    noisy, same = make_page(np.random.default_rng(6), *drawn, faults={"noise": 1.0})
    assert truth.lines == same.lines
    assert noisy.astype(float).std(axis=2).mean() > clean.astype(float).std(axis=2).mean()


def test_superscripts_are_numbers_of_their_own(drawn):
    faults = {"superscripts": 1.0}
    _, truth = make_page(np.random.default_rng(0), *drawn, faults=faults, height=60, ems=20)
    raised = [n for n in truth.numbers if n.raised]
    assert raised
    for line in truth.lines:
        for base, up in pairwise(line.numbers):
            if up.raised:
                assert len(up.text) == 1
                assert up.box[3] < base.box[3]
                assert up.box[3] - up.box[1] < 0.8 * (base.box[3] - base.box[1])


def test_gray_pages(drawn):
    page, _ = make_page(np.random.default_rng(0), *drawn, gray=True)
    assert page.ndim == 2


def test_mixed_faults_are_known_and_moderate():
    rng = np.random.default_rng(0)
    seen = [draw_faults(rng, every=True) for _ in range(1000)]
    for faults in seen:
        check_faults(faults)
        assert 2 <= len(faults) <= 5
        assert all(0.15 <= strength <= 0.6 for strength in faults.values())
    assert len(set().union(*seen)) == len(FAULTS)


def test_unknown_faults_and_strengths_are_refused(drawn):
    with pytest.raises(ValueError, match="Received: 'fog'"):
        make_page(np.random.default_rng(0), *drawn, faults={"fog": 0.5})
    with pytest.raises(ValueError, match="Received: skew=2"):
        make_page(np.random.default_rng(0), *drawn, faults={"skew": 2})


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.name)
def test_letters_stand_where_they_stand_in_writing(letter):
    usual = letter.skeleton.points[:, 1]
    for seed in range(5):
        ink, row = draw_letter(np.random.default_rng(seed), letter, 80, StrokeStyle(width=0.05))
        rows = np.flatnonzero((ink > 0.5).any(axis=1)) - row  # 0 is the foot of a digit
        assert abs(rows[0] / 80 + 1 - usual.min()) < 0.14
        assert abs(rows[-1] / 80 + 1 - usual.max()) < 0.14
        assert (ink[:, [0, -1]] > 0).any(axis=0).all()


def test_no_letter_of_a_page_is_one_that_networks_learn_to_refuse():
    taught = {glyph.text for glyph in (*sign_forms.LETTERS, *sign_forms.SIGNS)}
    assert not taught & {letter.text for letter in LETTERS}


def test_plain_digits_fill_their_height_and_keep_apart():
    for digit in "0123456789":
        every = np.concatenate(digit_strokes(digit))
        assert np.allclose(every.min(axis=0), 0, atol=1e-6)
        assert every[:, 1].max() == pytest.approx(1)
    page = np.full((80, 600), 235, np.uint8)
    end = write(page, "0123456789", 10, 60, 40, ink=20)
    ink = page < 128
    assert page.min() == 20
    assert cv2.connectedComponents(ink.astype(np.uint8))[0] - 1 == 10
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert (rows[0], rows[-1]) == pytest.approx((20, 60), abs=3)
    assert (columns[0], columns[-1]) == pytest.approx((10, end), abs=4)


def test_a_plain_page_has_a_line_of_text_for_each():
    page = write_page(["42", "7 19"], height=40)
    assert page.shape == (200, 640)
    assert (page == write_page(["42", "7 19"], height=40)).all()
    lines = (page < 128).any(axis=1).astype(int)
    assert (np.diff(lines) == 1).sum() == 2
