"""Input files of a command: names, folders, globs and standard input."""

import glob
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from digitscope.cli.common import make_bar
from digitscope.errors import BadImage, Misuse

STDIN = "-"


def expand(inputs: Sequence[str]) -> list[str]:
    """Return the named files, the files of globs, the pictures in folders, and ``-``.

    Raises
    ------
    Misuse
        When a file does not exist.
    BadImage
        When a folder has no pictures.
    """
    from digitscope.image.decode import SUFFIXES

    files: list[str] = []
    for name in inputs:
        path = Path(name)
        if name == STDIN or path.is_file():
            files.append(name)
        elif path.is_dir():
            found = sorted(str(f) for f in path.rglob("*") if f.suffix.lower() in SUFFIXES)
            if not found:
                raise BadImage(f"{name} has no pictures; expected {', '.join(sorted(SUFFIXES))}.")
            files += found
        elif path.exists():
            files.append(name)  # for example a named pipe
        elif matches := sorted(glob.glob(name, recursive=True)):  # noqa: PTH207 (any root)
            files += [match for match in matches if Path(match).is_file()]
        else:
            what = "nothing matches" if glob.has_magic(name) else "no such file or folder:"
            raise Misuse(f"{what} {name}")
    if files.count(STDIN) > 1:
        raise Misuse("standard input can be read only once; give - once.")
    return files


def open_input(name: str) -> Path | bytes:
    """Return the path of a file, or the bytes of standard input."""
    return sys.stdin.buffer.read() if name == STDIN else Path(name)


def with_progress(files: Sequence[str], *, least: int, doing: str) -> Iterator[str]:
    """Yield the files, with a progress bar on stderr if there are `least` of them or more.

    There is no bar if the answers are printed on the same terminal.
    """
    if len(files) < least or sys.stdout.isatty() or not sys.stderr.isatty():
        yield from files
        return
    with make_bar(doing) as bar:
        yield from bar.track(files, description="")
