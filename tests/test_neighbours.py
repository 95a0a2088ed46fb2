"""The glyphs around a glyph help to tell whether it is a digit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitscope.models.glyph_classes import CLASSES
from digitscope.reading.glyphs import Glyphs
from digitscope.reading.neighbours import MAX_NEIGHBOURS, adjust_priors, to_kinds
from digitscope.reading.parameters import ReadingParameters

P = ReadingParameters()
DOUBTFUL = {"5": 0.3, "*": 0.4}


def row_of(*heats, step=20.0, size=(14.0, 20.0)):
    """Return glyphs side by side, with the given probabilities by class."""
    heat = np.zeros((len(heats), len(CLASSES)), np.float32)
    for values, glyph in zip(heat, heats, strict=True):
        for label, value in glyph.items():
            values[CLASSES.index(label)] = value
    n = len(heats)
    centre = np.stack([step * np.arange(n), np.full(n, 50.0)], axis=1).astype(np.float32)
    empty = np.zeros((n, 2), np.float32)
    sizes = np.tile(np.float32(size), (n, 1))
    return Glyphs(
        heat, centre, sizes, empty, empty, np.zeros(n, np.float32), np.ones(n, np.float32)
    )


def random_glyphs(n, seed):
    rng = np.random.default_rng(seed)
    heat = rng.dirichlet(0.1 * np.ones(17), n)[:, :16].astype(np.float32)
    empty = np.zeros((n, 2), np.float32)
    return Glyphs(
        heat,
        rng.uniform(0, 300, (n, 2)).astype(np.float32),
        rng.uniform(5, 30, (n, 2)).astype(np.float32),
        empty,
        empty,
        np.zeros(n, np.float32),
        np.ones(n, np.float32),
    )


def digit(glyphs, row):
    return float(to_kinds(glyphs.heat)[row, 0])


def test_a_doubtful_mark_is_a_digit_among_digits_and_none_among_letters():
    among_digits = row_of({"1": 0.99}, {"7": 0.99}, DOUBTFUL, {"2": 0.99}, {"0": 0.99})
    among_letters = row_of({"*": 0.99}, {"*": 0.99}, DOUBTFUL, {"*": 0.99}, {"*": 0.99})
    assert adjust_priors(among_digits, P).labels[2] == "5"
    seen = adjust_priors(among_letters, P)
    assert seen.labels[2] == "*"
    assert digit(seen, 2) < 0.7 * digit(among_letters, 2)


def test_a_sign_is_never_surer_for_its_neighbours():
    sure = {"7": 0.99}
    row = adjust_priors(row_of(sure, sure, {".": 0.43}, sure, {"5": 0.43}, sure), P)
    assert row.heat[2, CLASSES.index(".")] <= 0.43
    assert row.heat[4, CLASSES.index("5")] > 0.45  # of a digit they do make more
    grain = adjust_priors(row_of(*9 * [{"1": 0.2}], {"-": 0.43}), P)
    assert grain.heat[9, CLASSES.index("-")] < 0.4


def test_a_false_alarm_among_false_alarms_loses_its_confidence():
    grain = row_of(*[{"0": 0.45}] * 6)
    assert adjust_priors(grain, P).heat.max() < 0.4


def test_a_glyph_without_neighbours_stays_as_it_is():
    for some in (row_of(), row_of(DOUBTFUL)):
        assert adjust_priors(some, P) is some
    apart = row_of({"1": 0.99}, DOUBTFUL, {"*": 0.99}, step=4_000)
    np.testing.assert_allclose(adjust_priors(apart, P).heat, apart.heat, rtol=1e-3)


def test_what_is_near_and_of_one_size_counts_most():
    def among(**changes):
        row = row_of({"1": 0.99}, DOUBTFUL, {"2": 0.99}, **changes)
        return digit(adjust_priors(row, P), 1)

    assert among() > among(step=60) > among(step=200)
    small = row_of({"1": 0.99}, DOUBTFUL, {"2": 0.99})
    small.size[[0, 2]] /= 5
    assert among() > digit(adjust_priors(small, P), 1)


@given(st.integers(2, 12), st.integers(0, 1_000))
def test_they_are_still_probabilities_and_which_digit_it_is_stays(n, seed):
    some = random_glyphs(n, seed)
    heat = adjust_priors(some, P).heat
    assert heat.dtype == np.float32
    assert heat.min() >= 0
    assert heat.sum(axis=1).max() < 1 + 1e-3
    for part in (np.s_[:, :10], np.s_[:, 10:15]):
        before, after = some.heat[part], heat[part]
        np.testing.assert_allclose(
            after * before.sum(1, keepdims=True), before * after.sum(1, keepdims=True), atol=2e-4
        )


@given(st.integers(0, 1_000), st.integers(1, 6))
def test_order_and_scale_of_the_picture_change_nothing(seed, power):
    some = random_glyphs(9, seed)
    heat = adjust_priors(some, P).heat
    order = np.random.default_rng(seed).permutation(9)
    np.testing.assert_allclose(adjust_priors(some[order], P).heat, heat[order], atol=1e-5)
    some = replace(some, size=some.size + 10)  # no side of less than a pixel
    larger = replace(some, centre=some.centre * 2**power, size=some.size * 2**power)
    np.testing.assert_allclose(
        adjust_priors(larger, P).heat, adjust_priors(some, P).heat, atol=1e-4
    )


@pytest.mark.parametrize("n", [2, 40, MAX_NEIGHBOURS + 1])
def test_against_the_same_arithmetic_with_loops(n):
    some = random_glyphs(n, n)
    kinds = to_kinds(some.heat)
    size = some.size.max(axis=1).astype(float)
    now = kinds.copy()
    for _ in range(10):
        corrected = np.empty_like(now)
        for i in range(n):
            total, real, digits = 1.0, P.mark_prior, 0.0
            for j in set(range(n)) - {i}:
                away = np.hypot(*(some.centre[i].astype(float) - some.centre[j]))
                pair = sorted([size[i], size[j]])
                weight = (
                    np.exp(-away / (P.neighbour_distance * np.sqrt(pair[0] * pair[1])))
                    * pair[0]
                    / pair[1]
                )
                total += weight
                real += weight * (now[j, 0] + now[j, 1])
                digits += weight * now[j, 0]
            share, among = real / total, (P.digit_prior + digits) / (1 + real - P.mark_prior)
            corrected[i] = kinds[i] * [
                share / P.mark_prior * (among / P.digit_prior) ** P.neighbour_weight,
                share / P.mark_prior * ((1 - among) / (1 - P.digit_prior)) ** P.neighbour_weight,
                (1 - share) / (1 - P.mark_prior),
            ]
            corrected[i] /= corrected[i].sum()
        now = corrected
    factor = now / kinds
    expected = some.heat * np.repeat(factor[:, :2], [10, 6], axis=1)
    expected[:, 10:15] = np.minimum(expected[:, 10:15], some.heat[:, 10:15])
    np.testing.assert_allclose(adjust_priors(some, P).heat, expected, atol=2e-4)
