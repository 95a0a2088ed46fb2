"""What a lesson tells: plain values, from which text, Markdown and HTML are made."""

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.rendering.wording import NBSP, power_of_ten


def setting(default: Any, about: str) -> Any:
    """Return a field of a lesson's settings: its default, and what it is."""
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Table:
    """Rows of text under a caption; the first column is named, the others are numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        lengths = {len(self.columns), *map(len, self.rows)}
        if len(lengths) != 1:
            raise ValueError(f"rows of {sorted(lengths)} columns in the table {self.caption!r}")


@dataclass(frozen=True)
class LessonFigure:
    """A figure, under the name of its file; its title is its finding.

    `reading` says in a sentence or two how to look at it.
    """

    name: str
    figure: Figure
    reading: str


@dataclass(frozen=True)
class Check:
    """A claim, with the numbers of this run in it, and whether they bear it out."""

    claim: str
    holds: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds", bool(self.holds))  # not NumPy's, which JSON refuses


@dataclass(frozen=True)
class Formula:
    """A formula in LaTeX, and what it says in words (Markdown)."""

    latex: str
    words: str


@dataclass(frozen=True)
class Exercise:
    """Something to change, and what to look for; `changes` are settings: ``rate=0.1``."""

    text: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LessonText:
    """What a lesson tells after its experiment; texts are Markdown.

    Attributes
    ----------
    experiment : str
        What is measured: data, networks, seeds, what varies.
    figures : tuple of LessonFigure
    tables : tuple of Table
    finding : str
        One or two sentences with this run's numbers, without markup.
    seen : str
        What there is to see, and why it is so; paragraphs.
    checks : tuple of Check
        Whatever `seen` and `finding` assert, as claims about this run's numbers.
    formulas : tuple of Formula
    code : tuple of str
        Source text of what the lesson is about, from `listing`.
    exercises : tuple of Exercise
    sources : tuple of str
        Author, title, where and when.
    """

    experiment: str
    figures: tuple[LessonFigure, ...]
    tables: tuple[Table, ...]
    finding: str
    seen: str
    checks: tuple[Check, ...]
    formulas: tuple[Formula, ...]
    exercises: tuple[Exercise, ...]
    sources: tuple[str, ...]
    code: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an experiment gives to the text of its lesson.

    Attributes
    ----------
    values : dict
        Name in the template -> a number, a text, or a list of them.
    tables : dict
        Name -> rows of text; the first row names the columns.
    figures : dict
        Name, which is also that of the file -> Figure.
    code : tuple of str
        Source text of what the lesson is about, from `listing`.
    """

    values: Mapping[str, Any]
    tables: Mapping[str, Sequence[Sequence[str]]]
    figures: Mapping[str, Figure]
    code: tuple[str, ...] = ()


def listing(*objects: Any) -> str:
    """Return the source of functions or classes, as they ran."""
    return "\n\n".join(textwrap.dedent(inspect.getsource(o)).rstrip() for o in objects)


def plus_minus(
    values: Sequence[float] | NDArray[Any], *, percent: bool = False, decimals: int = 2
) -> str:
    """Return the mean and the standard deviation over seeds.

    >>> plus_minus([0.97, 0.98, 0.99], percent=True).replace(NBSP, " ")
    '98.00 ± 1.00 %'
    >>> plus_minus([2.5])
    '2.50'
    """
    numbers = np.asarray(values, float) * (100 if percent else 1)
    text = f"{numbers.mean():.{decimals}f}"
    if len(numbers) > 1:
        text += f"{NBSP}±{NBSP}{numbers.std(ddof=1):.{decimals}f}"
    return text + (f"{NBSP}%" if percent else "")


def short(value: float) -> str:
    """Return a positive number with two significant digits, small and large ones as powers of ten.

    >>> short(0.034), short(254.0), short(12345.0), short(6e-8), short(0.0)
    ('0.034', '250', '1.2 × 10⁴', '6.0 × 10⁻⁸', '0')
    """
    if value == 0 or 1e-3 <= value < 1e3:
        return f"{float(f'{value:.2g}'):g}"  # no exponent: 250, not 2.5e+02
    return power_of_ten(value, 1)


def rate_text(rate: float) -> str:
    """Return a learning rate; one below 10⁻⁴ as a power of ten.

    >>> rate_text(0.003), rate_text(3e-6)
    ('0.003', '3.0 × 10⁻⁶')
    """
    return f"{rate:g}" if rate >= 1e-4 else short(rate)


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence.

    >>> listed(["tanh", "ReLU", "ELU"]), listed(["ReLU"]), listed([])
    ('tanh, ReLU and ELU', 'ReLU', 'none')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "none"
