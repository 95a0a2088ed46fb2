"""Reading a page: the written numbers are found under many conditions of the photo."""

import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from digitscope.errors import BadImage, DigitscopeError
from digitscope.reading import load_reader, read
from digitscope.reading.page import Number
from digitscope.rendering.annotation import annotate
from digitscope.synthesis.faulty_pages import write, write_page

LINES = ["4207 65 38", "9 1352", "80046 27"]

# What a fuzz may cost is the test's own business; a busy machine fails no test.
FUZZ = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def model():
    return load_reader(threads=1)


def test_lines_numbers_and_digits_come_back_in_order(model):
    page = read(write_page(LINES), model=model)
    assert page.text.split("\n") == LINES
    assert [number.text for number in page.numbers] == " ".join(LINES).split()
    assert "".join(str(digit.label) for digit in page.digits) == "".join(LINES).replace(" ", "")
    assert page.grids == ()
    assert page.turn == 0


def test_each_digit_has_a_box_around_its_ink_a_confidence_and_what_the_network_saw(model):
    picture = write_page(LINES)
    page = read(picture, model=model)
    covered = np.zeros(picture.shape, bool)
    assert len(page.digits) == sum(c.isdigit() for line in LINES for c in line)
    for digit in page.digits:
        left, top, width, height = digit.box
        assert digit.image.shape == (28, 28)
        assert digit.image.dtype == np.uint8
        assert 0.5 < digit.confidence <= 1
        inside = picture[top : top + height, left : left + width]
        for edge in (inside[:4], inside[-4:], inside[:, :4], inside[:, -4:]):
            assert edge.min() < 235  # the box is tight
        covered[top : top + height, left : left + width] = True
    ink = picture < 180
    assert (ink & ~covered).sum() < 0.05 * ink.sum()  # and hardly any ink is left out
    for number in page.numbers:
        assert number.confidence == pytest.approx(np.prod([d.confidence for d in number.digits]))


# The same examples each time: one page in a hundred or so is read differently with other margins.
@settings(deadline=None, max_examples=10, derandomize=True)
@given(st.tuples(*[st.integers(0, 120)] * 4))
def test_padding_a_page_changes_no_reading(model, margins):
    top, bottom, left, right = margins
    padded = np.pad(write_page(LINES), ((top, bottom), (left, right)), constant_values=235)
    assert read(padded, model=model).text.split("\n") == LINES


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (20, 235), (120, 60), (90, 150)])
def test_light_on_dark_and_dark_on_light_read_the_same(model, paper, ink):
    assert read(write_page(LINES, paper=paper, ink=ink), model=model).text.split("\n") == LINES


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_is_turned_back(model, quarters):
    page = read(np.rot90(write_page(LINES), quarters).copy(), model=model)
    assert page.text.split("\n") == LINES
    assert page.turn == (4 - quarters) * 90
    assert (page.height, page.width) == write_page(LINES).shape


@pytest.mark.parametrize("factor", [0.5, 2, 4])
def test_the_size_of_the_writing_does_not_matter(model, factor):
    assert read(write_page(LINES, height=round(40 * factor)), model=model).text.split("\n") == LINES


def test_writing_of_16_pixels_gives_all_digits(model):
    """Of numbers a narrow space apart two may be joined at this size; no digit is lost."""
    page = read(write_page(LINES, height=16), model=model)
    assert page.text.replace(" ", "").split("\n") == [line.replace(" ", "") for line in LINES]


@pytest.mark.parametrize("degrees", [-12, -6, 6, 10])
def test_a_page_that_lies_askew_reads(model, degrees):
    page = np.pad(write_page(LINES), 120, constant_values=235)
    middle = (page.shape[1] / 2, page.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, degrees, 1.0)
    askew = cv2.warpAffine(page, turn, page.shape[::-1], flags=cv2.INTER_AREA, borderValue=235)
    assert read(askew, model=model).text.split("\n") == LINES


@pytest.mark.parametrize("slant", [-0.5, 0.4])
def test_a_hand_that_leans_reads(model, slant):
    page = np.pad(write_page(LINES), 120, constant_values=235)
    shear = np.array([[1, -slant, slant * page.shape[0] / 2], [0, 1, 0]])
    leaning = cv2.warpAffine(page, shear, page.shape[::-1], flags=cv2.INTER_AREA, borderValue=235)
    assert read(leaning, model=model).text.split("\n") == LINES


def test_a_shadow_on_tinted_paper_reads(model):
    page = write_page(LINES, paper=200)
    across = np.linspace(-8, 8, page.shape[1])
    shade = 1 - 0.6 / (1 + np.exp(-across))
    noise = np.random.default_rng(0).normal(0, 3, page.shape)
    picture = (page * shade + noise).clip(0, 255).astype(np.uint8)
    assert read(picture, model=model).text.split("\n") == LINES


def test_sizes_from_14_to_300_pixels_in_one_picture(model):
    page = np.full((700, 1400), 240, np.uint8)
    write(page, "52", 40, 420, 300)
    write(page, "3047", 700, 300, 60)
    write(page, "265", 700, 420, 14)
    assert {n.text for n in read(page, model=model).numbers} == {"52", "3047", "265"}


def test_a_superscript_is_a_number_of_its_own(model):
    page = np.full((200, 500), 240, np.uint8)
    x = write(page, "35", 40, 140, 60)
    write(page, "2", x + 4, 98, 32)
    read_page = read(page, model=model)
    assert read_page.text == "35^2"
    assert [(n.text, n.raised) for n in read_page.numbers] == [("35", False), ("2", True)]


def test_a_decimal_point_belongs_to_its_number_and_dust_does_not(model):
    page = write_page(["3275"])
    cv2.circle(page, (300, 30), 2, 30, -1)  # dust above the line
    assert read(page, model=model).text == "3275"
    page = np.full((120, 400), 235, np.uint8)
    x = write(page, "32", 40, 80, 40)
    cv2.circle(page, (x + 10, 78), 3, 30, -1)
    write(page, "75", x + 22, 80, 40)
    assert read(page, model=model).text == "32.75"


def test_touching_digits_are_parted(model):
    page = np.full((140, 500), 235, np.uint8)
    x = 40
    for digit in "52347":
        x = write(page, digit, x, 100, 60) + 4
    pieces, _ = cv2.connectedComponents((page < 128).astype(np.uint8))
    assert pieces - 1 < 5
    assert read(page, model=model).text == "52347"


def test_a_page_of_words_has_no_numbers(model):
    page = np.full((300, 1000), 240, np.uint8)
    for k, text in enumerate(["What a very fine day", "Kerning matters a", "great deal here"]):
        cv2.putText(page, text, (30, 80 + 80 * k), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 30, 3)
    assert len(read(page, model=model).numbers) <= 1


def test_the_threshold_decides_what_is_refused(model):
    assert read(write_page(LINES), model=model, threshold=1.1).numbers == ()


def test_the_model_may_be_named(model):
    assert read(write_page(["73"]), model=model.page.path).text == "73"


# --- what comes out --------------------------------------------------------------------------


def test_json_holds_everything_but_the_images(model):
    page = read(write_page(LINES), model=model)
    fields = json.loads(page.to_json())
    assert [line["text"] for line in fields["lines"]] == LINES
    digit = fields["lines"][0]["numbers"][0]["digits"][0]
    assert digit == page.digits[0].to_dict()
    assert set(digit) == {"label", "confidence", "box"}
    assert (fields["width"], fields["height"]) == (page.width, page.height)


def draw_grid(cells, side=64):
    rows, columns = len(cells), len(cells[0])
    page = np.full(((rows + 2) * side, (columns + 2) * side), 235, np.uint8)
    for k in range(rows + 1):
        cv2.line(page, (side, side * (k + 1)), (side * (columns + 1), side * (k + 1)), 60, 2)
    for k in range(columns + 1):
        cv2.line(page, (side * (k + 1), side), (side * (k + 1), side * (rows + 1)), 60, 2)
    for r, row in enumerate(cells):
        for c, text in enumerate(row):
            write(page, text, side * (c + 1) + 20, side * (r + 2) - 16, 34)
    return page


CELLS = [["4", "", "7", "2"], ["", "9", "", "5"], ["3", "8", "", "6"], ["", "", "1", ""]]


def test_a_grid_comes_back_cell_by_cell(model):
    page = read(draw_grid(CELLS), model=model)
    assert len(page.grids) == 1
    assert page.grids[0].rows == CELLS
    assert page.lines == ()
    assert page.to_csv() == "4,,7,2\n,9,,5\n3,8,,6\n,,1,\n"
    assert page.text == "\n".join("\t".join(row) for row in CELLS)


def test_the_boxes_of_a_grid_lie_in_the_picture(model):
    grid = read(draw_grid(CELLS), model=model).grids[0]
    assert sum(len(cell.numbers) for row in grid.cells for cell in row) == 9
    for row in grid.cells:
        for cell in row:
            for number in cell.numbers:
                left, top, width, height = number.box
                x, y = left + width / 2, top + height / 2
                assert cell.box[0] < x < cell.box[0] + cell.box[2]
                assert cell.box[1] < y < cell.box[1] + cell.box[3]
                assert 28 <= height <= 44


def test_the_annotated_picture_shows_the_page_and_the_tiles(model):
    picture = write_page(LINES)
    page = read(picture, model=model)
    drawn = annotate(picture, page)
    assert drawn.mode == "RGB"
    assert drawn.height >= picture.shape[0]
    assert drawn.width > picture.shape[1]
    left, top, width, _ = page.digits[0].box
    assert drawn.getpixel((left + width // 2, top - 2)) != (235, 235, 235)


def test_the_tiles_of_a_long_line_and_of_many_lines_stand_in_stacks(model):
    page = read(write_page(LINES), model=model)
    digit = page.digits[0]
    long = replace(page.lines[0], numbers=(Number((digit,) * 30),))
    short = replace(page.lines[0], numbers=(Number((digit,)),))
    full = replace(page, lines=(long, *[short] * 22), width=100, height=476, grids=())
    drawn = annotate(np.full((476, 100), 255, np.uint8), full)
    # 30 digits in rows of four and 22 rows of one are 30 rows: five stacks of six.
    assert drawn.size == (100 + 5 * (4 * 64 + 16), 476)


def test_an_annotated_picture_of_nothing_is_the_picture(model):
    blank = np.full((50, 80), 200, np.uint8)
    drawn = annotate(blank, read(blank, model=model))
    assert drawn.getpixel((10, 10)) == (200, 200, 200)


# --- bad input -------------------------------------------------------------------------------

NOISE = np.random.default_rng(1).integers(0, 256, (300, 400), np.uint8)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 10_000), np.uint8),
        np.arange(10_000, dtype=np.uint8)[:, None],
        np.full((400, 300), 128, np.uint8),
        np.tile(np.arange(250, dtype=np.uint8), (200, 1)),
    ],
    ids=["1x1", "1x10000", "10000x1", "one colour", "gradient"],
)
def test_a_picture_without_digits_is_an_empty_page(model, picture):
    page = read(picture, model=model)
    assert page.numbers == ()
    assert page.text == ""
    assert (page.height, page.width) == picture.shape


@pytest.mark.parametrize("picture", [NOISE, (NOISE > 127) * np.uint8(255)], ids=["gray", "binary"])
def test_noise_reads_as_next_to_nothing(model, picture):
    assert len(read(picture, model=model).digits) <= 2


def test_what_is_no_picture_is_bad_image(model):
    with pytest.raises(BadImage, match="not a picture"):
        read(b"no picture", model=model)


@FUZZ
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_small_array_reads_as_something(model, picture):
    page = read(picture, model=model)
    assert (page.height, page.width) == picture.shape


def encoded(kind):
    out = io.BytesIO()
    Image.fromarray(write_page(["46"], height=20)).save(out, kind)
    return out.getvalue()


@FUZZ
@given(st.sampled_from(["PNG", "JPEG", "GIF"]), st.data())
def test_a_damaged_file_raises_nothing_but_our_own(model, kind, data):
    content = bytearray(encoded(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        page = read(bytes(content[: cut or None]), model=model)
    except DigitscopeError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert page.width > 0


def test_small_writing_on_a_large_picture_is_read(model):
    """Reduced to the usual size, these digits are 10 pixels high, which no network sees."""
    page = np.full((4000, 3000), 230, np.uint8)
    for row in range(8):
        for column in range(6):
            place = (600 + 50 * column, 900 + 60 * row)
            cv2.putText(page, str(column), place, cv2.FONT_HERSHEY_SIMPLEX, 1.65, 40, 4)
    assert len(read(page, model=model).digits) >= 46


def test_a_list_of_single_digits_keeps_its_ones(model):
    digits = list("1738")
    assert read(write_page(digits), model=model).text.split("\n") == digits
