"""The ink of a small picture, worked out from the counts of its gray levels, is NumPy's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitscope.errors import NoInk
from digitscope.image.ink import MIN_CONTRAST, _is_paper_light, _otsu, find_ink


def plainly(gray):
    """What `find_ink` does, pixel by pixel."""
    threshold = _otsu(np.bincount(gray.ravel(), minlength=256))
    level = gray.astype(np.float32)
    if _is_paper_light(gray > threshold):
        level, threshold = 255 - level, 254 - threshold
    paper = level[level <= threshold]
    if not paper.size or level.max() - np.median(paper) < MIN_CONTRAST:
        return None
    middle = float(np.median(paper))
    grain = 3 * 1.4826 * float(np.median(np.abs(paper - middle)))
    ink = np.where(level - middle > min(grain, threshold - middle), level - middle, 0)
    peak = float(np.percentile(ink[level > threshold], 90))
    return (ink * (255 / peak if peak < 250 else 1)).clip(0, 255).astype(np.float32)


@settings(deadline=None)
@given(st.data())
def test_ink_is_what_it_is_pixel_by_pixel(data):
    low = data.draw(st.integers(0, 255))
    high = data.draw(st.integers(low, 255))
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    gray = rng.integers(low, high, shape, np.uint8, endpoint=True)
    if data.draw(st.booleans()):  # paper, and a little ink
        gray = np.where(rng.random(shape) < 0.2, gray, np.uint8(data.draw(st.integers(0, 255))))
    expected = plainly(gray)
    if expected is None:
        with pytest.raises(NoInk):
            find_ink(gray)
    else:
        assert find_ink(gray).tobytes() == expected.tobytes()
