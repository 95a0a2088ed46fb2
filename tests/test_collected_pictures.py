"""Real pictures without digits, behind pages and on them."""

import cv2
import numpy as np
import pytest

from digitscope.errors import Misuse
from digitscope.synthesis.pages import background_pictures
from digitscope.synthesis.pages.background_pictures import (
    crop_picture,
    draw_picture_surface,
    find_pictures,
    pictures_of_part,
    print_picture,
)
from digitscope.synthesis.pages.generator import PageSource, PageStyle, make_sources


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of nine pictures, each of one level of gray with a dark frame."""
    for i in range(9):
        picture = np.full((120, 160), 100 + 15 * i, np.uint8)
        picture[:20] = 10
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture)
    monkeypatch.setenv("DIGITSCOPE_PICTURES", str(tmp_path))
    return tmp_path


def test_pictures_are_found_where_the_environment_says(folder, monkeypatch):
    assert find_pictures() == tuple(str(folder / f"{i}.png") for i in range(9))
    monkeypatch.delenv("DIGITSCOPE_PICTURES")
    assert find_pictures() == ()
    (folder / "empty").mkdir()
    with pytest.raises(Misuse, match=r"holds no pictures; expected \.jpeg, \.jpg, \.png files"):
        find_pictures(folder / "empty")


def test_training_and_validation_have_different_pictures(folder):
    train, held_out = (make_sources([], [], [], validation=part) for part in (False, True))
    assert held_out.pictures == (str(folder / "5.png"),)
    assert set(train.pictures) | set(held_out.pictures) == set(find_pictures())
    assert not set(train.pictures) & set(held_out.pictures)


def test_pictures_that_show_numbers_are_left_out_and_change_no_part(folder):
    before = [pictures_of_part(validation) for validation in (False, True)]
    (folder / "3.png").rename(folder / "3-mobile.jpg")
    (folder / "5.png").rename(folder / "5-sailing_jibe.jpg")
    after = [pictures_of_part(validation) for validation in (False, True)]
    assert after[0] == tuple(file for file in before[0] if not file.endswith("3.png"))
    assert (before[1], after[1]) == ((str(folder / "5.png"),), ())


def test_a_cut_has_the_size_asked_for_and_stays_gray(folder):
    rng = np.random.default_rng(0)
    for size in [(224, 224), (17, 90), (90, 17), (300, 40)]:
        cut = crop_picture(rng, size, find_pictures())
        assert cut.shape == size
        assert cut.dtype == np.float32
        assert 0 <= cut.min() <= cut.max() <= 255


def test_a_file_that_is_no_picture_is_named(folder):
    (folder / "broken.png").write_text("no picture")
    with pytest.raises(Misuse, match=r"broken\.png cannot be read as a picture; remove it"):
        crop_picture(np.random.default_rng(0), (8, 8), (str(folder / "broken.png"),))


def test_an_illustration_darkens_a_part_of_the_paper(folder):
    paper = np.full((100, 120), 250, np.float32)
    print_picture(np.random.default_rng(3), paper, find_pictures())
    changed = paper < 250
    assert 0.02 < changed.mean() < 0.95
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert changed.mean() > 0.9 * len(rows) * len(columns) / paper.size  # one rectangle


def test_surfaces_are_cut_from_the_pictures(folder, monkeypatch):
    style = PageStyle(surface=1.0, collected=1.0, enlarged=0.0)
    with_pictures = PageSource(make_sources([], [], []), style)
    monkeypatch.delenv("DIGITSCOPE_PICTURES")
    without = PageSource(make_sources([], [], []), style)
    same = [
        np.array_equal(
            with_pictures.patch(np.random.default_rng(i))[0],
            without.patch(np.random.default_rng(i))[0],
        )
        for i in range(4)
    ]
    assert not any(same)
    picture, truth = with_pictures.patch(np.random.default_rng(0))
    assert picture.shape == (224, 224)
    assert truth.glyphs == ()


def test_whole_pictures_lie_side_by_side_as_a_coarse_look_shows_them(folder, monkeypatch):
    monkeypatch.setattr(background_pictures, "MANY", 1.0)
    for seed in range(8):
        wall = draw_picture_surface(np.random.default_rng(seed), (200, 224), find_pictures())
        assert wall.shape == (200, 224)
        assert wall.dtype == np.float32
        # Each of the pictures has a dark frame above: a sixth of its height.
        assert (wall < 20).mean() == pytest.approx(1 / 6, abs=0.09)
    monkeypatch.setattr(background_pictures, "MANY", 0.0)
    part = draw_picture_surface(np.random.default_rng(1), (30, 40), find_pictures())
    rng = np.random.default_rng(1)
    rng.random()  # by which it chose
    np.testing.assert_array_equal(part, crop_picture(rng, (30, 40), find_pictures()))
