"""The data sets of other writers: their parts, their labels, and files that are damaged."""

import numpy as np
import pytest

from digitscope.data import load_data, stroke_sets, summarise_data, swiss_digits
from digitscope.data.converted import in_mnist_form
from digitscope.data.places import cache_folder, read_arrays
from digitscope.errors import BadData, Misuse
from digitscope.image.digit import DIGITS
from digitscope.rendering.contact_sheet import choose_samples
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet
from stroke_files import stroke_arrays, write

LIKE_DIGITS = "oOlIqgbzZsSiBGD|.,'`"  # written like a digit, or hardly a mark
KINDS = ("digits", "upper", "lower", "symbols")


@pytest.fixture
def unipen(small_unipen):
    return small_unipen


@pytest.fixture
def pendigits(tmp_path):
    write(tmp_path, stroke_sets.PENDIGITS, stroke_arrays([str(i // 10 % 10) for i in range(200)]))
    return tmp_path


def swiss_arrays(writers=swiss_digits.WRITERS):
    n = 10 * len(writers)
    images = np.full((n, 30, 24), 255, np.uint8)
    images[:, 4:26, 9:13] = np.random.default_rng(0).integers(0, 90, (n, 1, 1))
    return {
        "images": images,
        "shapes": np.full((n, 2), (30, 24), np.uint8),
        "labels": np.tile(np.arange(10, dtype=np.uint8), len(writers)),
        "writers": np.repeat(writers, 10),
    }


@pytest.fixture
def swiss(tmp_path):
    write(tmp_path, swiss_digits.FILE, swiss_arrays())
    return tmp_path


# Parts


@pytest.mark.parametrize("name", ["swiss-digits", "pendigits", "unipen"])
def test_parts_cover_everything_once_and_the_originals_are_the_training_part(name, request):
    folder = request.getfixturevalue(name.partition("-")[0])
    data = load_data(name, folder)
    parts = data.parts()
    assert list(parts) == ["train", "validation", "test"]
    n = {"swiss-digits": 140, "pendigits": 200, "unipen": 400}[name]
    assert sum(map(len, parts.values())) == len(data.split("all")) == n
    assert all(min(part.counts()) > 0 for part in parts.values())
    assert isinstance(data.originals, ScanSet if name == "swiss-digits" else StrokeSet)
    assert data.originals.labels.tolist() == data.train.labels.astype(str).tolist()
    if name == "pendigits":
        assert data.train.writers is None
    else:
        writers = [set(part.writers) for part in parts.values()]
        assert len(set.union(*writers)) == sum(map(len, writers))  # nobody is in two parts
    if name == "unipen":
        assert set(data.originals.writers.astype(str)) == set(data.train.writers)
        tested = set(data.test.writers) | set(data.validation.writers)
        assert not set(data.other_originals.writers.astype(str)) & tested
        assert len(data.non_digits) == 3 * len(data.test)
        assert data.remark.endswith("so none is left out.")
    assert data.licence
    assert data.citation
    about = next(s for s in summarise_data(folder) if s.name == name)
    assert about == data.summary()  # told without drawing, and the same


def test_the_parts_of_the_swiss_digits(data_file):
    path = data_file(swiss_digits.FILE)
    crops, labels, writers = swiss_digits.read_scans(path)
    assert len(crops) == 8_371
    assert swiss_digits.fingerprint(crops, labels, writers) == swiss_digits.FINGERPRINT
    found = [w for names in swiss_digits.PARTS.values() for w in names]
    assert len(set(found)) == len(found) == 14
    for names in swiss_digits.PARTS.values():
        assert (np.bincount(labels[np.isin(writers, names)], minlength=DIGITS) > 100).all()


def test_the_parts_of_unipen(data_file):
    doubtful = stroke_sets._doubtful()
    labels, places, groups = {}, {}, {}
    for kind in KINDS:
        arrays = read_arrays(data_file(stroke_sets.UNIPEN.format(kind)), ("label", "group"))
        assert len(doubtful[kind]) == len(arrays["label"])
        labels[kind] = arrays["label"][~doubtful[kind]]
        groups[kind] = arrays["group"][~doubtful[kind]]
        places[kind] = stroke_sets._folds(groups[kind])
    for part in stroke_sets.PARTS.values():
        here = np.isin(places["digits"], part)
        assert set(labels["digits"][here]) == set("0123456789")
        others = groups["digits"][~here]
        assert not np.isin(
            groups["digits"][here] // stroke_sets.BLOCK, others // stroke_sets.BLOCK
        ).any()
    assert sorted(p for part in stroke_sets.PARTS.values() for p in part) == list(range(10))
    # What looks like a digit is not learned as a non-digit.
    for kind in KINDS[1:]:
        assert not set(labels[kind]) & set(LIKE_DIGITS)
        assert len(set(labels[kind])) > 10
    assert 0.98 < 1 - doubtful["digits"].mean() < 1


def test_pendigits_has_the_labels_of_its_authors_file(data_file):
    from digitscope.data.pen_text import COUNTS, MIN_POINTS

    digits = stroke_sets.read_digits(data_file(stroke_sets.PENDIGITS))
    counts = np.bincount(digits.labels.astype(int))
    assert (counts <= COUNTS).all()
    assert (counts >= np.array(COUNTS) - 7).all()
    assert np.diff(digits.stroke[digits.sample]).min() >= MIN_POINTS


RING = [[0.0, 0.0], [0.6, 0.0], [0.6, 1.0], [0.0, 1.0], [0.0, 0.0]]
SLASH = [[0.0, 0.9], [0.3, 0.5], [0.6, 0.1]]


@pytest.mark.parametrize(
    ("label", "lines", "slashed"),
    [
        ("0", [RING, SLASH], True),
        ("8", [RING, SLASH], False),
        ("0", [SLASH, RING], False),
        ("0", [SLASH], False),
        ("0", [RING, [[0.1, 0.4], [0.4, 0.4]]], False),  # too short
        ("0", [RING, [[0.0, 0.9], [0.6, 0.9], [0.6, 0.1]]], False),  # not straight
        ("0", [RING, [[0.3, 0.5]]], False),
    ],
)
def test_a_slashed_zero_ends_with_a_long_straight_stroke(label, lines, slashed):
    found = stroke_sets.slashed_zeros(StrokeSet.from_lines([lines], [label]))
    assert found.tolist() == [slashed]


def test_test_strokes_of_unipen_are_in_the_order_of_the_test_images(unipen):
    test, found = load_data("unipen", unipen).test, stroke_sets.unipen_test_strokes(unipen)
    assert found.labels.tolist() == test.labels.astype(str).tolist()
    assert found.writers.astype(str).tolist() == test.writers.tolist()


def test_the_slashed_zeros_of_unipen(data_file):
    path = data_file(stroke_sets.UNIPEN.format("digits"))
    assert stroke_sets.slashed_zeros(stroke_sets.read_digits(path)).sum() == 221
    tested = stroke_sets.unipen_test_strokes(path.parents[1])
    assert stroke_sets.slashed_zeros(tested).sum() == 90


# Files that are damaged or are others


@pytest.mark.parametrize("name", ["swiss-digits", "pendigits", "unipen"])
def test_a_damaged_file_is_named(name, request):
    folder = request.getfixturevalue(name.partition("-")[0])
    path = next(folder.rglob(f"*{'digits' if name == 'unipen' else name}.npz"))
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"PK no zip"):
        path.write_bytes(damaged)
        with pytest.raises(BadData, match=rf"{path.name} is damaged .*delete it") as caught:
            load_data(name, folder)
        assert "\n" not in str(caught.value)
        assert path.name in next(s.source for s in summarise_data(folder) if s.name == name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stroke": np.arange(401)}, r"pendigits\.npz: the offsets 'stroke' .* from 0 to 1000"),
        ({"sample": np.arange(200)}, r"pendigits\.npz: the offsets 'sample'"),
        ({"stroke": np.arange(401) / 2}, "stroke must be integers .* float64"),
        ({"stroke": np.array(0)}, r"stroke must be integers in 1 dimension.* int64 \(\)"),
        ({"points": np.zeros((1000, 3), int)}, r"points must have the shape \(p, 2\)"),
        ({"points": np.zeros((1000, 2))}, "points must be integers .* float64"),
        ({"label": np.array(["1"] * 199)}, "200 samples, 199 labels"),
        ({"label": np.arange(200)}, "label must be strings of shape .n,.. Received: int64"),
        ({"label": np.array(["1"] * 150 + ["12"] * 50)}, "0 to 9. Received: '12' for sample 150"),
        ({"label": np.array(["٣"] * 200)}, "labels must be 0 to 9"),
        ({"label": None}, "expected the arrays points, .*'label' is missing"),
    ],
)
def test_a_stroke_file_that_does_not_fit_is_refused(tmp_path, change, told):
    arrays = stroke_arrays(["1"] * 200) | change
    write(tmp_path, stroke_sets.PENDIGITS, {k: a for k, a in arrays.items() if a is not None})
    with pytest.raises(BadData, match=told) as caught:
        load_data("pendigits", tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_part_without_samples_is_told(tmp_path):
    write(tmp_path, stroke_sets.PENDIGITS, stroke_arrays(["1"] * 5))
    with pytest.raises(BadData, match=r"Received: 5 samples, none of them for validation"):
        load_data("pendigits", tmp_path)
    write(tmp_path, stroke_sets.PENDIGITS, stroke_arrays([]))
    with pytest.raises(BadData, match=r"Received: 0 samples, none of them for train"):
        load_data("pendigits", tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": np.full(140, 10, np.uint8)}, "labels must be 0 to 9. Received: 10 for image 0"),
        ({"labels": np.zeros(139, np.uint8)}, "140 images but 139 labels"),
        ({"shapes": np.full((140, 2), 31, np.uint8)}, r"shapes \(n, 2\) within them"),
        ({"shapes": np.zeros((140, 2), np.uint8)}, r"shapes \(n, 2\) within them"),
        ({"images": np.zeros((140, 30, 24))}, "expected images as uint8 .* float64"),
        ({"writers": np.array(["0001_CH4M"] * 9)}, "needs a writer. Received: 140 images"),
        ({"writers": np.array(["0001_CH4M"] * 140)}, "1 writers; missing: 0003_CH3M, 0004_CH4M"),
        ({"images": np.full((140, 30, 24), 255, np.uint8)}, "image 0: nothing is written on it"),
    ],
)
def test_a_file_of_scans_that_does_not_fit_is_refused(tmp_path, change, told):
    write(tmp_path, swiss_digits.FILE, swiss_arrays() | change)
    with pytest.raises(BadData, match=told) as caught:
        load_data("swiss-digits", tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_writer_nobody_knows_is_refused(tmp_path):
    arrays = swiss_arrays([*swiss_digits.WRITERS, "0099_CH4M"])
    write(tmp_path, swiss_digits.FILE, arrays)
    with pytest.raises(BadData, match="Received: 15 writers; unknown: 0099_CH4M"):
        load_data("swiss-digits", tmp_path)


def test_a_part_there_is_not_is_told(pendigits):
    data = load_data("pendigits", pendigits)
    with pytest.raises(Misuse, match=r"pendigits must be train, validation, test or all"):
        data.split("nope")


# Images that are kept in the form of MNIST


@pytest.fixture
def counted(monkeypatch):
    """Count how often a picture is put into the form of MNIST."""
    from digitscope.image import mnist_form

    calls, real = [], mnist_form.to_mnist

    def counted(picture):
        calls.append(1)
        return real(picture)

    monkeypatch.setattr(mnist_form, "to_mnist", counted)
    return calls


def test_images_are_converted_once(swiss, counted):
    first = load_data("swiss-digits", swiss).split("all").sha256()
    assert len(counted) == 140
    assert load_data("swiss-digits", swiss).split("all").sha256() == first
    assert len(counted) == 140


def test_kept_images_are_not_used_for_another_file(swiss, counted):
    first = load_data("swiss-digits", swiss).split("all").sha256()
    arrays = swiss_arrays()
    arrays["images"][77, 10:20, 3:6] = 0
    write(swiss, swiss_digits.FILE, arrays)
    assert load_data("swiss-digits", swiss).split("all").sha256() != first
    assert len(counted) == 280
    assert len(list((cache_folder() / "converted").iterdir())) == 1  # the older ones are gone


def test_kept_images_are_not_used_after_a_change_of_the_code(swiss, counted, monkeypatch):
    load_data("swiss-digits", swiss)
    monkeypatch.setattr("digitscope.data.converted._code_hash", lambda: "other code")
    load_data("swiss-digits", swiss)
    assert len(counted) == 280


def test_kept_images_that_are_damaged_are_made_anew(swiss, counted):
    first = load_data("swiss-digits", swiss).split("all").sha256()
    kept = next((cache_folder() / "converted").iterdir())
    kept.write_bytes(kept.read_bytes()[:100])
    assert load_data("swiss-digits", swiss).split("all").sha256() == first
    assert len(counted) == 280


def test_without_a_cache_images_are_converted_each_time(swiss, counted, monkeypatch):
    monkeypatch.setenv("DIGITSCOPE_CACHE", str(swiss / swiss_digits.FILE))  # a file, no folder
    path = swiss / swiss_digits.FILE
    crops = swiss_digits.read_scans(path)[0]
    assert in_mnist_form(crops, path).shape == (140, 28, 28)


# What is shown


def test_samples_of_a_sheet_are_a_row_for_each_writer(swiss, pendigits):
    data = load_data("swiss-digits", swiss)
    rows, titles = choose_samples(data.train)
    assert titles == list(swiss_digits.TRAIN)
    assert rows.shape == (9, 20)
    for row, writer in zip(rows, titles, strict=True):
        assert set(data.train.writers[row[row >= 0]]) == {writer}
        assert data.train.labels[row[::2]].tolist() == list(range(10))
    rows, titles = choose_samples(load_data("pendigits", pendigits).train)
    assert titles == []
    assert rows.shape == (10, 20)
    assert (rows[:, 16:] == -1).all()  # there are 16 of each
