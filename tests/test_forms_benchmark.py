"""The benchmark of forms: the digit in question has one form, and each answer is counted."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from digitscope.models.glyph_classes import CLASSES, HEAT, STRIDE
from digitscope.synthesis.pages.generator import PageSource, make_sources

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


class Reader:
    """A page network that sees one class everywhere."""

    def __init__(self, label: str) -> None:
        self.label = label

    def maps(self, image):
        height, width = image.shape
        maps = np.zeros((28, height // STRIDE, width // STRIDE), np.float32)
        maps[HEAT][CLASSES.index(self.label)] = 0.9
        return maps


@pytest.fixture
def forms(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # the command sets them; they are put back after the test
    return importlib.import_module("forms")


@pytest.fixture(scope="module")
def source():
    return PageSource(make_sources([], [], [], validation=True))


def test_a_digit_has_only_the_form_in_question(forms, source):
    drawn = source.sources.digits[-1]
    pool = forms.only(source, "9", 2).sources.digits[0]
    assert set(drawn.strokes.writers[pool.by_label["9"]]) == {2}
    assert set(drawn.strokes.labels[pool.by_label["9"]]) == {"9"}
    np.testing.assert_array_equal(pool.by_label["3"], drawn.by_label["3"])
    assert pool.by_writer == {0: pool.by_label}


@pytest.mark.parametrize(("seen", "known"), [("4", 8), ("9", 0)])
def test_what_the_network_sees_is_counted(forms, source, seen, known):
    read = forms.read_form(Reader(seen), forms.only(source, "4", 0), "4", 8)
    assert read == {seen: 8}
    assert read["4"] == known
