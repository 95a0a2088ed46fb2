"""Data sets by name, from files of every kind, sound and damaged."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitscope.data import Dataset, Split, load_data
from digitscope.data.arrays import is_array_file, read_images
from digitscope.data.idx import read_idx
from digitscope.errors import BadData, BadImage, DigitscopeError, Misuse
from digitscope.rendering.contact_sheet import draw_sheet

IMAGES = np.random.default_rng(2).integers(0, 256, (6, 28, 28), np.uint8)


def idx(array, kind=8):
    head = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def draw_digit(path, ink=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", (20, 20), 255)
    image.paste(ink, (8, 3, 12, 17))
    image.save(path)


# Splits and data sets


def test_labels_and_images_must_be_as_many():
    with pytest.raises(BadData, match="6 images but 5 labels; each image needs one label"):
        Split(IMAGES, np.zeros(5, np.uint8))


@pytest.mark.parametrize("label", [10, -1, 255])
def test_labels_must_be_digits(label):
    labels = np.array([0, 1, label, 3, 4, 5])
    with pytest.raises(BadData, match=f"labels must be 0 to 9. Received: {label} for image 2"):
        Split(IMAGES, labels)


def test_labels_must_be_whole_numbers_in_a_row():
    with pytest.raises(BadData, match=r"integers of shape \(n,\)\. Received: float64 \(6,\)"):
        Split(IMAGES, np.zeros(6))  # type: ignore[arg-type]
    with pytest.raises(BadData, match=r"of shape .n,.. Received: uint8 \(6, 1\)"):
        Split(IMAGES, np.zeros((6, 1), np.uint8))


def test_images_must_be_digit_images():
    with pytest.raises(BadImage, match=r"Received: float64 \(6, 28, 28\)"):
        Split(IMAGES / 255, np.zeros(6, np.uint8))  # type: ignore[arg-type]


def test_the_hash_tells_any_change():
    split = Split(IMAGES, np.arange(6, dtype=np.uint8))
    pixel, label = IMAGES.copy(), np.arange(6, dtype=np.uint8)
    pixel[3, 3, 3] ^= 1
    label[5] = 0
    hashes = {s.sha256() for s in (split, Split(pixel, split.labels), Split(IMAGES, label))}
    assert len(hashes) == 3
    assert split.sha256() == Split(IMAGES.copy(), split.labels.copy()).sha256()


def test_hold_out_parts_the_training_images_the_same_way_each_time(digits):
    fit, held_out = digits.hold_out(300)
    assert (len(fit), len(held_out)) == (1_200, 300)
    together = np.concatenate([fit.images, held_out.images]).reshape(1_500, -1)
    original = digits.train.images.reshape(1_500, -1)
    order = [np.lexsort(rows.T) for rows in (together, original)]
    assert (together[order[0]] == original[order[1]]).all()
    assert (digits.hold_out(300)[1].images == held_out.images).all()
    assert min(held_out.counts()) > 15  # drawn at random, not cut off at the end


def test_hold_out_must_leave_something(digits):
    with pytest.raises(BadData, match=r"must be less than the 1,500 training images of digits"):
        digits.hold_out(1_500)
    assert len(digits.hold_out(0)[1]) == 0


def test_a_split_by_name(digits):
    assert digits.split("test") is digits.test
    assert len(digits.split("all")) == 1_797
    with pytest.raises(
        Misuse,
        match=r"digits must be train, test or all. Received: 'tset'. Did you mean 'test'",
    ):
        digits.split("tset")


def test_the_bundled_digits_are_in_mnist_form(digits):
    assert isinstance(digits, Dataset)
    assert (len(digits.train), len(digits.test)) == (1_500, 297)
    for images in (digits.train.images, digits.test.images):
        assert images.dtype == np.uint8
        assert (images.max(axis=(1, 2)) > 200).all()
        assert (images[:, 0] == 0).all()
        mass = images.sum(axis=(1, 2), dtype=float)
        row = (images.sum(axis=2) @ np.arange(28)) / mass
        assert np.abs(row - 14).max() < 1.5
    assert min(digits.test.counts()) >= 27


def test_a_misspelled_name_meets_its_neighbour():
    with pytest.raises(Misuse, match=r"unknown data set 'minst'; .*Did you mean 'mnist'\?"):
        load_data("minst")


def test_mnist_is_what_it_always_was(mnist):
    assert mnist.train.images.shape == (60_000, 28, 28)
    assert mnist.test.images.shape == (10_000, 28, 28)
    assert mnist.train.counts() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)


# IDX, npy and npz


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read_plain_and_gzipped(tmp_path, pack):
    file = tmp_path / "images-idx3-ubyte.gz"
    file.write_bytes(pack(idx(IMAGES)))
    assert (read_idx(file) == IMAGES).all()
    assert (read_images(file) == IMAGES).all()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not an IDX file of bytes"),
        (b"seven", "is not an IDX file of bytes"),
        (idx(IMAGES, kind=0x0D), "is not an IDX file of bytes"),
        (idx(IMAGES)[:9], "expected .* bytes for shape"),
        (idx(IMAGES)[:-1], r"expected 4,720 bytes for shape \(6, 28, 28\), .*Received: 4,719"),
        (idx(IMAGES) + b"x", "Received: 4,721"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-9], "is damaged or cut short"),
        (gzip.compress(idx(IMAGES), mtime=0)[:40] + b"?" * 40, "is damaged or cut short"),
        (b"\x1f\x8b", "is damaged or cut short"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path, content, why):
    file = tmp_path / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(content)
    with pytest.raises(BadData, match=r"ubyte\.gz.*" + why):
        read_idx(file)


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        ({"images": IMAGES, "others": IMAGES[:1]}, 6),
        ({"x": IMAGES, "labels": np.zeros(6, np.uint8)}, 6),
    ],
)
def test_the_images_in_an_npz(tmp_path, arrays, found):
    np.savez(tmp_path / "a.npz", **arrays)
    assert len(read_images(tmp_path / "a.npz")) == found


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"a": IMAGES, "b": IMAGES}, r"expected an array called images, or exactly one.*a uint8"),
        ({"labels": np.zeros(6)}, r"Received: labels float64 \(6,\)"),
        ({"images": IMAGES / 255}, r"must be uint8 of shape .* Received: float64"),
        ({}, r"Received: nothing"),
    ],
)
def test_an_npz_without_images_is_refused(tmp_path, arrays, why):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BadData, match=r"a\.npz.*" + why):
        read_images(tmp_path / "a.npz")


def test_an_npz_with_a_member_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "seven")
    with pytest.raises(BadData, match="expected an array called images"):
        read_images(tmp_path / "a.npz")


def test_nothing_is_unpickled(tmp_path):
    """An object array could run code when it is loaded."""
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", images=np.array([{}], object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(BadData, match=r"is not a readable array file .*allow_pickle=False"):
            read_images(tmp_path / name)


def damaged_npz():
    stream = io.BytesIO()
    np.savez_compressed(stream, images=IMAGES)
    return stream.getvalue()


@settings(max_examples=200, deadline=None)
@given(
    suffix=st.sampled_from([".npz", ".npy", ".idx"]),
    at=st.floats(0, 1),
    junk=st.binary(max_size=8),
)
def test_no_damage_raises_anything_but_our_own(tmp_path_factory, suffix, at, junk):
    file = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    if suffix == ".npz":
        data = damaged_npz()
    elif suffix == ".npy":
        np.save(file, IMAGES)
        data = file.read_bytes()
    else:
        data = idx(IMAGES)
    # The header of a .npy is where the parser is; most of a compressed file is equally good.
    cut = int(at * (130 if suffix == ".npy" else len(data)))
    file.write_bytes(data[:cut] + junk + data[cut + len(junk) :])
    try:
        images = read_images(file)
    except DigitscopeError as error:
        assert file.name in str(error)  # noqa: PT017
    else:
        assert images.shape[1:] == (28, 28)


def test_array_files_are_told_by_their_names(tmp_path):
    names = ["a.npy", "a.NPZ", "a.idx", "a.idx.gz", "t10k-images-idx3-ubyte", "x-idx3-ubyte.gz"]
    assert all(is_array_file(tmp_path / name) for name in names)
    assert not any(is_array_file(tmp_path / name) for name in ["a.png", "a.gz", "npy.jpg", "a"])


# Folders and tables of one's own images


def test_a_folder_of_subfolders(tmp_path):
    for digit in (3, 7):
        for i in range(10):
            draw_digit(tmp_path / str(digit) / f"{i}.png")
    (tmp_path / "7" / "notes.txt").write_text("not a picture")
    data = load_data(f"folder:{tmp_path}")
    assert data.name == f"folder:{tmp_path}"
    assert data.train.counts()[3] == data.train.counts()[7] == 8
    assert data.test.counts()[3] == data.test.counts()[7] == 2
    assert data.train.images.max() == 255


def test_a_folder_with_splits_of_its_own(tmp_path):
    draw_digit(tmp_path / "train" / "1" / "a.png")
    draw_digit(tmp_path / "test" / "2" / "b.png")
    data = load_data(f"folder:{tmp_path}")
    assert data.train.labels.tolist() == [1]
    assert data.test.labels.tolist() == [2]


@pytest.mark.parametrize("header", ["path,label\n", ""])
@pytest.mark.parametrize("by", ["table", "folder"])
def test_a_table_of_paths_and_labels(tmp_path, header, by):
    rows = []
    for i in range(5):
        draw_digit(tmp_path / "img" / f"{i}.png")
        rows.append(f"img/{i}.png, 4\n")
    (tmp_path / "list.csv").write_text(header + "".join(rows) + "\n")
    data = load_data(f"folder:{tmp_path / 'list.csv' if by == 'table' else tmp_path}")
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([4] * 4, [4])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1.png,10", r"line 2: expected path,label with a label of 0 to 9. Received: '1.png,10'"),
        ("1.png", r"line 2: expected path,label"),
        ("1.png,2,3", r"line 2: expected path,label"),
        ("gone.png,2", r"no such file: .*gone\.png Remove it from the data set"),
        ("text.png,2", r"text\.png is not a picture.*Remove it from the data set"),
        ("blank.png,2", r"blank\.png: nothing is written on it.*Remove it from the data set"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, why):
    draw_digit(tmp_path / "1.png")
    (tmp_path / "text.png").write_text("seven")
    Image.new("L", (9, 9), 255).save(tmp_path / "blank.png")
    (tmp_path / "list.csv").write_text(f"path,label\n{row}\n" + "1.png,2\n" * 5)
    with pytest.raises(BadData, match=why):
        load_data(f"folder:{tmp_path}")


def test_a_label_out_of_range_in_the_first_row_is_no_header(tmp_path):
    draw_digit(tmp_path / "1.png")
    (tmp_path / "list.csv").write_text("1.png,-1\n" + "1.png,2\n" * 5)
    with pytest.raises(BadData, match=r"line 1: .*Received: '1.png,-1'"):
        load_data(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "lists no images"),
        (b"\xff\xfe\x00,1\n" * 3, "is not a CSV file of path,label"),
        (b"path,label\n", "lists no images"),
    ],
)
def test_a_table_that_is_none(tmp_path, content, why):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(BadData, match=r"list\.csv " + why):
        load_data(f"folder:{tmp_path / 'list.csv'}")


def test_an_empty_folder_a_missing_one_and_one_with_too_few(tmp_path):
    with pytest.raises(BadData, match="has no digit images; expected subfolders 0 to 9"):
        load_data(f"folder:{tmp_path}")
    with pytest.raises(BadData, match=r"no such folder or CSV file: .*gone"):
        load_data(f"folder:{tmp_path / 'gone'}")
    draw_digit(tmp_path / "1" / "a.png")
    with pytest.raises(BadData, match=r"too few images for a test split; .*Received: 1"):
        load_data(f"folder:{tmp_path}")


# Sheets


def test_a_sheet_shows_each_image_dark_on_light(tmp_path):
    draw_sheet(np.full((21, 28, 28), 255, np.uint8), ["7"] * 21, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels[0, 0] == 255
    assert (pixels[20:50, 20:50] == 0).all()
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["sheet.png"]


def test_a_subfolder_that_is_no_digit_is_named(tmp_path):
    for name in ("3", "10"):
        draw_digit(tmp_path / name / "a.png")
    with pytest.raises(BadData, match=r"subfolders must be the digits 0 to 9\. Received: 10/"):
        load_data(f"folder:{tmp_path}")


# Arrays in an .npz, and non-digits


def write_npz(path, digits, n=60):
    images = 255 - digits.train.images[:n]  # dark on light, as people have them
    labels = digits.train.labels[:n].astype("U5")
    labels[::6] = "plus"
    np.savez(path, images=images, labels=labels)
    return images, labels


def test_an_npz_holds_digits_and_what_is_none(tmp_path, digits):
    _, labels = write_npz(tmp_path / "mine.npz", digits)
    data = load_data(f"folder:{tmp_path / 'mine.npz'}")
    assert len(data.split("all")) == 50
    assert len(data.non_digits) == 10
    kept = labels[labels != "plus"].astype(int)
    assert sorted(data.split("all").labels) == sorted(kept)
    seen, given = (i.ravel().astype(float) for i in (data.non_digits[0], digits.train.images[0]))
    assert np.corrcoef(seen, given)[0, 1] > 0.9


def test_pictures_in_the_subfolder_other_are_no_digits(tmp_path):
    for name in ("1", "2", "other"):
        for k in range(5):
            draw_digit(tmp_path / name / f"{k}.png")
    Image.new("L", (9, 9), 255).save(tmp_path / "other" / "blank.png")
    data = load_data(f"folder:{tmp_path}")
    assert data.split("all").counts() == [0, 5, 5, 0, 0, 0, 0, 0, 0, 0]
    assert len(data.non_digits) == 6  # an empty picture is no digit, either


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"images": np.zeros((2, 28, 28), np.uint8)}, "expected an .npz with the arrays images"),
        (
            {"images": np.zeros((2, 28, 28)), "labels": ["1", "2"]},
            r"expected images as uint8 \(n, height, width\).*float64 \(2, 28, 28\)",
        ),
        (
            {"images": np.zeros((2, 28, 28), np.uint8), "labels": ["1"]},
            r"a label for each\. Received: .*labels \(1,\)",
        ),
        (
            {"images": np.zeros((2, 28, 28), np.uint8), "labels": ["1", "2"]},
            "image 0: nothing is written on it.*Remove it",
        ),
    ],
)
def test_an_npz_that_is_none_is_named(tmp_path, arrays, why):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(BadData, match=why):
        load_data(f"folder:{tmp_path / 'bad.npz'}")


def test_a_file_that_is_no_npz_is_bad_data(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"PK no zip")
    with pytest.raises(BadData, match=r"bad\.npz: expected an \.npz"):
        load_data(f"folder:{tmp_path / 'bad.npz'}")
