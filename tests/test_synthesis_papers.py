import cv2
import numpy as np
import pytest

from digitscope.synthesis.pages import paper_kinds, papers, surfaces
from digitscope.synthesis.pages.camera import Camera, CameraStyle
from digitscope.synthesis.pages.lighting import LightingStyle, apply_lighting
from digitscope.synthesis.pages.photo_effects import PhotoEffectStyle, apply_photo_effects
from digitscope.synthesis.pages.textures import (
    SIDE,
    coordinates,
    enlarge,
    grain,
    lines,
    smooth,
    window,
)

SIZE = (96, 136)
CLEAN = PhotoEffectStyle(
    clean_chance=1.0,
    noise_chance=0.0,
    grain_chance=0.0,
    salt_chance=0.0,
    speck_chance=0.0,
    exposure_chance=0.0,
    bilevel_chance=0.0,
    steps_chance=0.0,
    jpeg_chance=0.0,
    negative_chance=0.0,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", paper_kinds.WEIGHTS)
@pytest.mark.parametrize("size", [(9, 200), (200, 17), SIZE])
def test_papers_are_gray_planes_of_the_asked_size_and_repeat(kind, size):
    for seed in range(6):
        paper = papers.draw_paper(rng(seed), size, kind)
        again = papers.draw_paper(rng(seed), size, kind)
        assert paper.gray.shape == size
        assert paper.gray.dtype == np.float32
        assert paper.gray.min() >= 0
        assert paper.gray.max() <= 255
        assert np.array_equal(paper.gray, again.gray)
        assert paper.ink == again.ink
        assert paper.faults[0] == paper.kind == kind


@pytest.mark.parametrize("kind", surfaces.WEIGHTS)
@pytest.mark.parametrize("size", [(9, 200), (200, 17), SIZE])
def test_surfaces_are_gray_planes_of_the_asked_size_and_repeat(kind, size):
    for seed in range(6):
        surface = surfaces.draw_surface(rng(seed), size, kind)
        assert surface.shape == size
        assert surface.dtype == np.float32
        assert surface.min() >= 0
        assert surface.max() <= 255
        assert np.array_equal(surface, surfaces.draw_surface(rng(seed), size, kind))


def test_papers_larger_than_a_texture_are_filled():
    paper = papers.draw_paper(rng(3), (SIDE + 50, SIDE + 300), "crumpled")
    assert paper.gray[:, -50:].std() > 1
    assert paper.gray[-50:].std() > 1


@pytest.mark.parametrize("kind", paper_kinds.WEIGHTS)
def test_ink_differs_from_the_middle_of_the_paper(kind):
    for seed in range(30):
        paper = papers.draw_paper(rng(seed), SIZE, kind)
        left, top, right, bottom = paper.clear
        assert 0 <= paper.ink <= 255
        assert abs(float(np.median(paper.gray[top:bottom, left:right])) - paper.ink) > 30


def test_black_borders_are_outside_the_clear_box():
    style = papers.PaperStyle(border_chance=1.0, specks=(0.0, 0.0))
    for seed in range(20):
        paper = papers.draw_paper(rng(seed), SIZE, "photocopy", style=style)
        left, top, right, bottom = paper.clear
        assert paper.gray[top:bottom, left:right].min() > 100
        assert paper.gray[:, 0].mean() < 70
        assert paper.gray[-1].mean() < 70


@pytest.mark.parametrize("module", [papers, surfaces])
def test_validation_kinds_are_kept_from_training(module):
    assert not set(module.TRAINING_KINDS) & set(module.VALIDATION_KINDS)
    assert set(module.TRAINING_KINDS) | set(module.VALIDATION_KINDS) == set(module.WEIGHTS)


def test_kinds_are_drawn_from_those_asked_for():
    drawn = {papers.draw_paper(rng(i), (16, 16)).kind for i in range(300)}
    assert drawn == set(papers.TRAINING_KINDS)
    held = {
        papers.draw_paper(rng(i), (16, 16), kinds=papers.VALIDATION_KINDS).kind for i in range(9)
    }
    assert held == set(papers.VALIDATION_KINDS)


@pytest.mark.parametrize(
    ("kind", "mean", "spread"), [("crumpled", 226.00, 7.04), ("security", 215.05, 9.69)]
)
def test_papers_are_the_same_in_every_process(kind, mean, spread):
    gray = papers.draw_paper(rng(5), (64, 64), kind).gray
    assert gray.mean() == pytest.approx(mean, abs=0.1)
    assert gray.std() == pytest.approx(spread, abs=0.1)


def test_windows_are_parts_of_their_texture():
    texture = grain()
    values = np.sort(texture.ravel())
    for seed in range(8):
        part = window(rng(seed), texture, (20, 30))
        assert part.shape == (20, 30)
        assert np.isin(part, values).all()
    assert not np.array_equal(window(rng(1), texture, SIZE), window(rng(2), texture, SIZE))


def test_enlarging_keeps_straight_phases_straight():
    x, y = coordinates(SIZE)
    plane = enlarge(0.31 * x - 0.17 * y, SIZE)
    columns, rows = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    assert np.allclose(plane, 0.31 * columns - 0.17 * rows, atol=1e-3)


def test_lines_are_where_the_phase_is_whole():
    drawn = lines(np.linspace(-3, 3, 601, dtype=np.float32)[None], 0.2)[0]
    assert np.allclose(drawn[::100], 1, atol=0.02)
    assert np.allclose(drawn[50::100], 0)


def test_smooth_noise_is_smooth():
    plane = smooth(rng(), (200, 200), 50.0)
    assert np.abs(np.diff(plane, axis=0)).max() < 0.25
    assert plane.std() > 0.1


def grid(size):
    x, y = np.meshgrid(np.linspace(0, size[1], 25), np.linspace(0, size[0], 25))
    return np.stack([x, y], axis=2)


@pytest.mark.parametrize("size", [(224, 224), (80, 400)])
def test_cameras_never_fold_and_hardly_change_the_scale(size):
    points = grid(size)
    for seed in range(150):
        camera = Camera.draw(rng(seed), size)
        seen = camera.map(points.reshape(-1, 2)).reshape(points.shape).astype(float)
        step_x = np.diff(seen, axis=1)[:-1] / (size[1] / 24)
        step_y = np.diff(seen, axis=0)[:, :-1] / (size[0] / 24)
        area = step_x[..., 0] * step_y[..., 1] - step_x[..., 1] * step_y[..., 0]
        assert area.min() > 0.35
        assert area.max() < 2.2
        if camera.view == "scan":
            assert np.abs(seen - points).max() < np.deg2rad(3) * max(size)


def test_cameras_repeat_and_strength_zero_changes_nothing():
    points = rng().random((50, 2)) * SIZE[::-1]
    for seed in range(40):
        one, two = Camera.draw(rng(seed), SIZE), Camera.draw(rng(seed), SIZE)
        assert np.array_equal(one.map(points), two.map(points))
        still = Camera.draw(rng(seed), SIZE, strength=0.0)
        assert still.corners is None
        assert np.allclose(still.map(points), points, atol=1e-3)


def test_sheets_without_edges_fill_the_picture():
    style = CameraStyle(edge_chance=0.0)
    for size in ((224, 224), (60, 300)):
        for seed in range(100):
            camera = Camera.draw(rng(seed), size, style=style)
            assert camera.page_mask().min() == 1
            left, top, right, bottom = camera.sheet
            x, y = np.linspace(left, right, 60), np.linspace(top, bottom, 60)
            rim = [(a, b) for a in x for b in (top, bottom)]
            rim += [(a, b) for a in (left, right) for b in y]
            outline = camera.map(np.array(rim))
            inside = (outline >= 0).all(axis=1) & (outline <= size[::-1]).all(axis=1)
            assert not inside.any()


def test_the_mask_of_the_page_agrees_with_its_outline():
    style = CameraStyle(edge_chance=1.0)
    cut = 0
    for seed in range(60):
        camera = Camera.draw(rng(seed), SIZE, style=style)
        mask, corners = camera.page_mask(), camera.corners
        assert mask.shape == SIZE
        assert mask.min() >= 0
        assert mask.max() <= 1
        for y in range(2, SIZE[0], 13):
            for x in range(2, SIZE[1], 13):
                away = cv2.pointPolygonTest(corners, (x + 0.5, y + 0.5), True)
                if abs(away) > 5:
                    assert mask[y, x] == pytest.approx(float(away > 0), abs=0.01)
        cut += mask.min() < 0.5
    assert cut > 50


def test_a_page_lies_on_something_else():
    style = CameraStyle(edge_chance=1.0)
    for seed in range(40):
        camera = Camera.draw(rng(seed), SIZE, style=style)
        page, behind = np.full(SIZE, 200, np.float32), np.full(SIZE, 50, np.float32)
        picture = camera.add_background(rng(seed), page, behind)
        mask = camera.page_mask()
        assert picture[mask == 0].max(initial=0) <= 50.01
        if camera.edge == "desk":
            assert np.allclose(picture[mask == 1], 200)


def test_light_only_multiplies_where_there_is_no_glare():
    style = LightingStyle(lit_chance=1.0, flash_chance=0.0)
    for seed in range(40):
        dark, _ = apply_lighting(rng(seed), np.full(SIZE, 60, np.float32), style)
        bright, names = apply_lighting(rng(seed), np.full(SIZE, 120, np.float32), style)
        assert names[0] == "uneven light"
        assert np.allclose(2 * dark, bright, rtol=1e-4)
        assert dark.min() > 5


def test_light_leaves_what_it_was_given():
    picture = np.full(SIZE, 200, np.float32)
    for seed in range(20):
        apply_lighting(rng(seed), picture)
        apply_photo_effects(rng(seed), picture)
    assert (picture == 200).all()


def test_a_clean_photo_is_the_picture_rounded():
    picture = rng().random(SIZE, dtype=np.float32) * 255
    result, names = apply_photo_effects(rng(1), picture, style=CLEAN)
    assert names == ()
    assert result.dtype == np.uint8
    assert np.abs(result - picture).max() <= 0.5


def test_photos_repeat_and_name_what_was_done():
    picture = papers.draw_paper(rng(), SIZE, "security").gray
    seen: set[str] = set()
    for seed in range(150):
        result, names = apply_photo_effects(rng(seed), picture)
        again, _ = apply_photo_effects(rng(seed), picture)
        assert np.array_equal(result, again)
        assert result.shape == SIZE
        seen.update(names)
        if "black and white" in names and "jpeg" not in names and "few levels" not in names:
            assert set(np.unique(result)) <= {0, 255}
    assert {"defocus", "coarse", "noise", "jpeg", "exposure", "black and white"} <= seen


@pytest.mark.parametrize(("paper", "ink"), [(220, 60), (40, 200)])
def test_scans_in_black_and_white_keep_the_writing(paper, ink):
    style = PhotoEffectStyle(
        **{field: 0.0 for field in vars(CLEAN) if field.endswith("_chance")}  # type: ignore[arg-type]
        | {"clean_chance": 1.0, "bilevel_chance": 1.0}
    )
    page = np.full(SIZE, paper, np.float32)
    page[30:44, 20:120:10] = page[30:44, 21:120:10] = ink
    page *= np.linspace(0.7, 1.0, SIZE[1], dtype=np.float32)  # a little uneven light
    for seed in range(30):
        result, names = apply_photo_effects(rng(seed), page, style=style)
        assert names == ("black and white",)
        assert abs(result[32:42, 20:120:10].mean() - 255 * (ink > paper)) < 10
        assert abs(result[32:42, 25:120:10].mean() - 255 * (ink < paper)) < 10


def test_half_of_all_photos_stay_nearly_as_they_were():
    page = np.full(SIZE, 230, np.float32)
    page[30:60, 20:24] = page[30:60, 60:64] = 40
    near = 0
    for seed in range(200):
        result = apply_photo_effects(rng(seed), page)[0].astype(np.float32)
        near += np.corrcoef(result.ravel(), page.ravel())[0, 1] > 0.97
    assert near > 100


def test_strokes_of_small_writing_stay_darker_than_the_paper():
    page = np.full(SIZE, 220, np.float32)
    page[30:44, 20:120:10] = page[30:44, 21:120:10] = 60
    readable = 0
    for seed in range(150):
        result, names = apply_photo_effects(rng(seed), page)
        ink = result[32:42, 20:120:10].astype(float)
        gap = result[32:42, 25:120:10].astype(float)
        difference = ink.mean() - gap.mean() if "negative" in names else gap.mean() - ink.mean()
        readable += difference > 20
    assert readable > 145
