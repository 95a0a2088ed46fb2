"""The same images in every form that a batch can be read from."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FORMS = (
    "idx", "idx.gz", "npy", "npz", "npz deflated", "parquet pixels", "parquet lists",
    "parquet png", "parquet struct", "folder", "zip", "tar", "tar.gz", "two tars",
)  # fmt: skip


def png(image):
    """Return an image, 0 = paper, as the bytes of a PNG with dark ink."""
    stream = io.BytesIO()
    Image.fromarray(255 - image).save(stream, "PNG")
    return stream.getvalue()


def write_source(folder, form, images):
    """Write images in a form; return the path of the source."""
    folder.mkdir(exist_ok=True)
    if form.startswith("parquet"):
        return _write_parquet(folder / "images.parquet", form.split()[1], images)
    if form in ("idx", "idx.gz"):
        header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in images.shape)
        content = header + images.tobytes()
        path = folder / f"images.{form}"
        path.write_bytes(gzip.compress(content) if form.endswith("gz") else content)
        return path
    if form == "npy":
        np.save(folder / "images.npy", images)
        return folder / "images.npy"
    if form.startswith("npz"):
        save = np.savez_compressed if "deflated" in form else np.savez
        save(folder / "images.npz", labels=np.arange(len(images)), some=images)
        return folder / "images.npz"
    files = {f"{k % 2}/{k:03d}.png": png(image) for k, image in enumerate(images)}
    files = dict(sorted(files.items())) | {"notes.txt": b"no picture"}
    if form == "folder":
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return folder
    if form == "zip":
        with zipfile.ZipFile(folder / "images.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return folder / "images.zip"
    if form == "two tars":
        half = len(files) // 2
        _write_tar(folder / "a.tar", dict(list(files.items())[:half]))
        _write_tar(folder / "b.tar", dict(list(files.items())[half:]))
        return folder
    return _write_tar(folder / f"images.{form}", files)


def order_of(form, n):
    """Return in which order a form holds the images: folders are read by name."""
    if form in ("folder", "zip", "tar", "tar.gz", "two tars"):
        return sorted(range(n), key=lambda k: (k % 2, k))
    return list(range(n))


def _write_parquet(path, form, images):
    rows = {
        "pixels": [image.tobytes() for image in images],
        "lists": [image.ravel().tolist() for image in images],
        "png": [png(image) for image in images],
        "struct": [{"bytes": png(image), "path": None} for image in images],
    }[form]
    kind = pa.list_(pa.uint8()) if form == "lists" else None
    names = [f"n{k}" for k in range(len(images))]
    table = pa.table({"id": names, "image": pa.array(rows, kind)})
    pq.write_table(table, path, row_group_size=7)
    return path


def _write_tar(path, files):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path
