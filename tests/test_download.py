"""Where MNIST is looked for, and how it is downloaded, from a mirror on this machine."""

import gzip
import hashlib
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from digitscope.data import find_mnist, load_data, mnist
from digitscope.data.mnist import FILES, load_mnist
from digitscope.data.places import cache_folder
from digitscope.errors import BadData, DataUnavailable
from digitscope.files import sha256

DEAD = "http://127.0.0.1:9/"


def small_file(name):
    """A sound file under an official name, with a few blank images or labels in it."""
    n = 30 if name.startswith("train") else 10
    shape = (n, 28, 28) if "images" in name else (n,)
    head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return gzip.compress(head + bytes(int(np.prod(shape))), mtime=0)


CONTENT = {name: small_file(name) for name in FILES}


@pytest.fixture(autouse=True)
def _hashes_of_the_small_files(monkeypatch):
    for name, content in CONTENT.items():
        monkeypatch.setitem(FILES, name, hashlib.sha256(content).hexdigest())


@pytest.fixture
def mirror(serve):
    """Return a function that starts a mirror for the time of the test."""
    return lambda bad=None: serve(CONTENT, bad)


def cached():
    folder = cache_folder("mnist")
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def test_it_is_downloaded_once(mirror):
    server = mirror()
    for _ in range(2):
        data = load_mnist(mirrors=(server.address,))
        assert (len(data.train), len(data.test)) == (30, 10)
    assert sorted(server.asked) == sorted(FILES)
    assert cached() == sorted(FILES)
    assert find_mnist() == cache_folder("mnist")


def test_the_mirrors_can_be_named_in_the_environment(mirror, monkeypatch):
    server = mirror()
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", f"{DEAD} {server.address.rstrip('/')}")
    assert load_data("mnist").name == "mnist"


@pytest.mark.parametrize("bad", ["missing", "other contents", "cut short", "dead"])
def test_a_bad_first_mirror_is_passed_by(mirror, bad):
    first = DEAD if bad == "dead" else mirror(bad).address
    server = mirror()
    assert len(load_mnist(mirrors=(first, server.address)).train) == 30
    assert sorted(server.asked) == sorted(FILES)
    assert cached() == sorted(FILES)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("missing", "HTTPError"),
        ("other contents", "wrong contents"),
        ("cut short", r"ChunkedEncodingError|ConnectionError"),
        ("dead", "ConnectionError"),
    ],
)
def test_without_a_good_mirror_one_line_says_why_and_nothing_is_left(mirror, bad, reason):
    address = DEAD if bad == "dead" else mirror(bad).address
    told = rf"not on this machine and could not be downloaded \(127\.0\.0\.1:\d+: ({reason})"
    with pytest.raises(DataUnavailable, match=told) as caught:
        load_mnist(mirrors=(address,))
    message = str(caught.value)
    assert "\n" not in message
    assert "--data-dir or DIGITSCOPE_DATA" in message
    assert cached() == []
    # The bar of an interrupted download is removed.
    for thread in threading.enumerate():
        if type(thread).__module__.startswith("rich"):
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_no_name_falls_back_to_the_bundled_digits_and_says_so():
    data = load_data()
    assert data.name == "digits"
    assert "MNIST is not on this machine and could not be downloaded" in data.remark
    assert data.remark.endswith("The bundled digits are used instead.")
    assert "\n" not in data.remark


def test_mnist_by_name_never_falls_back():
    with pytest.raises(DataUnavailable):
        load_data("mnist")


def test_no_name_takes_mnist_where_it_can(mirror, monkeypatch):
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", mirror().address)
    data = load_data()
    assert (data.name, data.remark) == ("mnist", "")


def test_what_an_earlier_download_left_half_done_is_finished(mirror):
    folder = cache_folder("mnist")
    folder.mkdir(parents=True)
    names = list(FILES)
    (folder / names[0]).write_bytes(CONTENT[names[0]])
    (folder / names[1]).write_bytes(CONTENT[names[1]][:20])
    server = mirror()
    load_mnist(mirrors=(server.address,))
    assert sorted(server.asked) == sorted(names[1:])
    assert cached() == sorted(FILES)


def test_a_file_damaged_in_the_cache_is_taken_again(mirror):
    server = mirror()
    load_mnist(mirrors=(server.address,))
    damaged = cache_folder("mnist") / "t10k-labels-idx1-ubyte.gz"
    damaged.write_bytes(b"\0" + damaged.read_bytes()[1:])
    server.asked.clear()
    assert len(load_mnist(mirrors=(server.address,)).test) == 10
    assert server.asked == [damaged.name]
    # Without a mirror it is refused, not used.
    damaged.write_bytes(b"")
    with pytest.raises(DataUnavailable):
        load_mnist(mirrors=(DEAD,))


def test_unpacked_files_in_the_cache_are_used(mirror):
    folder = cache_folder("mnist")
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    assert len(load_mnist(mirrors=(DEAD,)).train) == 30


def test_several_at_once_all_get_it(mirror):
    server = mirror()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(load_mnist, mirrors=(server.address,)) for _ in range(4)]
        assert [len(job.result().train) for job in jobs] == [30] * 4
    assert cached() == sorted(FILES)


def test_a_full_disk_is_not_blamed_on_the_mirror(mirror, monkeypatch):
    server = mirror()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pooch.retrieve", full)
    with pytest.raises(OSError, match="No space left on device"):
        load_mnist(mirrors=(server.address,))
    assert server.asked == []


# Places where it may already be


def fill(folder):
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("inner", ["", "mnist"])
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_folder_is_named(tmp_path, monkeypatch, inner, by):
    fill(tmp_path / "data" / inner)
    if by == "environment":
        monkeypatch.setenv("DIGITSCOPE_DATA", str(tmp_path / "data"))
        data = load_data("mnist")
    else:
        data = load_data("mnist", tmp_path / "data")
    assert len(data.train) == 30
    assert str(tmp_path / "data" / inner).rstrip("/") in data.source


def test_a_named_folder_without_it_is_told_and_nothing_else_is_tried(tmp_path):
    fill(cache_folder("mnist"))
    with pytest.raises(DataUnavailable, match=r"MNIST is not in .*; expected train-images"):
        load_data(None, tmp_path)


def test_a_named_folder_with_a_damaged_file_is_told(tmp_path):
    folder = fill(tmp_path / "data")
    file = folder / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(BadData, match=r"t10k-images-idx3-ubyte\.gz is damaged or cut short"):
        load_data("mnist", folder)


def test_images_and_labels_of_different_counts_are_told(tmp_path):
    folder = fill(tmp_path / "data")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(CONTENT["train-labels-idx1-ubyte.gz"])
    with pytest.raises(BadData, match=r"t10k-images.*: 10 images but 30 labels"):
        load_data("mnist", folder)


def keras_copy(monkeypatch, content=None):
    file = Path.home() / ".keras" / "datasets" / "mnist.npz"
    file.parent.mkdir(parents=True)
    blank = {"x_train": (5, 28, 28), "y_train": 5, "x_test": (3, 28, 28), "y_test": 3}
    np.savez(file, **{name: np.zeros(shape, np.uint8) for name, shape in blank.items()})
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(mnist, "KERAS_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file


def test_keras_copy_is_accepted(monkeypatch):
    file = keras_copy(monkeypatch)
    data = load_data("mnist")
    assert (len(data.train), len(data.test)) == (5, 3)
    assert data.source == f"Keras's copy of MNIST, {file}"


def test_keras_copy_with_another_hash_is_not(monkeypatch):
    keras_copy(monkeypatch).write_bytes(b"changed")
    assert find_mnist() is None


def test_the_real_files_have_the_hashes_that_are_promised(mnist_folder, monkeypatch):
    monkeypatch.undo()  # the official hashes again
    folder = find_mnist(mnist_folder)
    assert {name: sha256(folder / name) for name in FILES} == FILES
