"""Second pass: crops, which glyphs are classified again, how the answers are combined."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitscope.errors import BadImage, BadModel
from digitscope.models.classifier import load
from digitscope.models.fusion import Fusion, add_digits
from digitscope.models.glyph_classes import CLASSES, CROP, NOTHING
from digitscope.models.glyph_network import ANSWERS, GlyphNetwork
from digitscope.models.page_network import PageNetwork
from digitscope.reading import Reader, load_reader, read, read_page
from digitscope.reading.crops import CROP_MEAN, cut_crops
from digitscope.reading.glyphs import Glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.second_pass import apply_digit_classifier, apply_glyph_network, doubtful
from digitscope.reading.tiles import cut_tile
from digitscope.synthesis.faulty_pages import write_page

P = ReadingParameters()


def glyphs(*heats, centre=(30.0, 30.0), size=(16.0, 20.0)):
    """Return glyphs at one place with the given probabilities by class."""
    heat = np.zeros((len(heats), len(CLASSES)), np.float32)
    for row, values in zip(heat, heats, strict=True):
        for label, value in values.items():
            row[CLASSES.index(label)] = value
    n = len(heats)
    return Glyphs(
        heat,
        np.tile(np.float32(centre), (n, 1)),
        np.tile(np.float32(size), (n, 1)),
        np.zeros((n, 2), np.float32),
        np.zeros((n, 2), np.float32),
        np.zeros(n, np.float32),
        np.ones(n, np.float32),
    )


class Looker:
    """A glyph network that says of each crop that it is a 7, and remembers the crops."""

    def classify(self, crops, heat):
        self.crops, self.heat = crops, heat
        seen = np.zeros_like(heat)
        seen[:, 7] = 0.9
        return seen

    def turns(self, crops):
        return np.tile(np.array([1, 0, 0, 0], np.float32), (len(crops), 1))


class Judge:
    """A classifier that says of each tile that it is a 7, and remembers the tiles."""

    def predict_proba(self, images):
        self.images = images
        return np.tile(np.eye(10, dtype=np.float32)[7], (len(images), 1))


@pytest.fixture(scope="module")
def picture():
    """A gray page with a black square of 12 pixels whose middle is at 30, 30."""
    page = np.full((80, 70), 200, np.uint8)
    page[24:36, 24:36] = 20
    return page


def cut(picture, centre, size):
    return cut_crops(picture, np.array([centre], np.float32), np.array([size], np.float32))[0]


def test_a_crop_has_the_glyph_in_its_middle_and_the_paper_around(picture):
    crop = cut(picture, (30, 30), (12, 12))
    assert (crop.shape, crop.dtype) == ((CROP, CROP), np.uint8)
    # The box is 12 of 19.2 pixels, so 20 of 32: rows 6 to 25 are ink.
    assert crop[8:24, 8:24].max() < CROP_MEAN < crop[:4].min()
    np.testing.assert_array_equal(crop, crop[::-1])
    np.testing.assert_array_equal(crop, crop[:, ::-1])


def test_crops_at_the_border_repeat_the_outermost_pixels(picture):
    crop = cut(picture, (0, 0), (40, 40))
    assert (crop[:16, :16] == crop[0, 0]).all()


@pytest.mark.parametrize("factor", [2, 5, 11])
def test_a_crop_is_the_same_from_a_larger_picture(picture, factor):
    large = np.kron(picture, np.ones((factor, factor), np.uint8))
    small = cut(picture, (30, 30), (12, 12)).astype(int)
    other = cut(large, (30 * factor, 30 * factor), (12 * factor, 12 * factor)).astype(int)
    assert np.abs(small - other).mean() < 3


@given(st.floats(0.5, 1.0), st.integers(0, 60))
def test_light_and_contrast_change_a_crop_little(gain, level):
    page = np.full((60, 60), 180, np.uint8)
    page[20:40, 28:33] = 30
    dimmed = (page * gain * 0.7 + level).astype(np.uint8)
    one, other = (cut(p, (30, 30), (10, 20)).astype(int) for p in (page, dimmed))
    assert np.abs(one - other).max() <= 10


def test_grain_on_empty_paper_stays_faint():
    grain = np.random.default_rng(0).normal(200, 1, (60, 60)).round().astype(np.uint8)
    assert cut(grain, (30, 30), (20, 20)).std() < 8


def test_no_glyphs_have_no_crops(picture):
    assert cut_crops(picture, *np.zeros((2, 0, 2), np.float32)).shape == (0, CROP, CROP)


def test_doubtful_are_those_that_may_be_digits_and_are_not_certain():
    some = glyphs({"3": 0.6}, {"3": 0.99}, {"*": 0.7}, {"/": 0.7}, {"-": 0.7}, {"-": 0.5, "1": 0.2})
    assert doubtful(some, 0.98).tolist() == [True, False, False, False, False, True]


def test_a_second_pass_changes_only_doubtful_glyphs(picture):
    looker, some = Looker(), glyphs({"3": 0.6}, {"3": 1.0}, {"1": 0.5, "/": 0.5})
    seen = apply_glyph_network(picture, some, looker, P)
    assert seen.labels == ["7", "3", "7"]
    np.testing.assert_array_equal(looker.heat, some.heat[[0, 2]])
    np.testing.assert_array_equal(looker.crops[0], cut(picture, (30, 30), (16, 20)))
    for name in ("centre", "size", "link", "next", "raised", "scale"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(some, name))
    certain = glyphs({"3": 1.0})
    assert apply_glyph_network(picture, certain, looker, P) is certain


def test_a_third_look_decides_among_the_digits_of_doubtful_glyphs(picture):
    judge = Judge()
    some = glyphs({"3": 0.4, "7": 0.3}, {"3": 0.995}, {"*": 0.7}, {"7": 0.2, "/": 0.5})
    seen = apply_digit_classifier(picture, some, judge, P)
    assert seen.labels == ["7", "3", "*", "/"]
    np.testing.assert_array_equal(judge.images, [cut_tile(picture, 22, 20, 38, 40)] * 2)
    # Whether it is a digit stays as it was.
    np.testing.assert_allclose(seen.heat[:, :10].sum(1), some.heat[:, :10].sum(1), rtol=1e-5)
    np.testing.assert_array_equal(seen.heat[:, 10:], some.heat[:, 10:])
    certain = glyphs({"3": 0.995})
    assert apply_digit_classifier(picture, certain, judge, P) is certain


@given(
    hnp.arrays(np.float32, (3, 16), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, (3, 10), elements=st.floats(0, 1, width=32)),
    st.floats(0, 2),
)
def test_adding_digits_keeps_how_likely_a_digit_is(heat, digits, weight):
    joined = add_digits(heat, digits, weight)
    assert (joined.shape, joined.dtype) == ((3, 16), np.dtype(np.float32))
    np.testing.assert_allclose(joined[:, :10].sum(1), heat[:, :10].sum(1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(add_digits(heat, digits, 0.0), heat, rtol=1e-5, atol=1e-6)


@given(
    hnp.arrays(np.float32, (3, 16), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, (3, 17), elements=st.floats(0, 1, width=32)),
    st.tuples(*[st.floats(0, 2)] * 3),
)
def test_fused_probabilities_are_probabilities(heat, seen, weights):
    fused = Fusion(*weights).apply(heat, seen / np.maximum(seen.sum(axis=1, keepdims=True), 1))
    assert (fused.shape, fused.dtype) == ((3, 16), np.dtype(np.float32))
    assert fused.min() >= 0
    assert fused.sum(axis=1).max() <= 1 + 1e-5


def test_one_network_alone_keeps_its_answer():
    rng = np.random.default_rng(0)
    heat = rng.dirichlet(np.ones(17), 5).astype(np.float32)
    seen = rng.dirichlet(np.ones(17), 5).astype(np.float32)
    by_page = Fusion(1, 1, 0).apply(heat[:, :16], seen)
    np.testing.assert_allclose(by_page, heat[:, :16], atol=1e-3)
    # The other network only decides which digit it is.
    by_glyph = Fusion(1, 0, 1).apply(heat[:, :16], seen)
    among = seen[:, :10] / seen[:, :10].sum(axis=1, keepdims=True)
    whole = heat[:, :10].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(by_glyph[:, :10], among * whole, atol=1e-3)
    np.testing.assert_allclose(by_glyph[:, 10:], heat[:, 10:16], atol=1e-3)


def test_which_digit_and_whether_there_is_one_have_their_own_weights():
    heat = np.zeros((1, 16), np.float32)
    heat[0, [3, 5]] = 0.45, 0.4  # a digit, 3 rather than 5
    seen = np.full((1, 17), 1e-3, np.float32)
    seen[0, [5, NOTHING]] = 0.35, 0.6  # rather nothing, but if a digit, then a 5
    fused = Fusion(page=1, page_digit=0.5, glyph_digit=0.5).apply(heat, seen)[0]
    assert fused.argmax() == 5
    # Digits keep most of the 0.85 that they had, and lose some because of the disagreement.
    assert 0.75 < fused[:10].sum() < 0.85


@pytest.fixture(scope="module")
def shipped():
    return GlyphNetwork(threads=1)


def test_the_shipped_network_knows_its_classes_and_weights(shipped):
    assert shipped.path.stat().st_size < 2_000_000
    assert set(shipped.card.fusion) == set(Fusion().to_dict())
    assert shipped.fusion == Fusion(**shipped.card.fusion)
    crops = np.random.default_rng(0).integers(0, 256, (300, CROP, CROP), dtype=np.uint8)
    seen = shipped.probabilities(crops)
    assert seen.shape == (300, ANSWERS)
    np.testing.assert_allclose(seen.sum(axis=1), 1, atol=1e-5)
    # Calls of many crops are cut into parts.
    np.testing.assert_allclose(seen[290:], shipped.probabilities(crops[290:]), atol=1e-5)
    assert shipped.probabilities(crops[:0]).shape == (0, ANSWERS)


@pytest.mark.parametrize(
    "crops", [np.zeros((2, 28, 28), np.uint8), np.zeros((2, CROP, CROP), np.float32)]
)
def test_other_images_are_refused(shipped, crops):
    with pytest.raises(BadImage, match=r"crops must be uint8 of shape \(n, 32, 32\)"):
        shipped.probabilities(crops)


def test_other_models_are_refused(tmp_path):
    with pytest.raises(BadModel, match="no such model file"):
        GlyphNetwork(tmp_path / "none.onnx")
    with pytest.raises(BadModel, match="is not a glyph network"):
        GlyphNetwork(PageNetwork().path)


def test_a_reader_takes_either_network_from_a_file(shipped):
    both = load_reader(threads=1)
    assert load_reader(both) is both
    for name in ("page", "glyph", None):
        assert load_reader(name, threads=1) == both
    by_glyph = load_reader(shipped.path, threads=1)
    assert by_glyph.page is both.page
    assert by_glyph.glyph.path == shipped.path
    by_page = load_reader(both.page.path, threads=1)
    assert by_page.glyph is both.glyph
    assert by_page.digit == by_glyph.digit == both.digit
    tiles = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    seen = both.digit.predict_proba(tiles)
    np.testing.assert_array_equal(seen, load("cnn", threads=1).predict_proba(tiles))
    assert load_reader(both.page).page is both.page


def test_the_classifier_is_opened_when_a_digit_is_in_doubt():
    """A process that reads a clear page opens two networks; `cnn` is not one of them."""
    code = (
        "from digitscope.reading import load_reader, reader\n"
        "load_reader(threads=1)\n"
        "print(reader._digit.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_reading_uses_the_second_pass():
    """A glyph network that always says 7 turns every doubted digit of a page into one."""
    page, network = write_page(["4207 65"]), load_reader(threads=1).page
    assert read_page(page, network, P).text == "4207 65"
    doubting = replace(P, certain=1.1)
    assert read_page(page, network, doubting, glyph=Looker()).text == "7777 77"
    doubting = replace(P, certain=1.1, classifier_weight=2.0)
    assert read_page(page, network, doubting, digit=Judge()).text.count("7") > 3
    assert read(page, model=Reader(network, None)).text == "4207 65"
    assert read(page, model=Reader(network, GlyphNetwork(threads=1))).text == "4207 65"
