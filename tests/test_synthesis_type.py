"""Printed characters: which fonts there are, and faces of every weight."""

import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitscope.errors import Misuse
from digitscope.synthesis import printed_characters as printing
from digitscope.synthesis.fonts import OWN, find_fonts, find_handwriting_fonts, load_font
from digitscope.synthesis.pen import HAND
from digitscope.synthesis.printed_characters import draw_printed

FONTS = Path(importlib.util.find_spec("matplotlib").origin).parent / "mpl-data" / "fonts" / "ttf"


def test_a_folder_adds_its_fonts_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.delenv("DIGITSCOPE_FONTS", raising=False)
    without = find_fonts()
    assert without[0] == OWN
    assert any("DejaVuSerif" in font for font in without)
    shutil.copy(FONTS / "cmtt10.ttf", tmp_path / "mine.ttf")
    (tmp_path / "notes.txt").write_text("no font")
    monkeypatch.setenv("DIGITSCOPE_FONTS", str(tmp_path))
    assert find_fonts() == (*without, str(tmp_path / "mine.ttf"))
    assert find_handwriting_fonts() == ()


def test_fonts_that_imitate_handwriting_stand_apart(tmp_path, monkeypatch):
    monkeypatch.delenv("DIGITSCOPE_FONTS", raising=False)
    without = find_fonts()
    assert find_handwriting_fonts() == ()
    (tmp_path / "hands").mkdir()
    for name in ("type.ttf", "hands/script.ttf"):
        shutil.copy(FONTS / "cmtt10.ttf", tmp_path / name)
    monkeypatch.setenv("DIGITSCOPE_FONTS", str(tmp_path))
    assert find_fonts() == (*without, str(tmp_path / "type.ttf"))
    assert find_handwriting_fonts() == (str(tmp_path / "hands" / "script.ttf"),)


def test_a_folder_without_fonts_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITSCOPE_FONTS", str(tmp_path))
    with pytest.raises(Misuse, match=r"holds no fonts; expected \.otf, \.ttf"):
        find_fonts()


def test_a_file_that_is_no_font_is_named(tmp_path):
    (tmp_path / "bad.ttf").write_bytes(b"no font at all")
    with pytest.raises(Misuse, match=r"bad\.ttf cannot be read as a font"):
        load_font(str(tmp_path / "bad.ttf"))


def test_other_fonts_give_other_images_and_the_own_font_is_the_default():
    def draw(style):
        return draw_printed(list("0123456789"), np.random.default_rng(1), style)

    clean = replace(HAND, degradation=0.0)
    own, other = draw(clean), draw(replace(clean, fonts=(str(FONTS / "DejaVuSerif.ttf"),)))
    assert not (own == other).all()


@pytest.mark.parametrize("width", [1, 2, 3, 6, 12])
def test_a_face_of_any_weight_keeps_its_ink(width):
    ink = np.zeros((92, 124), np.uint8)
    cv2.line(ink, (30, 10), (60, 80), 255, width)
    for weight in range(-2, 4):
        weighed = printing._weigh(ink, weight)
        assert cv2.countNonZero(weighed) > 0.3 * cv2.countNonZero(ink)
        assert weight < 0 or cv2.countNonZero(weighed) >= cv2.countNonZero(ink)
    if width == 12:
        assert cv2.countNonZero(printing._weigh(ink, -2)) < cv2.countNonZero(ink)
