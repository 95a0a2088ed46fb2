"""Decoding of pictures, from a file, bytes or memory, to one gray plane.

Pillow decodes. This module converts colour to luminance, applies the EXIF orientation, replaces
transparency by paper, reduces 16 bits to 8, takes the first frame of an animation, and refuses
pictures with too many pixels before they are decoded.
"""

import io
import math
import warnings
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from digitscope.errors import BadImage

Gray: TypeAlias = NDArray[np.uint8]  # (height, width), 0 = black, 255 = white

MAX_PIXELS = 80_000_000  # more than a photo of a phone has; larger ones may exhaust the memory
# Decoders for files from untrusted sources: Pillow has forty more, one of which starts
# Ghostscript. The first five are those that `Image.preinit` loads.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm"]
)


def read_gray(picture: str | Path | bytes | Image.Image | NDArray[Any]) -> Gray:
    """Return a picture as uint8 of shape (height, width), 0 = black, 255 = white.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        Arrays are uint8 of shape (height, width), or (height, width, 3 or 4) in RGB(A) order.

    Raises
    ------
    BadImage
        When it cannot be decoded, is truncated, or has more than 80 million pixels.

    Examples
    --------
    >>> read_gray(np.full((2, 3, 3), 255, np.uint8)).shape
    (2, 3)
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture)
    name = str(picture) if isinstance(picture, str | Path) else "the picture"
    try:
        with warnings.catch_warnings():
            # Pillow warns of errors that do not stop it, such as a damaged EXIF block.
            warnings.simplefilter("ignore")
            if isinstance(picture, Image.Image):
                return _from_pillow(picture, name)
            Image.preinit()  # without it, Pillow loads all of its decoders for an unknown suffix
            source = io.BytesIO(picture) if isinstance(picture, bytes) else Path(picture)
            with Image.open(source, formats=FORMATS) as image:
                return _from_pillow(image, name)
    except FileNotFoundError:
        raise BadImage(f"no such file: {name}") from None
    except IsADirectoryError:
        raise BadImage(f"{name} is a folder, not a picture.") from None
    except UnidentifiedImageError:
        raise BadImage(
            f"{name} is not a picture; expected PNG, JPEG, TIFF, BMP, GIF, WebP or PPM."
        ) from None
    except Image.DecompressionBombError:
        raise BadImage(_too_large(name)) from None
    except BadImage:
        raise
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise BadImage(f"{name} cannot be decoded: {error or 'it is damaged'}.") from None


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS:,} pixels; scale it down or crop it first."


def _from_pillow(image: Image.Image, name: str) -> Gray:
    if image.width * image.height > MAX_PIXELS:
        raise BadImage(_too_large(name))
    if not (image.width and image.height):
        raise BadImage(f"{name} has no pixels: it is {image.width}×{image.height}.")
    image.seek(0) if getattr(image, "is_animated", False) else None
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _to_8_bits(np.asarray(image))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0))
    if "A" in image.getbands() or "transparency" in image.info:
        return _over_paper(np.asarray(image.convert("RGBA")))
    if image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _from_array(array: NDArray[Any]) -> Gray:
    if array.dtype == np.uint8 and array.size:
        if array.ndim == 2:
            return array
        if array.ndim == 3 and array.shape[2] in (3, 4):
            return _from_pillow(Image.fromarray(array), "the array")
    raise BadImage(
        f"a picture as an array must be uint8 of shape (height, width) or (height, width, 3 or 4). "
        f"Received: {array.dtype} {array.shape}."
    )


def _to_8_bits(values: NDArray[Any]) -> Gray:
    """Return 16-bit or float samples scaled to 8 bits; integers up to 255 do not change."""
    values = np.nan_to_num(values.astype(np.float64))
    top = values.max()
    # Scanners store 10, 12 or 14 bits in 16: full scale is the next 2^k - 1, with k at least 8.
    full = 1.0 if top <= 1 else 2.0 ** max(8, math.ceil(math.log2(top + 1))) - 1
    return (values.clip(0) * (255.0 / full)).round().astype(np.uint8)


def _over_paper(rgba: NDArray[np.uint8]) -> Gray:
    """Return a transparent picture on white paper, or on black paper if its ink is light."""
    gray = np.asarray(Image.fromarray(rgba).convert("RGB").convert("L")).astype(np.float64)
    alpha = rgba[..., 3] / 255.0
    drawn = float((gray * alpha).sum() / max(alpha.sum(), 1e-9))
    paper = 0.0 if drawn > 127 and alpha.mean() < 0.9 else 255.0
    return (gray * alpha + paper * (1 - alpha)).round().astype(np.uint8)
