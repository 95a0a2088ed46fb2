"""Any input to `read` gives a page or one of digitscope's own errors, on one line."""

import io
import json
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from digitscope import read
from digitscope.errors import BadImage, DigitscopeError
from digitscope.image.decode import read_gray
from digitscope.models.page_network import PageNetwork
from digitscope.reading import Page

MOST_SIDE = 300  # pixels of the pictures that are read with the network
NOISE = np.random.default_rng(0).integers(0, 256, (9, 13, 3)).astype(np.uint8)


def few(examples):
    return settings(max_examples=examples, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def network():
    return PageNetwork(threads=1)


# --- files -----------------------------------------------------------------------------------


def encode(format, **options):
    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, format, **options)
    return stream.getvalue()


FRAMES = [Image.fromarray(np.roll(NOISE, k, axis=1)) for k in range(12)]
FILES = [
    encode("PNG"),
    encode("PNG", exif=Image.Exif(), dpi=(72, 72)),
    encode("JPEG", quality=80),
    encode("JPEG", progressive=True, optimize=True),
    encode("WEBP", lossless=True),
    encode("WEBP", save_all=True, append_images=FRAMES[:3]),
    encode("GIF", save_all=True, append_images=FRAMES, duration=20),
    encode("BMP"),
    encode("TIFF"),
    encode("TIFF", compression="tiff_adobe_deflate"),
    encode("TIFF", save_all=True, append_images=FRAMES[:2]),
    encode("PPM"),
]


@st.composite
def damaged_files(draw):
    """A good file with bits flipped, a part cut or repeated, or bytes appended."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        n = draw(st.integers(1, 40))
        match draw(st.sampled_from(["flip", "flip", "end", "cut", "repeat", "append", "another"])):
            case "flip":
                data[at : at + 1] = bytes(byte ^ 1 << n % 8 for byte in data[at : at + 1])
            case "end":
                del data[at:]
            case "cut":
                del data[at : at + n]
            case "repeat":
                data[at:at] = data[at : at + n] * draw(st.integers(1, 30))
            case "append":
                data += draw(st.binary(max_size=60))
            case "another":
                data[at:] = draw(st.sampled_from(FILES))[at:]
    return bytes(data)


def test_any_bytes_become_a_gray_plane_or_bad_image():
    outcomes = Counter()

    @few(400)
    @given(st.one_of(damaged_files(), damaged_files(), st.binary(max_size=400)))
    def check(data):
        try:
            gray = read_gray(data)
        except BadImage as error:
            outcomes["refused"] += 1
            assert "\n" not in str(error)  # noqa: PT017
        else:
            outcomes["read"] += 1
            assert gray.dtype == np.uint8
            assert gray.ndim == 2
            assert min(gray.shape) > 0

    check()
    assert min(outcomes["read"], outcomes["refused"]) > 20, outcomes


# --- arrays ----------------------------------------------------------------------------------

DTYPES = st.one_of(
    arrays.scalar_dtypes(),
    arrays.unicode_string_dtypes(max_len=3),
    arrays.array_dtypes(max_size=2),
    st.just(np.dtype(object)),
    st.just(np.dtype(np.uint8)),
)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
SIDES = st.integers(8, 24)
PICTURES = st.tuples(st.just(np.dtype(np.uint8)), st.tuples(SIDES, SIDES))  # most can be read


def test_arrays_of_any_dtype_and_shape_are_read_or_refused(network):
    outcomes = Counter()

    @few(100)
    @given(st.data())
    def check(data):
        dtype, shape = data.draw(st.one_of(st.tuples(DTYPES, SHAPES), PICTURES))
        if dtype.hasobject:
            array = np.full(shape, None)
        else:
            array = data.draw(arrays.arrays(dtype, shape, fill=st.nothing()))
        try:
            page = read(array, model=network)
        except DigitscopeError as error:
            outcomes["refused"] += 1
            assert "\n" not in str(error)  # noqa: PT017
        else:
            outcomes["read"] += 1
            assert isinstance(page, Page)

    check()
    assert min(outcomes["read"], outcomes["refused"]) > 2, outcomes


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_arrays_of_nan_and_infinity_are_refused(network, value, dtype):
    with pytest.raises(BadImage, match=r"must be uint8 .*Received: "):
        read(np.full((20, 30), value, dtype), model=network)


# --- pictures --------------------------------------------------------------------------------


def noise(rng, height, width):
    return rng.integers(0, 256, (height, width)).astype(np.uint8)


def stripes(rng, height, width):
    period, phase = rng.integers(2, 40, 2)
    wave = (np.arange(height)[:, None] * rng.integers(0, 2) + np.arange(width) + phase) % period
    return np.where(wave < period / 2, 20, 230).astype(np.uint8)


def constant(rng, height, width):
    return np.full((height, width), rng.choice([0, 1, 127, 254, 255]), np.uint8)


def checkers(rng, height, width):
    side = rng.integers(1, 30)
    field = np.arange(height)[:, None] // side + np.arange(width) // side
    return (255 * (field % 2)).astype(np.uint8)


def rectangles(rng, height, width):
    gray = np.full((height, width), rng.integers(0, 256), np.uint8)
    for _ in range(rng.integers(1, 30)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        gray[top : top + rng.integers(1, 60), left : left + rng.integers(1, 60)] = rng.integers(256)
    return gray


def digits_at_rims(rng, height, width):
    gray = np.full((height, width), 230, np.uint8)
    for _ in range(12):
        place = int(rng.integers(-10, width)), int(rng.integers(0, height + 20))
        digit = str(rng.integers(0, 10))
        cv2.putText(gray, digit, place, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 30, 3, cv2.LINE_AA)
    return gray


def tight_number(rng, height, width):
    gray = np.full((height + 80, width + 200), 230, np.uint8)
    text, scale = str(rng.integers(0, 10_000)), rng.uniform(0.8, 2.5)
    place = (20, height + 60)
    cv2.putText(gray, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 30, int(2 * scale), cv2.LINE_AA)
    rows, columns = (np.flatnonzero((gray < 200).any(axis=axis)) for axis in (1, 0))
    return gray[rows[0] + 1 : rows[-1], columns[0] + 1 : columns[-1]]


KINDS = [noise, stripes, constant, checkers, rectangles, digits_at_rims, tight_number]
SIDES = st.one_of(st.integers(1, MOST_SIDE), st.integers(1, 20))


def check_page(gray, network):
    page = read(gray, model=network)
    turned = gray.shape if page.turn % 180 == 0 else gray.shape[::-1]
    assert (page.height, page.width) == turned
    for mark in (mark for n in page.numbers for mark in n.digits + n.signs):
        left, top, width, height = mark.box
        assert min(left, top) >= 0
        assert min(width, height) > 0
        assert left + width <= page.width
        assert top + height <= page.height
        assert 0 <= mark.confidence <= 1
    text = page.to_json()
    assert json.loads(text)["width"] == page.width
    assert read(gray, model=network).to_json() == text


@few(35)
@given(st.sampled_from(KINDS), st.integers(0, 1_000), SIDES, SIDES)
def test_any_small_picture_gives_a_page(network, kind, seed, height, width):
    check_page(kind(np.random.default_rng(seed), height, width), network)


@pytest.mark.parametrize("shape", [(1, 1), (1, 10_000), (10_000, 1), (2, 3_000), (3_000, 7)])
@pytest.mark.parametrize("kind", [noise, constant])
def test_extreme_shapes_give_a_page(network, kind, shape):
    check_page(kind(np.random.default_rng(1), *shape), network)
