"""Peak memory of `digitscope.read`, in a process of its own: a full page, and a photograph.

    uv run python benchmarks/read_memory.py [--network FILE]

Both pictures have 12 megapixels: a page of 5,000 printed digits in 100 rows, and the photograph
of a page full of handwritten numbers (`read_speed.py`). The peak is the largest resident set of a
process that imports digitscope and reads one file. Three other peaks are
measured for comparison: of the import alone, of importing what reading needs and loading the
network, and of the network's own buffers, for an empty picture as large as the finest level.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from common import child, row, spread, write
from digitscope.reading import ReadingParameters
from read_speed import make_photo

PHOTO = "12 megapixels, full"  # of read_speed.PHOTOS
ROWS, COLUMNS = 100, 50  # digits of the full page
PITCH = (50, 48)  # pixels from digit to digit, down and across
TARGET = 300  # MB above an empty import

IMPORT = "import digitscope"
LOAD = """
import sys
from digitscope.reading import load_reader
network = load_reader(sys.argv[1] or None).page
"""
NETWORK = """
import numpy as np
side = int(float(sys.argv[2]) ** 0.5)
network.maps(np.full((side, side), 128, np.uint8))
"""
READ = """
import json, sys, time
import digitscope
started = time.perf_counter()
page = digitscope.read(sys.argv[2], model=sys.argv[1] or None)
print(json.dumps({"seconds": time.perf_counter() - started, "digits": len(page.digits)}))
"""


def make_page(file: Path) -> None:
    """Write a page of printed digits, 5,000 pixels high and 2,400 wide, as PNG."""
    page = np.full((ROWS * PITCH[0], COLUMNS * PITCH[1]), 230, np.uint8)
    digits = np.random.default_rng(0).integers(0, 10, (ROWS, COLUMNS))
    for (down, across), digit in np.ndenumerate(digits):
        # The left end of the baseline; the digits are 36 pixels high.
        place = (across * PITCH[1] + 8, down * PITCH[0] + 43)
        cv2.putText(page, str(digit), place, cv2.FONT_HERSHEY_SIMPLEX, 1.65, 40, 4, cv2.LINE_AA)
    Image.fromarray(page).save(file)


def measure(repeats: int, *arguments: str) -> dict[str, Any]:
    """Return time and memory of a process, over several runs."""
    runs = [child("-c", *arguments) for _ in range(repeats)]
    result: dict[str, Any] = {"peak_mb": spread([run["peak_mb"] for run in runs])}
    if "seconds" in runs[0]:
        result["seconds"] = spread([run["seconds"] for run in runs])
        result["digits"] = runs[0]["digits"]
    return result


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the pictures."""
    table = []
    for name, of in result.items():
        if "above_import_mb" in of:
            above = of["above_import_mb"]
            table.append(
                row(
                    f"peak memory of reading: {name}, above that of the import",
                    f"{above:.0f}",
                    unit="MB",
                    n=of["peak_mb"]["n"],
                    also=f"{of['digits']:,} digits read",
                    target=f"≤ {TARGET} MB",
                    met=above <= TARGET,
                )
            )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--network", metavar="FILE", default="", help="another page network")
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    pixels = str(ReadingParameters().max_pixels)
    with tempfile.TemporaryDirectory() as folder:
        files = {f"page of {ROWS * COLUMNS:,} digits": Path(folder) / "page.png"}
        make_page(*files.values())
        files["photograph"] = Path(folder) / "photo.jpg"
        make_photo(PHOTO, 0, files["photograph"])
        result = {
            "import": measure(options.repeats, IMPORT),
            "network loaded": measure(options.repeats, LOAD, options.network),
            "network alone": measure(options.repeats, LOAD + NETWORK, options.network, pixels),
        }
        for name, file in files.items():
            result[name] = measure(options.repeats, READ, options.network, str(file))
    empty = result["import"]["peak_mb"]["median"]
    for name in files:
        result[name]["above_import_mb"] = result[name]["peak_mb"]["max"] - empty
    if options.dry:
        print(json.dumps(result, indent=2))
    else:
        write("read-memory", result, rows(result), target_mb=TARGET)


if __name__ == "__main__":
    main()
