"""How other writers' digits are downloaded, checked and kept, from servers on this machine."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from digitscope.data import load_data, pen_text, swiss_digits
from digitscope.data.places import cache_folder
from digitscope.errors import BadData, DataUnavailable
from digitscope.synthesis.recorded_strokes import StrokeSet

ROOT = "anagnostes-1/src/main/resources/numbers"
ARCHIVE, TEXT, TREE = swiss_digits.ARCHIVE.name, pen_text.TEXT.name, pen_text.TREE.name


def cached():
    folder = cache_folder()
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# Swiss digits


def make_scans(each=2, writers=swiss_digits.WRITERS):
    """Scans by (writer, digit, file): a bar on light paper, in sizes of their own."""
    rng = np.random.default_rng(7)
    scans = {}
    for writer in writers:
        for digit in range(10):
            for k in range(each):
                scan = np.full((30 + rng.integers(9), 20 + rng.integers(9)), 250, np.uint8)
                scan[5:25, 8 : 11 + digit % 3] = rng.integers(0, 90)
                scans[writer, str(digit), f"number-{3 + 9 * k}.png"] = scan  # 3, 12: 12 comes first
    return scans


def pack(scans):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for (writer, digit, file), scan in scans.items():
            picture = io.BytesIO()
            Image.fromarray(scan).save(picture, "PNG")
            member = tarfile.TarInfo(f"{ROOT}/{writer}/{digit}/{file}")
            member.size = picture.tell()
            archive.addfile(member, io.BytesIO(picture.getvalue()))
        archive.addfile(tarfile.TarInfo(f"{ROOT}/README"), io.BytesIO())
    return stream.getvalue()


def fingerprint(scans):
    lines = sorted(
        f"{w} {d} {s.shape[0]} {s.shape[1]} {hashlib.sha256(s.tobytes()).hexdigest()}\n"
        for (w, d, _), s in scans.items()
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def scans(monkeypatch):
    found = make_scans()
    monkeypatch.setattr(swiss_digits, "FINGERPRINT", fingerprint(found))
    return found


def test_the_scans_are_downloaded_once(scans, serve, monkeypatch):
    held_out = make_scans(1, ["0099_CH4M"])  # one of those that are kept apart
    server = serve({ARCHIVE: pack(held_out | dict(reversed(scans.items())))})
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", server.address)
    first = load_data("swiss-digits")
    again = load_data("swiss-digits")
    assert server.asked == [ARCHIVE]
    assert first.split("all").sha256() == again.split("all").sha256()
    assert set(first.split("all").writers) == set(swiss_digits.WRITERS)
    assert len(first.split("all")) == len(scans) == 14 * 20
    kept = cache_folder() / swiss_digits.FILE
    crops, labels, writers = swiss_digits.read_scans(kept)
    for crop, label, writer, key in zip(crops, labels, writers, sorted(scans), strict=True):
        assert (writer, str(label)) == key[:2]
        assert (crop == scans[key]).all()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("missing", "HTTPError"),
        ("server error", "HTTPError"),
        ("other contents", "wrong contents: .* is damaged or cut short"),
        ("cut short", "ChunkedEncodingError|ConnectionError"),
    ],
)
def test_a_bad_server_is_told_in_one_line_and_nothing_is_left(
    scans, serve, monkeypatch, bad, reason
):
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", serve({ARCHIVE: pack(scans)}, bad).address)
    told = rf"swiss-digits is not .* could not be downloaded \(127\.0\.0\.1:\d+: ({reason})"
    with pytest.raises(DataUnavailable, match=told) as caught:
        load_data("swiss-digits")
    assert "\n" not in str(caught.value)
    assert "Put swiss-digits/swiss-digits.npz into a folder" in str(caught.value)
    assert cached() == []


def change_a_pixel(scans):
    scans["0003_CH3M", "7", "number-3.png"][0, 0] ^= 1


def leave_a_writer_out(scans):
    for key in [key for key in scans if key[0] == "0013_CH3M"]:
        del scans[key]


def change_a_label(scans):
    scans["0003_CH3M", "1", "number-99.png"] = scans.pop(("0003_CH3M", "7", "number-3.png"))


@pytest.mark.parametrize(
    ("corrupt", "reason"),
    [
        (change_a_pixel, r"expected scans with the fingerprint .* Received: 280 scans"),
        (change_a_label, r"expected scans with the fingerprint"),
        (leave_a_writer_out, r"expected the 14 writers .* Received: 13 .*missing: 0013_CH3M"),
    ],
)
def test_an_archive_of_other_scans_is_refused(scans, serve, monkeypatch, corrupt, reason):
    corrupt(scans)
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", serve({ARCHIVE: pack(scans)}).address)
    with pytest.raises(DataUnavailable, match=reason):
        load_data("swiss-digits")
    assert cached() == []


def test_the_next_mirror_is_tried_when_the_first_has_other_scans(scans, serve, monkeypatch):
    good = pack(scans)
    change_a_pixel(scans)
    servers = [serve({ARCHIVE: content}) for content in (pack(scans), good)]
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", " ".join(s.address for s in servers))
    assert len(load_data("swiss-digits").split("all")) == 280
    assert [len(server.asked) for server in servers] == [1, 1]


@pytest.mark.parametrize("cut", [0.01, 0.3, 0.9])
def test_a_truncated_archive_is_bad_data(scans, tmp_path, cut):
    content = pack(scans)
    (tmp_path / ARCHIVE).write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(BadData, match=r"anagnostes.*is damaged or cut short"):
        swiss_digits.read_archive(tmp_path / ARCHIVE)


@pytest.mark.parametrize("at", [0.0, 0.3, 0.6])
def test_a_damaged_archive_is_bad_data(scans, tmp_path, at):
    content = bytearray(pack(scans))
    first = int(len(content) * at)
    content[first : first + 64] = b"\xff" * 64
    (tmp_path / ARCHIVE).write_bytes(content)
    with pytest.raises(BadData, match=r"anagnostes.*is damaged or cut short"):
        swiss_digits.read_archive(tmp_path / ARCHIVE)


def test_a_process_that_is_killed_leaves_nothing_in_the_cache(scans, serve, monkeypatch):
    server = serve({ARCHIVE: pack(scans)}, "stalls")
    code = "from digitscope.data import load_data; load_data('swiss-digits')"
    mirrors = {"DIGITSCOPE_MIRRORS": server.address}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | mirrors, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not server.asked and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)  # half of it has come
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert server.asked == [ARCHIVE]
    assert cached() == []


def test_a_full_disk_leaves_nothing_in_the_cache(scans, serve, monkeypatch):
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", serve({ARCHIVE: pack(scans)}).address)

    def full(path, **arrays):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez_compressed", full)
    with pytest.raises(OSError, match="No space left on device"):
        load_data("swiss-digits")
    assert cached() == []


def test_a_named_folder_comes_first_and_then_the_cache(scans, tmp_path, serve, monkeypatch):
    server = serve({ARCHIVE: pack(scans)})
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", server.address)
    load_data("swiss-digits")
    mine = tmp_path / "mine" / swiss_digits.FILE
    mine.parent.mkdir(parents=True)
    (cache_folder() / swiss_digits.FILE).rename(mine)
    assert str(mine) in load_data("swiss-digits", tmp_path / "mine").source
    assert len(server.asked) == 1
    assert str(cache_folder()) in load_data("swiss-digits", tmp_path / "nothing").source
    assert len(server.asked) == 2  # neither there nor in the cache


# pendigits

SHAPES = {  # y upwards: a sample is wider or higher than the other
    0: [[(10, 10), (10, 210), (110, 210), (110, 10), (10, 10)]],
    1: [[(50, 300), (50, 100)], [(40, 100), (60, 100)]],
}


def stroke_text(lines):
    return "".join(
        ".PEN_DOWN\n" + "".join(f"  {x}   {y} \n" for x, y in line) + ".PEN_UP\n.DT 100\n"
        for line in lines
    )


def sample_text(digit, lines):
    return f'.SEGMENT DIGIT ? "{digit}"\n.COMMENT  {digit} 7 42\n' + stroke_text(lines)


def dense(line, n=9):
    """The line with n points on each of its parts."""
    points = np.array(line, float)
    parts = [np.linspace(a, b, n)[:-1] for a, b in pairwise(points)]
    return np.vstack([*parts, points[-1:]]).round().astype(int).tolist()


def make_text(n=30):
    """Digits 0 to 9 in turn, of two shapes, and one dot that is a slip of the pen."""
    body = "".join(sample_text(i % 10, [dense(line) for line in SHAPES[i % 2]]) for i in range(n))
    return (".VERSION 1.0\n.X_DIM 500\n" + sample_text(3, [[(5, 5), (6, 5)]]) + body).encode()


def make_tree(content, sha=None):
    sha = sha or hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return json.dumps({"tree": [{"path": pen_text.IN_REPOSITORY, "sha": sha}]}).encode()


@pytest.fixture
def text(monkeypatch):
    counts = [3] * 10
    counts[3] = 4
    monkeypatch.setattr(pen_text, "COUNTS", tuple(counts))
    return make_text()


def test_pendigits_is_downloaded_once(text, serve, monkeypatch):
    server = serve({TEXT: text, TREE: make_tree(text)})
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", server.address)
    for _ in range(2):
        data = load_data("pendigits")
        assert len(data.split("all")) == 30  # without the slip of the pen
    assert sorted(server.asked) == sorted([TEXT, TREE])
    assert cached() == ["strokes/pendigits.npz"]
    assert isinstance(data.originals, StrokeSet)
    assert data.split("all").writers is None


def test_samples_are_scaled_and_thinned(text, tmp_path):
    (tmp_path / TEXT).write_bytes(text)
    (tmp_path / TREE).write_bytes(make_tree(text))
    arrays = pen_text.convert(tmp_path)
    assert {name: array.dtype.str for name, array in arrays.items()} == {
        "points": "<i2",
        "stroke": "<i4",
        "sample": "<i4",
        "label": "<U1",
    }
    assert arrays["label"].tolist() == [str(i % 10) for i in range(30)]
    assert np.diff(arrays["sample"]).tolist() == [1, 2] * 15
    one = arrays["points"][arrays["stroke"][1] : arrays["stroke"][3]]
    assert one.max(axis=0).tolist() == [100, 1000]
    assert one[0].tolist() == [50, 1000]  # y upwards: it begins at the top
    assert one[-1].tolist() == [100, 0]
    steps = np.abs(np.diff(one[:9], axis=0)).max(axis=1)
    assert (steps >= pen_text.STEP).all()


def test_points_that_lie_close_are_left_out_but_never_the_last():
    line = [(0, y) for y in range(0, 1001, 5)] + [(0, 1001)]
    samples = [("1", [np.array(line)])]
    points = pen_text.pack(samples)["points"]
    assert points[-1].tolist() == [0, 1000]
    steps = np.abs(np.diff(points, axis=0)).max(axis=1)
    assert (steps[:-1] >= pen_text.STEP).all()
    assert len(points) < len(line) / 2


@pytest.mark.parametrize(
    ("corrupt", "reason"),
    [
        (
            lambda t: (t[:-9], make_tree(t)),
            r"expected the git hash \w{40}\. Received: [\d,]+ bytes",
        ),
        (lambda t: (t, b"[]"), r"pendigits-shiny\.json must be a list of the repository's files"),
        (lambda t: (t, b"<html>"), r"must be a list of the repository's files"),
        (lambda t: (t, b'{"tree": []}'), r"must be a list of the repository's files"),
        (
            lambda t: (make_text(29), make_tree(make_text(29))),
            r"expected 31 samples.*Received: 30, \(3, 3, 3, 4, 3, 3, 3, 3, 3, 2\)",
        ),
        (
            lambda t: (t + b".PEN_DOWN\n 7 x\n", make_tree(t + b".PEN_DOWN\n 7 x\n")),
            r"line \d+: expected two whole numbers, x and y\. Received: ' 7 x'",
        ),
        (
            lambda t: (b".PEN_DOWN\n" + t, make_tree(b".PEN_DOWN\n" + t)),
            r"line 1: expected \.SEGMENT before the first stroke",
        ),
        (
            lambda t: (t + b".SEGMENT\n", make_tree(t + b".SEGMENT\n")),
            r"expected \.SEGMENT DIGIT \? \"label\"",
        ),
    ],
)
def test_another_text_is_refused_and_nothing_is_left(text, serve, monkeypatch, corrupt, reason):
    content, tree = corrupt(text)
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", serve({TEXT: content, TREE: tree}).address)
    with pytest.raises(DataUnavailable, match=reason) as caught:
        load_data("pendigits")
    assert "\n" not in str(caught.value)
    assert cached() == []


# UNIPEN


def test_unipen_is_not_downloaded_and_the_error_says_what_to_do(serve, monkeypatch):
    server = serve({})
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", server.address)
    with pytest.raises(DataUnavailable) as caught:
        load_data("unipen")
    message = str(caught.value)
    assert "\n" not in message
    for words in (
        "strokes/unipen-digits.npz",
        "train_r01_v07",
        "zenodo.org/records/1195803",
        "digitscope train cnn --sources swiss-digits --sources pendigits",
    ):
        assert words in message
    assert server.asked == []
