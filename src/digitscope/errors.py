"""What can go wrong, as one small tree.

::

                     exit code, HTTP
    DigitscopeError          1  500  anything below; catch this one to catch them all
    ├── Misuse               2  422  an option, name or argument that makes no sense
    ├── BadImage             1  422  not a picture, or not in the form that was asked for
    │   └── NoInk            1  422  a picture, but nothing is written on it
    ├── BadData              1  500  a data file or folder that is damaged or inconsistent
    ├── DataUnavailable      1  503  a data set that is neither here nor to be had
    ├── BadModel             1  422  a model file that is none, or wants other input
    ├── BadRun               1  500  a run folder that is none, or cannot go on
    ├── TrainingFailed       1  500  the fit itself broke down, e.g. the loss is not finite
    └── MissingExtra         1  500  an optional part of digitscope is not installed; see extras.py

Every message says what was expected, what came and what to do about it, on one line.
"""

import difflib
from collections.abc import Iterable


class DigitscopeError(Exception):
    """Base of every error that digitscope raises on purpose."""

    exit_code = 1
    http_status = 500


class Misuse(DigitscopeError, ValueError):
    """An option, a name or an argument that makes no sense."""

    exit_code = 2
    http_status = 422


class BadImage(DigitscopeError, ValueError):
    """Not a picture, or not one in the form that was asked for."""

    http_status = 422


class NoInk(BadImage):
    """A picture on which nothing is written."""


class BadData(DigitscopeError, ValueError):
    """A data file or folder that is damaged, empty or inconsistent."""


class DataUnavailable(DigitscopeError):
    """A data set that is neither on this machine nor to be had from the network."""

    http_status = 503


class BadModel(DigitscopeError, ValueError):
    """A model file that is none, or that wants another input than digit images."""

    http_status = 422


class BadRun(DigitscopeError, ValueError):
    """A folder that is not a run, or a run that cannot go on."""


class TrainingFailed(DigitscopeError):
    """The fit broke down; whatever was good before is kept in the run's folder."""


class MissingExtra(DigitscopeError, ImportError):
    """An optional part of digitscope is not installed."""


def one_line(error: BaseException) -> str:
    r"""Return what an exception says, on one line of at most 200 characters.

    >>> one_line(ValueError("no such\n  file"))
    'no such file'
    """
    said = str(error)
    if isinstance(error, OSError) and error.strerror:  # without Python's number of the error
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(said.split())[:200] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or an empty string.

    >>> did_you_mean("clasic", ["classic", "mlp"])
    " Did you mean 'classic'?"
    >>> did_you_mean("banana", ["classic", "mlp"])
    ''
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
