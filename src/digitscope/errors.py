"""Exceptions of digitscope, as one tree.

::

                     exit code, HTTP
    DigitscopeError          1  500  base class of all others
    ├── Misuse               2  422  an invalid option, name or argument
    ├── BadImage             1  422  not a picture, or an array of another dtype or shape
    │   └── NoInk            1  422  a picture on which nothing is written
    ├── BadData              1  500  a data file or folder that is damaged or inconsistent
    ├── DataUnavailable      1  503  a data set or service that cannot be reached
    ├── BadModel             1  422  not a model file, or a model of another kind
    ├── BadRun               1  500  not a run folder, or a run that cannot be resumed
    ├── TrainingFailed       1  500  the training failed, e.g. the loss is not finite
    └── MissingExtra         1  500  an optional dependency is not installed; see extras.py

Every message says on one line what was expected, what was received, and what to do.
"""

import difflib
from collections.abc import Iterable


class DigitscopeError(Exception):
    """Base class of all exceptions that digitscope raises for errors of users, files and data."""

    exit_code = 1
    http_status = 500


class Misuse(DigitscopeError, ValueError):
    """An invalid option, name or argument."""

    exit_code = 2
    http_status = 422


class BadImage(DigitscopeError, ValueError):
    """Not a picture, or an array of another dtype or shape than expected."""

    http_status = 422


class NoInk(BadImage):
    """A picture on which nothing is written."""


class BadData(DigitscopeError, ValueError):
    """A data file or folder that is damaged, empty or inconsistent."""


class DataUnavailable(DigitscopeError):
    """A data set, database or cluster that cannot be reached or downloaded."""

    http_status = 503


class BadModel(DigitscopeError, ValueError):
    """Not a model file, or a model with other inputs or outputs than expected."""

    http_status = 422


class BadRun(DigitscopeError, ValueError):
    """Not a run folder, or a run that cannot be resumed."""


class TrainingFailed(DigitscopeError):
    """The training failed; the run folder keeps the last checkpoint."""


class MissingExtra(DigitscopeError, ImportError):
    """An optional dependency of digitscope is not installed."""


def one_line(error: BaseException) -> str:
    r"""Return the message of an exception on one line of at most 200 characters.

    >>> one_line(ValueError("no such\n  file"))
    'no such file'
    """
    message = str(error)
    if isinstance(error, OSError) and error.strerror:  # without the error number
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(message.split())[:200] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the most similar known word, or an empty string.

    >>> did_you_mean("clasic", ["classic", "mlp"])
    " Did you mean 'classic'?"
    >>> did_you_mean("banana", ["classic", "mlp"])
    ''
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
