"""Targets and loss of the page network, against truths made by hand and against NumPy."""

import numpy as np
import pytest

from digitscope.models.glyph_classes import CLASSES, HEAT, LINK, NEXT, OFFSET, RAISED, RULING, SIZE
from digitscope.synthesis.pages.targets import Targets, draw_targets
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph

FIRST = SIZE.start


def glyph(label, box, **more):
    return TrueGlyph(label, label, box, more.pop("height", box[3] - box[1]), **more)


PAIR = (
    glyph("3", (8, 8, 16, 20), number=0, next=1),  # middle 12, 14: cell 3, 3
    glyph("7", (18, 8, 26, 20), number=0, raised=True),  # middle 22, 14: cell 5, 3
)


def test_two_glyphs_of_a_number():
    targets = draw_targets(PageTruth((32, 48), PAIR))
    assert targets.heat.shape == (8, 12, 16)
    assert np.argwhere(targets.heat == 255).tolist() == [[3, 3, 3], [3, 5, 7]]
    # y is 14 / 4 = 3.5 cells, in the middle of row 3; x is 3, the left edge of column 3.
    assert targets.heat[3, 2, 3] == 250
    assert targets.heat[2, 3, 3] == targets.heat[4, 3, 3] < 250
    first, second = targets.values[3, 3].astype(float), targets.values[3, 5].astype(float)
    expected = (
        (SIZE, [np.log(0.5), np.log(0.75)], [np.log(0.5), np.log(0.75)]),
        (OFFSET, [0, 0.5], [0.5, 0.5]),
        (LINK, [1, 0], [0, 1]),
        (NEXT, [10 / 16, 0], [0, 0]),
        (RAISED, [0], [1]),
    )
    for part, one, other in expected:
        place = slice(part.start - FIRST, part.stop - FIRST)
        np.testing.assert_allclose(first[place], one, atol=1e-3)
        np.testing.assert_allclose(second[place], other, atol=1e-3)
    assert np.argwhere(targets.weight == 255).tolist() == [[3, 3], [3, 5]]
    beside = targets.values[4, 3, OFFSET.start - FIRST : OFFSET.stop - FIRST]
    assert beside.tolist() == [0, -0.5]  # the same centre, seen from the cell below
    assert 0 < targets.weight[4, 3] < 0.3 * 255
    assert not targets.ignored.any()
    assert not targets.ruling.any()


def test_of_two_glyphs_in_one_cell_the_smaller_keeps_its_values():
    large, small = glyph("0", (0, 0, 32, 32)), glyph("1", (14, 10, 18, 22))
    one, other = (draw_targets(PageTruth((32, 32), g)) for g in ((large, small), (small, large)))
    np.testing.assert_array_equal(one.values, other.values)
    assert one.values[4, 4, 0] == np.float16(np.log(4 / 16))
    assert one.heat[4, 4, [0, 1]].tolist() == [255, 255]


@pytest.mark.parametrize(
    ("height", "wanted"), [(5, "none"), (10, "ignored"), (12, "found"), (48, "found"),
                           (55, "ignored"), (80, "none")],
)  # fmt: skip
def test_writing_that_is_too_small_or_too_large(height, wanted):
    targets = draw_targets(PageTruth((32, 32), (glyph("5", (9, 9, 15, 21), height=height),)))
    assert targets.heat.any() == targets.weight.any() == (wanted == "found")
    assert targets.ignored.any() == (wanted == "ignored")
    if wanted == "ignored":
        assert np.argwhere(targets.ignored).min(axis=0).tolist() == [2, 2]
        assert np.argwhere(targets.ignored).max(axis=0).tolist() == [5, 3]


def test_ruling_lines_and_crossings():
    across = np.array([[0, 10], [40, 10]], np.float32)
    down = np.array([[18, 0], [18, 32]], np.float32)
    truth = PageTruth(
        (32, 40), (), ((0, 24, 9, 29),), (across, down), np.array([[18, 10]], np.float32)
    )
    targets = draw_targets(truth)
    assert (targets.ruling[2, :, 0] == 255).all()
    assert (targets.ruling[:, 4, 1] == 255).all()
    assert (targets.ruling[..., :2] == 255).sum() == 10 + 8
    assert np.argwhere(targets.ruling[..., 2] == 255).tolist() == [[2, 4]]
    assert np.argwhere(targets.ignored).tolist() == [[y, x] for y in (6, 7) for x in range(3)]


def test_glyphs_at_and_beyond_the_border():
    glyphs = tuple(glyph("8", (x - 6.0, y - 8.0, x + 6.0, y + 8.0), next=0)
                   for x in (-5, 0, 32, 40) for y in (-4, 0, 16, 32, 37))  # fmt: skip
    targets = draw_targets(PageTruth((32, 32), glyphs))
    assert np.isfinite(targets.values).all()
    assert len(np.argwhere(targets.weight == 255)) == 6  # clipped to the border's cells


# The loss


def cross(p, wanted):
    return -(wanted * np.log(p) + (1 - wanted) * np.log(1 - p))


def focal(p, heat):
    if heat == 1:
        return -((1 - p) ** 2) * np.log(p)
    return -((1 - heat) ** 4) * p**2 * np.log(1 - p)


def numpy_loss(maps, targets, weights):
    """Return the parts of the loss, written cell by cell."""
    parts = dict.fromkeys(("heat", "box", "link", "ruling"), 0.0)
    crossings, lines, count, centres, crossed = 0.0, 0.0, 0.0, 0, 0
    p = 1 / (1 + np.exp(-maps.astype(float)))
    for cell in np.ndindex(maps.shape[:3]):
        wanted = np.zeros(28)
        wanted[FIRST : RULING.start] = targets.values[cell]
        weight = targets.weight[cell] / 255
        for k in range(HEAT.stop):
            heat = targets.heat[cell][k] / 255
            centres += heat == 1
            if heat == 1 or not targets.ignored[cell]:
                parts["heat"] += weights.heat * focal(p[cell][k], heat)
        for part, factor in ((SIZE, weights.size), (OFFSET, weights.offset)):
            parts["box"] += factor * weight * np.abs(maps[cell][part] - wanted[part]).sum()
        if wanted[LINK][0]:
            step = np.abs(maps[cell][NEXT] - wanted[NEXT]).sum()
            parts["box"] += weights.next * weight * step
        for part, factor in ((LINK, weights.link), (RAISED, weights.raised)):
            parts["link"] += factor * weight * cross(p[cell][part], wanted[part]).sum()
        ruling = targets.ruling[cell] / 255
        for k in (0, 1):
            mine = weights.on_line if ruling[k] else 1
            count += mine
            lines += mine * cross(p[cell][RULING][k], ruling[k])
        crossed += ruling[2] == 1
        crossings += focal(p[cell][RULING][2], ruling[2])
    glyphs = targets.weight.sum() / 255
    parts["heat"] /= centres
    parts["box"] /= glyphs
    parts["link"] /= glyphs
    parts["ruling"] = weights.ruling * lines / count + weights.crossing * crossings / crossed
    return parts


@pytest.fixture(scope="module")
def page_loss():
    pytest.importorskip("keras")
    import digitscope.training  # noqa: F401  (Keras without its noise)
    from digitscope.training.page.loss import page_loss

    return page_loss


def test_the_loss_is_what_numpy_computes(page_loss):
    from digitscope.recipes.page_recipe import LossWeights

    lines = tuple(np.array([[[0, 10], [40, 10]], [[18, 0], [18, 32]]], np.float32))
    few = (glyph("-", (20, 18, 32, 22), height=20),)
    pages = [
        PageTruth((32, 48), PAIR, ((0, 0, 12, 32),), lines, np.array([[18, 10]], np.float32)),
        PageTruth((32, 48), few),
    ]
    targets = Targets.stack([draw_targets(page) for page in pages])
    maps = np.random.default_rng(0).normal(0, 2, (2, 8, 12, 28)).astype(np.float32)
    weights = LossWeights(heat=1.1, size=0.6, offset=0.7, next=0.3, link=0.4, raised=0.9)
    losses = page_loss(maps, targets.arrays(), weights)
    expected = numpy_loss(maps, targets, weights)
    for name, value in losses._asdict().items():
        assert float(value) == pytest.approx(expected[name], rel=1e-4), name
    assert float(sum(losses)) == pytest.approx(sum(expected.values()), rel=1e-4)


def test_the_loss_of_the_truth_is_almost_nothing_and_of_empty_pages_is_finite(page_loss):
    from digitscope.recipes.page_recipe import LossWeights

    targets = Targets.stack([draw_targets(PageTruth((32, 48), PAIR))])
    maps = np.zeros((1, 8, 12, 28), np.float32)
    maps[..., FIRST : RULING.start] = targets.values
    for part in (LINK, RAISED):
        maps[..., part] = np.where(maps[..., part] > 0.5, 12, -12)
    maps[..., HEAT] = np.where(targets.heat == 255, 12, -12)
    maps[..., RULING] = -12
    parts = page_loss(maps, targets.arrays(), LossWeights())
    assert max(float(part) for part in parts) < 2e-3
    empty = Targets.stack([draw_targets(PageTruth((32, 48), ()))])
    assert np.isfinite(
        [float(part) for part in page_loss(maps, empty.arrays(), LossWeights())]
    ).all()


def test_classes_are_as_the_heat_maps_order_them():
    for label in CLASSES:
        targets = draw_targets(PageTruth((32, 32), (glyph(label, (10, 10, 20, 24)),)))
        assert np.argwhere(targets.heat == 255)[0, 2] == CLASSES.index(label)
