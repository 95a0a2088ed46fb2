"""digitscope's own way to read a page; imports nothing that it does not need itself."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

ReadPage: TypeAlias = Callable[[Any], Any]  # a path or an array -> a Page


class NotHere(Exception):
    """A reader cannot run in this environment; the message says what is missing."""


def load_reading(network: str | None = None, *, second_look: bool = True) -> ReadPage:
    """Return `digitscope.read` on one thread.

    Parameters
    ----------
    network : str, optional
        An ``.onnx`` file of a page network or a glyph network; the package's own unless given.
    second_look : bool
        Whether the glyph network looks again at doubtful digits.

    Raises
    ------
    NotHere
        When there is no such network.
    """
    from digitscope.errors import BadModel
    from digitscope.reading import Reader, load_reader, read

    try:
        made = load_reader(network, threads=1)
    except BadModel as error:
        raise NotHere(f"{error} Name a file with --network.") from None
    return partial(read, model=made if second_look else Reader(made.page, None))
