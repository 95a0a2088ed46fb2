"""Any picture, good or bad, becomes one gray plane or one `BadImage`."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from digitscope.errors import BadImage, DigitscopeError
from digitscope.image.decode import read_gray


def encode(image, format="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def bar(mode="L", paper=255, ink=0):
    """A picture 6 wide and 4 high whose left column is ink."""
    image = Image.new(mode, (6, 4), paper)
    image.paste(ink, (0, 0, 1, 4))
    return image


BAR = np.asarray(bar())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "GIF", "PPM"])
def test_a_common_picture_loads_no_other_decoders(format, tmp_path):
    path = tmp_path / f"picture.{format.lower()}"
    path.write_bytes(encode(bar(), format))
    code = (
        "import sys; from digitscope.image.decode import read_gray; read_gray(sys.argv[1]); "
        "print('PIL.EpsImagePlugin' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF", "TIFF", "PPM"])
def test_lossless_formats_keep_every_pixel(format):
    assert (read_gray(encode(bar(), format)) == BAR).all()


@pytest.mark.parametrize(("format", "options"), [("JPEG", {"quality": 95}), ("WEBP", {})])
def test_lossy_formats_keep_it_nearly(format, options):
    gray = read_gray(encode(Image.fromarray(BAR.repeat(8, 0).repeat(8, 1)), format, **options))
    assert np.abs(gray[4::8, 4::8].astype(int) - BAR).max() < 8


@pytest.mark.parametrize(
    ("mode", "paper", "ink"),
    [
        ("1", 1, 0),
        ("P", 255, 0),
        ("RGB", (255, 255, 255), (0, 0, 0)),
        ("CMYK", (0, 0, 0, 0), (0, 0, 0, 255)),
        ("LA", (255, 255), (0, 255)),
        ("HSV", (0, 0, 255), (0, 0, 0)),
        ("YCbCr", (255, 128, 128), (0, 128, 128)),
        ("LAB", (255, 128, 128), (0, 128, 128)),
    ],
)
def test_colour_modes_become_their_luminance(mode, paper, ink):
    image = bar().convert("P") if mode == "P" else bar(mode, paper, ink)
    assert (read_gray(image) == BAR).all()


def test_colours_weigh_as_the_eye_does():
    red, green, blue = read_gray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))[0]
    assert green > red > blue


def test_a_cmyk_jpeg_has_its_polarity():
    image = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 8, 16))
    gray = read_gray(encode(image, "JPEG", quality=95))
    assert gray[:, 1].max() < 10
    assert gray[:, -2].min() > 245


def test_16_bits_become_8_by_their_full_range():
    values = np.array([[0, 257, 32_768, 65_535]], np.uint16)
    assert read_gray(encode(Image.fromarray(values))).tolist() == [[0, 1, 128, 255]]
    # A dim scan stays dim.
    assert read_gray(encode(Image.fromarray(values[:, :3]))).tolist() == [[0, 1, 128]]


@pytest.mark.parametrize("full", [1, 255])
def test_wide_samples_of_small_values_are_kept(full):
    values = np.array([[0, full]], np.uint16)
    assert read_gray(encode(Image.fromarray(values))).tolist() == [[0, 255]]


def test_float_samples_from_0_to_1_and_what_is_no_number():
    values = np.array([[0, 0.5, 1, np.nan, -3]], np.float32)
    assert read_gray(encode(Image.fromarray(values), "TIFF")).tolist() == [[0, 128, 255, 0, 0]]


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
@pytest.mark.parametrize("kept", ["alpha", "palette index"])
def test_transparency_becomes_the_paper_that_shows_what_is_drawn(ink, paper, kept):
    if kept == "alpha":
        rgba = np.zeros((4, 6, 4), np.uint8)
        rgba[:, 0] = (ink, ink, ink, 255)
        rgba[:, 1:, :3] = ink  # the colour under what is transparent must not matter
        source = encode(Image.fromarray(rgba))
    else:
        image = bar("P", 1, 0)
        image.putpalette([ink] * 3 + [90] * 3)
        source = encode(image, "PNG", transparency=1)
    assert (read_gray(source) == np.where(BAR == 0, ink, paper)).all()


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])  # MPO: some phones
def test_of_an_animation_the_first_frame_is_taken(format):
    frames = [Image.new("L", (6, 4), 0), Image.new("L", (6, 4), 255)]
    options: dict[str, dict] = {"WEBP": {"lossless": True}, "MPO": {"quality": 100}}
    data = encode(bar(), format, save_all=True, append_images=frames, **options.get(format, {}))
    near = 12 if format == "MPO" else 0
    assert np.abs(read_gray(data).astype(int) - BAR).max() <= near
    image = Image.open(io.BytesIO(data))
    image.seek(2)
    assert np.abs(read_gray(image).astype(int) - BAR).max() <= near


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_exif_turn_is_applied(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    upright = read_gray(encode(bar(), "PNG", exif=exif))
    # EXIF 2.3, tag Orientation: where row 0 and column 0 of the stored picture are seen.
    seen = {
        1: BAR,
        2: BAR[:, ::-1],
        3: BAR[::-1, ::-1],
        4: BAR[::-1],
        5: BAR.T,
        6: np.rot90(BAR, -1),
        7: BAR.T[::-1, ::-1],
        8: np.rot90(BAR),
    }[turn]
    assert (upright == seen).all()


def test_a_damaged_exif_block_does_not_matter():
    data = encode(Image.fromarray(BAR), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert read_gray(data).shape == BAR.shape


@pytest.mark.parametrize(
    "array",
    [BAR, np.stack([BAR] * 3, -1), np.stack([BAR, BAR, BAR, np.full_like(BAR, 255)], -1)],
)
def test_arrays_of_one_three_or_four_channels(array):
    assert (read_gray(array) == BAR).all()


@pytest.mark.parametrize(
    "array",
    [
        BAR.astype(float),
        BAR[0],
        np.zeros((2, 2, 2), np.uint8),
        np.zeros((0, 5), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((1, 2, 2, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_with_what_came(array):
    with pytest.raises(BadImage, match=r"must be uint8 of shape \(height, width\).*Received: "):
        read_gray(array)


def bomb(width, height):
    """A PNG file of a few bytes that promises so many pixels."""

    def chunk(kind, body):
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [50_000, 9_500])  # beyond Pillow's limit, and between it and ours
def test_a_picture_too_large_to_be_honest_is_refused_unread(side):
    with pytest.raises(BadImage, match=r"more than 80,000,000 pixels; scale it down or crop it"):
        read_gray(bomb(side, side))


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(BadImage, match=r"has no pixels: it is 0×7"):
        read_gray(Image.new("L", (0, 7)))


def test_a_text_file_named_png_is_no_picture(tmp_path):
    file = tmp_path / "note.png"
    file.write_text("seven")
    with pytest.raises(BadImage, match=r"note\.png is not a picture; expected PNG"):
        read_gray(file)


def test_postscript_is_never_handed_to_ghostscript(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    called = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *a, **k: called.append(a))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n%%EOF\n"
    with pytest.raises(BadImage, match="is not a picture"):
        read_gray(eps)
    assert not called


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(format, share):
    noise = np.random.default_rng(0).integers(0, 256, (60, 60)).astype(np.uint8)
    data = encode(Image.fromarray(noise), format)
    with pytest.raises(BadImage, match=r"the picture (cannot be decoded|is not a picture): \S"):
        read_gray(data[: int(len(data) * share)])


def test_the_file_is_named_when_it_is_missing_or_a_folder(tmp_path):
    with pytest.raises(BadImage, match=r"no such file: .*missing\.png"):
        read_gray(tmp_path / "missing.png")
    with pytest.raises(BadImage, match="is a folder, not a picture"):
        read_gray(tmp_path)
    with pytest.raises(BadImage, match="null byte"):
        read_gray("a\0b.png")


def test_one_pixel_is_a_picture():
    assert read_gray(encode(Image.new("L", (1, 1), 7))).tolist() == [[7]]


SEEDS = [
    encode(bar().convert(mode), format)
    for mode, format in [
        ("L", "PNG"),
        ("P", "PNG"),
        ("RGB", "JPEG"),
        ("L", "TIFF"),
        ("1", "BMP"),
        ("P", "GIF"),
        ("RGB", "WEBP"),
        ("L", "PPM"),
    ]
] + [encode(bar(), "TIFF", compression="tiff_lzw")]


@st.composite
def damaged_pictures(draw):
    """A good file with some bytes changed, cut out or doubled."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["set", "cut", "repeat"])):
            case "set":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "cut":
                del data[at : at + draw(st.integers(1, 20))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 20))]
    return bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=200), damaged_pictures()))
def test_no_bytes_raise_anything_but_our_own(data):
    try:
        gray = read_gray(data)
    except DigitscopeError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert gray.ndim == 2
        assert gray.dtype == np.uint8
        assert gray.size
