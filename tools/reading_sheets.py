"""Draw the pictures that a reader got wrong, the worst first, with what was read over them.

    uv run python tools/reading_sheets.py sheets --readers digitscope --sets hard-dev equations

Readers, sets and options are those of ``benchmarks/reading.py``; no result is written.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from readers import Picture, Reading
from reading import get_ready, make_parser, read_set
from reading_sets import SETS, Item, Outcome, data_folder

SHOWN = 32  # worst pictures on a sheet
TILE = 420  # pixels; side of one picture on the sheet
CAPTION = 34  # pixels; height of the two lines of text beneath it
COLUMNS = 4
LARGEST = 6.0  # factor by which small pictures are enlarged at most
RED, BLACK = (210, 0, 0), (0, 0, 0)

Tile = NDArray[np.uint8]


@dataclass
class Sheets:
    """The worst pictures of one set, by reader.

    Attributes
    ----------
    folder : Path
        Where the sheets are written, as ``SET-READER.png``.
    most : int
        Pictures on one sheet.
    """

    folder: Path
    most: int
    wrong: dict[str, list[tuple[int, Item, Reading, Outcome]]] = field(default_factory=dict)

    def add(self, reader: str, item: Item, reading: Reading, outcome: Outcome) -> None:
        """Keep a picture if it is wrong and among the worst so far."""
        if outcome.right:
            return
        kept = self.wrong.setdefault(reader, [])
        kept.append((badness(outcome), item, reading, outcome))
        kept.sort(key=lambda one: -one[0])  # stable: of equals the first stays
        del kept[self.most :]

    def draw(self, title: str) -> None:
        """Write the sheet of each reader."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for reader, kept in self.wrong.items():
            tiles = [tile(item, reading, outcome) for _, item, reading, outcome in kept]
            rows = -(-len(tiles) // COLUMNS)
            sheet = np.full((rows * (TILE + CAPTION), COLUMNS * TILE, 3), 255, np.uint8)
            for i, one in enumerate(tiles):
                top, left = i // COLUMNS * (TILE + CAPTION), i % COLUMNS * TILE
                sheet[top : top + one.shape[0], left : left + one.shape[1]] = one
            Image.fromarray(sheet).save(self.folder / f"{title}-{reader}.png")


def badness(outcome: Outcome) -> int:
    """Return how many units are missing or invented.

    >>> badness(Outcome(False, 5, 3, 4))
    6
    """
    return outcome.wanted - outcome.found + outcome.invented


def tile(item: Item, reading: Reading, outcome: Outcome) -> Tile:
    """Return a picture with the numbers read in red, and what should be and is in a caption."""
    picture = in_colour(item.picture)
    height, width = picture.shape[:2]
    scale = min((TILE - 4) / max(height, width), LARGEST)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)
    drawn = np.full((TILE + CAPTION, TILE, 3), 255, np.uint8)
    drawn[: small.shape[0], : small.shape[1]] = small
    for text, box in reading.numbers:
        left, top, right, bottom = (round(edge * scale) for edge in box)
        cv2.rectangle(drawn, (left, top), (right, bottom), RED, 1)
        cv2.putText(drawn, text, (left, max(top - 2, 10)), 0, 0.45, RED, 1, cv2.LINE_AA)
    counts = f"{outcome.found}/{outcome.wanted}, {outcome.invented} too many"
    for row, words in enumerate((f"{item.name} {item.kind} {counts}", caption(outcome))):
        at = (2, TILE + 12 + 15 * row)
        cv2.putText(drawn, words, at, 0, 0.4, BLACK, 1, cv2.LINE_AA)
    return drawn


def caption(outcome: Outcome) -> str:
    """Return what there was and what was read."""
    return f"{outcome.truth or '-'} | {outcome.read or '-'}"[:62]


def in_colour(picture: Picture) -> Tile:
    """Return a picture as RGB, after its EXIF turn."""
    if isinstance(picture, Path):
        with Image.open(picture) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture


def main() -> None:
    """Read the sets and draw a sheet for each reader."""
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path, help="for the sheets, SET-READER.png")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    ready, _ = get_ready(options.readers, options.network)
    for title in options.sets:
        folder = SETS[title].folder
        if folder and not (data_folder() / folder).is_dir():
            print(f"left out: {title}: no {data_folder() / folder}", file=sys.stderr)
            continue
        sheets = Sheets(options.folder, SHOWN)
        read_set(SETS[title], ready, options, sheets.add)
        sheets.draw(title)


if __name__ == "__main__":
    main()
