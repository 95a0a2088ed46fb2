"""The fonts of printed characters.

By default these are Pillow's default font (Aileron) and the text fonts that come with Matplotlib.
The environment variable ``DIGITSCOPE_FONTS`` names a folder with more font files; its subfolder
``hands`` holds fonts that imitate handwriting. ``tools/fonts`` fills both.
"""

import functools
import os
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from digitscope.errors import Misuse

OWN = ""  # the name of Pillow's default font
# Matplotlib's fonts for text; its others hold symbols for formulas.
TEXT = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmr10", "cmss10", "cmtt10")
SUFFIXES = {".ttf", ".otf", ".woff", ".woff2"}
HANDS = "hands"  # subfolder of the fonts that imitate handwriting
SIZE = 96  # font size of printed characters, in pixels

Font = ImageFont.FreeTypeFont


def find_fonts(folder: Path | None = None) -> tuple[str, ...]:
    """Return the available fonts as the paths of their files; the first is `OWN`.

    Parameters
    ----------
    folder : Path, optional
        A folder with more font files; by default the one named by ``DIGITSCOPE_FONTS``, if any.

    Raises
    ------
    Misuse
        When the folder holds no font.

    Examples
    --------
    >>> find_fonts()[0] == OWN
    True
    """
    fonts = [OWN, *map(str, _of_matplotlib())]
    named = folder or _named_folder()
    if named:
        more = _in_folder(named)
        if not more:
            raise Misuse(f"{named} holds no fonts; expected {', '.join(sorted(SUFFIXES))} files.")
        fonts += more
    return tuple(fonts)


def find_handwriting_fonts() -> tuple[str, ...]:
    """Return the fonts that imitate handwriting, as the paths of their files.

    They are in the subfolder ``hands`` of the folder named by ``DIGITSCOPE_FONTS``; without that
    variable there are none.
    """
    named = _named_folder()
    return tuple(_in_folder(named / HANDS)) if named else ()


def _named_folder() -> Path | None:
    return Path(env) if (env := os.environ.get("DIGITSCOPE_FONTS")) else None


def _in_folder(folder: Path) -> list[str]:
    return sorted(str(p) for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)


def _of_matplotlib() -> list[Path]:
    spec = find_spec("matplotlib")  # found, but not imported
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    faces = ("", "-Bold", "-Oblique", "-Italic", "Bol", "Italic")
    files = [folder / f"{family}{face}.ttf" for family in TEXT for face in faces]
    return [file for file in files if file.is_file()]


@functools.lru_cache(maxsize=512)
def load_font(name: str, size: int = SIZE) -> Font:
    """Return the font of a path that `find_fonts` returned.

    Raises
    ------
    Misuse
        When the file cannot be read as a font.
    """
    try:
        return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)  # type: ignore[return-value]
    except OSError as error:
        raise Misuse(
            f"{name} cannot be read as a font ({error}); remove it from the folder."
        ) from None
