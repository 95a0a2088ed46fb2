"""Any source of a batch is divided into parts that hold each image once, in order."""

import gzip
import zipfile

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_sources import FORMS, order_of, png, write_source
from digitscope.batch import items
from digitscope.batch.columns import to_images
from digitscope.batch.engine import _open_or_plan
from digitscope.batch.items import read_chunks
from digitscope.batch.job import Request, read_job, read_parts
from digitscope.batch.sources import absolute
from digitscope.data import load_data
from digitscope.errors import BadData, BadImage, Misuse
from digitscope.image.mnist_form import to_mnist

IMAGES = load_data("digits").test.images[:23]


def make_request(source, out, *, size=5, task="predict", column="", key=""):
    return Request(
        source=str(source), out=str(out), task=task,
        model={"predict": "cnn", "read": "page"}[task], model_sha256="", threshold=None,
        column=column, key=key, part_size=size,
    )  # fmt: skip


def plan(*args, **options):
    return _open_or_plan(make_request(*args, **options))


def contents(job):
    """Return the keys and images of all parts, in MNIST form."""
    keys, images = [], []
    for part in read_parts(job):
        n = 0
        for chunk in read_chunks(job, part):
            keys += chunk.keys
            n += len(chunk)
            assert len(chunk) == len(chunk.images)
            some: list = list(chunk.images)
            images += [im if isinstance(im, np.ndarray) else to_mnist(im) for im in some]
        assert n == part.count
    return keys, images


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_images_once_each(form, tmp_path):
    job = plan(write_source(tmp_path / "in", form, IMAGES), tmp_path / "out")
    assert job.images == len(IMAGES)
    keys, images = contents(job)
    assert len(set(keys)) == len(IMAGES)
    encoded = form.endswith(("png", "struct")) or form in ("folder", "zip", "tar", "tar.gz")
    encoded = encoded or form == "two tars"
    for image, k in zip(images, order_of(form, len(IMAGES)), strict=True):
        wanted = to_mnist(png(IMAGES[k])) if encoded else IMAGES[k]
        np.testing.assert_array_equal(image, wanted)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.sampled_from(["npy", "parquet pixels", "two tars"]))
def test_parts_of_any_size_hold_each_image_once(tmp_path_factory, size, form):
    folder = tmp_path_factory.mktemp("sizes")
    job = plan(write_source(folder / "in", form, IMAGES), folder / "out", size=size)
    parts = list(read_parts(job))
    assert len(parts) == job.parts
    assert sum(part.count for part in parts) == len(IMAGES)
    assert max(part.count for part in parts) <= size
    keys, _ = contents(job)
    assert len(set(keys)) == len(IMAGES)


def test_keys_tell_where_an_image_is(tmp_path):
    def first(form, **options):
        source = write_source(tmp_path / form, form, IMAGES)
        keys, _ = contents(plan(source, tmp_path / f"{form} out", **options))
        return keys[0], keys[-1]

    assert first("npy") == ("images.npy[0]", "images.npy[22]")
    assert first("parquet png") == ("images.parquet[0]", "images.parquet[22]")
    assert first("parquet pixels", key="id") == ("n0", "n22")
    assert first("folder") == ("0/000.png", "1/021.png")
    assert first("tar") == ("0/000.png", "1/021.png")
    assert first("two tars") == ("a.tar/0/000.png", "b.tar/1/021.png")


def test_a_gzipped_file_is_one_part(tmp_path):
    job = plan(write_source(tmp_path / "in", "idx.gz", IMAGES), tmp_path / "out", size=4)
    assert [part.count for part in read_parts(job)] == [len(IMAGES)]


def test_source_and_output_may_be_urls(tmp_path):
    files = fsspec.filesystem("memory")
    local = write_source(tmp_path / "in", "parquet pixels", IMAGES)
    files.pipe("/bucket/a.parquet", local.read_bytes())
    job = plan("memory://bucket/*.parquet", "memory://bucket/out")
    _, images = contents(job)
    np.testing.assert_array_equal(images, IMAGES)
    assert read_job("memory://bucket/out") == job
    files.rm("/bucket", recursive=True)


def test_a_plan_is_taken_up_again(tmp_path):
    source = write_source(tmp_path / "in", "npy", IMAGES)
    job = plan(source, tmp_path / "out")
    source.unlink()
    assert plan(source, tmp_path / "out") == job


def test_another_batch_does_not_take_its_place(tmp_path):
    source = write_source(tmp_path / "in", "npy", IMAGES)
    plan(source, tmp_path / "out")
    with pytest.raises(Misuse, match="belongs to another batch: its part_size is 5, not 6"):
        plan(source, tmp_path / "out", size=6)
    with pytest.raises(Misuse, match="its task is 'predict', not 'read'"):
        plan(source, tmp_path / "out", task="read")


def test_part_of_a_plan_is_no_plan(tmp_path):
    source = write_source(tmp_path / "in", "npy", IMAGES)
    job = plan(source, tmp_path / "out")
    (tmp_path / "out" / "_batch" / "job.json").unlink()
    assert plan(source, tmp_path / "out") == job


def test_columns_of_slices_are_read_where_they_begin():
    pixels = pa.array([image.tobytes() for image in IMAGES])
    np.testing.assert_array_equal(to_images(pixels[4:9]), IMAGES[4:9])
    lists = pa.array([image.ravel().tolist() for image in IMAGES], pa.list_(pa.uint8(), 784))
    np.testing.assert_array_equal(to_images(lists[4:9]), IMAGES[4:9])
    np.testing.assert_array_equal(to_images(pixels.cast(pa.large_binary())[4:9]), IMAGES[4:9])
    np.testing.assert_array_equal(to_images(pixels.cast(pa.binary(784))[4:9]), IMAGES[4:9])
    assert to_images(pa.array([IMAGES[0].tobytes(), None]))[1] is None


def of_784_bytes(image):
    """Return a picture file with as many bytes as a 28×28 image has pixels."""
    content = png(image)
    return content + bytes(784 - len(content))  # decoders do not read on after the end


def test_a_picture_file_of_784_bytes_is_no_pixels(tmp_path):
    (tmp_path / "in").mkdir()
    content = of_784_bytes(IMAGES[0])
    (tmp_path / "in" / "a.png").write_bytes(content)
    _, images = contents(plan(tmp_path / "in", tmp_path / "out"))
    np.testing.assert_array_equal(images[0], to_mnist(png(IMAGES[0])))
    for column in ([content], [content, IMAGES[1].tobytes()], [None, IMAGES[1].tobytes()]):
        found = to_images(pa.array(column))
        assert found[0] == column[0]
        if len(column) > 1:
            np.testing.assert_array_equal(found[1], IMAGES[1])


def test_a_folder_with_brackets_in_its_name_is_no_pattern(tmp_path):
    source = write_source(tmp_path / "scans [2026]", "folder", IMAGES)
    assert plan(source, tmp_path / "out").images == len(IMAGES)


def test_an_output_inside_the_source_is_left_out(tmp_path):
    source = write_source(tmp_path / "in", "folder", IMAGES)
    assert plan(source, source / "answers").images == len(IMAGES)
    (source / "answers" / "_batch" / "job.json").unlink()
    (source / "answers" / "part-000000.parquet").write_bytes(b"")
    assert plan(source, source / "answers").images == len(IMAGES)


def test_paths_are_absolute_and_urls_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("scans/*.png") == str(tmp_path / "scans" / "*.png")
    assert absolute("memory://bucket/a") == "memory://bucket/a"


def test_a_file_too_large_for_memory_is_an_error(tmp_path, monkeypatch):
    source = write_source(tmp_path / "in", "zip", IMAGES)
    job = plan(source, tmp_path / "out", size=30)
    monkeypatch.setattr(items, "MAX_PICTURE_BYTES", 100)
    pictures = [p for chunk in read_chunks(job, next(read_parts(job))) for p in chunk.images]
    assert len(pictures) == len(IMAGES)
    assert all(isinstance(picture, BadImage) for picture in pictures)


def overwrite(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", b"PK no", "damaged or not a zip archive"),
        ("a.tar", b"no" * 600, "damaged or not a tar archive"),
        ("a.tgz", gzip.compress(b"no" * 600, mtime=0)[:30], "damaged or not a tar archive"),
        ("a.parquet", b"PAR1 no PAR1", "damaged or not a Parquet file"),
        ("a.npy", b"\x93NUMPY\x01\x00", "damaged or cut short"),
        ("a.npz", b"PK no", "damaged or cut short"),
        ("a.idx", b"\0\0\x08\x01\0\0\0\x02ab", "expected 00 00 08 03"),
        ("a.idx.gz", b"\x1f\x8b\x08", "damaged or cut short"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, message):
    source = overwrite(tmp_path / "in" / name, content)
    with pytest.raises(BadData, match=message):
        plan(source, tmp_path / "out")
    assert read_job(str(tmp_path / "out")) is None


def test_a_file_that_is_cut_short_is_found_at_its_part(tmp_path):
    source = write_source(tmp_path / "in", "npy", IMAGES)
    job = plan(source, tmp_path / "out")
    source.write_bytes(source.read_bytes()[:-1])
    with pytest.raises(BadData, match="truncated: 1 bytes are missing"):
        contents(job)


def test_what_cannot_be_a_source(tmp_path):
    with pytest.raises(Misuse, match="no such file or folder"):
        plan(tmp_path / "nix", tmp_path / "out")
    with pytest.raises(Misuse, match="nothing matches"):
        plan(f"{tmp_path}/*.npy", tmp_path / "out")
    with pytest.raises(Misuse, match="has no images"):
        plan(overwrite(tmp_path / "in" / "a.txt", b"").parent, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w"):
        pass
    with pytest.raises(Misuse, match="has no images"):
        plan(tmp_path / "in" / "a.zip", tmp_path / "out")
    overwrite(tmp_path / "in" / "b.png", b"")
    with pytest.raises(Misuse, match="files of two kinds"):
        plan(tmp_path / "in", tmp_path / "out")
    with pytest.raises(Misuse, match="cannot be opened"):
        plan("nix://a/b", tmp_path / "out")


def test_columns_that_are_not_there(tmp_path):
    source = write_source(tmp_path / "in", "parquet png", IMAGES)
    with pytest.raises(BadData, match="has no column pixels; it has id, image"):
        plan(source, tmp_path / "out", column="pixels")
    with pytest.raises(BadData, match="has no column name"):
        plan(source, tmp_path / "out", key="name")
    pq.write_table(pa.table({"a": [b""], "b": [b""]}), tmp_path / "two.parquet")
    with pytest.raises(BadData, match=r"name the column .* a \(binary\), b \(binary\)"):
        plan(tmp_path / "two.parquet", tmp_path / "out")
    with pytest.raises(BadData, match="expected bytes or lists of 784 pixels"):
        contents(plan(source, tmp_path / "out", column="id"))
    with pytest.raises(Misuse, match="are for Parquet files"):
        plan(write_source(tmp_path / "in2", "npy", IMAGES), tmp_path / "out2", key="id")
