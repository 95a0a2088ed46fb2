"""How closely handwritten characters stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitscope.synthesis.pages.glyph_ink import Outline
from digitscope.synthesis.pages.spacing import APART, BAND, overlap


def outline(*strokes: list[list[float]]) -> Outline:
    """Return strokes moved to the left edge x = 0."""
    points = np.concatenate([np.array(stroke, np.float32) for stroke in strokes])
    points[:, 0] -= points[:, 0].min()
    return Outline(points, tuple(np.cumsum([0, *map(len, strokes)]).tolist()))


FIVE = outline([[0, -1], [0.9, -1]], [[0, -1], [0, -0.5], [0.3, -0.3], [0, 0]])  # a long roof
ZERO = outline([[0.2, -0.5], [0, -0.25], [0.2, 0], [0.4, -0.25], [0.2, -0.5]])
LEANING = outline([[0, 0], [0.6, -1]])
UPRIGHT = outline([[0, 0], [0, -1]])


def test_a_zero_moves_under_the_roof_of_a_five() -> None:
    limit = (1 - APART) * (FIVE.right + ZERO.right) / 2
    assert overlap(FIVE, ZERO) == pytest.approx(limit)


def test_a_tall_zero_stays_outside() -> None:
    tall = outline([[0, 0], [0, -1.0], [0.4, -1.0], [0.4, 0], [0, 0]])
    assert overlap(FIVE, tall) == 0


def test_leaning_ones_stand_closer_than_their_boxes() -> None:
    assert 0 < overlap(LEANING, LEANING) <= (1 - APART) * LEANING.right + 1e-6


def test_upright_strokes_have_nothing_to_share() -> None:
    assert overlap(UPRIGHT, UPRIGHT) == 0


lines = arrays.arrays(
    np.float32,
    st.tuples(st.integers(2, 8), st.just(2)),
    elements=st.floats(-1, 0, width=32),
)


@given(lines, lines)
def test_strokes_do_not_meet(one: np.ndarray, other: np.ndarray) -> None:
    """Brute force: no point of one lies right of a point of the other at the same height."""
    left, right = outline(one.tolist()), outline(other.tolist())
    moved = overlap(left, right)
    assert 0 <= moved <= (1 - APART) * (left.right + right.right) / 2 + 1e-6
    along = np.linspace(0, 1, 9, dtype=np.float32)[:, None, None]
    a, b = (
        (i.points[:-1] + along * np.diff(i.points, axis=0)).reshape(-1, 2) for i in (left, right)
    )
    b = b + np.array([left.right - moved, 0], np.float32)
    same_height = abs(a[:, None, 1] - b[None, :, 1]) < BAND
    assert (b[None, :, 0] - a[:, None, 0])[same_height].min(initial=1) > -1e-5
