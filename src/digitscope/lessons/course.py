"""The course: which lessons there are, in their order, and how one is run."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from digitscope.data import Dataset, load_data
from digitscope.errors import Misuse, did_you_mean
from digitscope.lessons.content import LessonText
from digitscope.lessons.text import fill, heading

COURSE = (
    "data",
    "normalisation",
    "layers",
    "activations",
    "softmax",
    "cross-entropy",
    "vanishing-gradients",
    "exploding-gradients",
    "optimizers",
    "backpropagation",
    "overfitting",
    "accuracy",
)

Advance = Callable[[float], None]


@dataclass(frozen=True)
class Experiment:
    """What a lesson consists of before it is run.

    Attributes
    ----------
    title, question : str
    settings : type
        A dataclass: what can be changed.
    measure : callable
        From data set, settings and `Advance` to the result.
    tell : callable
        From result and settings to the text.
    """

    title: str
    question: str
    settings: type[Any]
    measure: Callable[[Dataset, Any, Advance], Any]
    tell: Callable[[Any, Any], LessonText]


@dataclass(frozen=True)
class Lesson:
    """A lesson that was run.

    Attributes
    ----------
    name, title, question : str
    settings : dict
        What it was run with: name -> (value as on the command line, what it is).
    data : str
        Name of the data set.
    seconds : float
        How long the experiment and its figures took.
    text : LessonText
        What it tells.
    """

    name: str
    title: str
    question: str
    settings: dict[str, tuple[str, str]]
    data: str
    seconds: float
    text: LessonText

    @property
    def number(self) -> int:
        """Its place in the course, from 1."""
        return COURSE.index(self.name) + 1

    def to_dict(self) -> dict[str, Any]:
        """Return what was asked, measured and found, for JSON."""
        text = self.text
        return {
            "lesson": self.name,
            "title": self.title,
            "question": self.question,
            "data": self.data,
            "settings": {name: value for name, (value, _) in self.settings.items()},
            "seconds": round(self.seconds, 2),
            "finding": text.finding,
            "tables": [dataclasses.asdict(table) for table in text.tables],
            "figures": [
                {"name": figure.name, "finding": finding(figure.figure)} for figure in text.figures
            ],
            "checks": [dataclasses.asdict(check) for check in text.checks],
        }


def finding(figure: Any) -> str:
    """Return the title of a figure on one line."""
    from digitscope.rendering import style

    return style.finding(figure)


def open_lesson(name: str) -> Experiment:
    """Return what a lesson consists of.

    Its code is ``experiments/<name>.py``, its text ``texts/<name>.md.j2``, and the settings of the
    lesson cross-entropy are called `CrossEntropySettings`.

    Raises
    ------
    Misuse
        For an unknown name.
    """
    if name not in COURSE:
        raise Misuse(
            f"unknown lesson {name!r}; there are {', '.join(COURSE)}." + did_you_mean(name, COURSE)
        )
    stem = name.replace("-", "_")
    module = import_module(f"digitscope.lessons.experiments.{stem}")
    settings = getattr(module, "".join(map(str.capitalize, name.split("-"))) + "Settings")

    def tell(result: Any, chosen: Any) -> LessonText:
        return fill(stem, module.facts(result, chosen), chosen)

    return Experiment(*heading(stem), settings, module.measure, tell)


def run(
    name: str,
    changes: Mapping[str, Any] | None = None,
    *,
    data: Dataset | None = None,
    advance: Advance = lambda share: None,
) -> Lesson:
    """Run the experiment of a lesson.

    Parameters
    ----------
    name : str
        One of `COURSE`.
    changes : dict, optional
        Settings to change: values, or texts as on the command line (``"3"``, ``"1,2,4"``).
    data : Dataset, optional
        MNIST by default.
    advance : callable, optional
        Told from time to time what share is done, 0 to 1.

    Returns
    -------
    Lesson

    Raises
    ------
    Misuse
        For an unknown lesson or setting, or a value that makes no sense.

    Examples
    --------
    >>> lesson = run("softmax", {"seeds": 1})  # doctest: +SKIP
    >>> lesson.text.finding  # doctest: +SKIP
    """
    import matplotlib

    from digitscope.rendering import style

    experiment = open_lesson(name)
    settings = make_settings(name, experiment.settings, changes or {})
    data = data or load_data()
    begun = time.perf_counter()
    result = experiment.measure(data, settings, advance)
    with matplotlib.rc_context(style.RC):
        text = experiment.tell(result, settings)
    return Lesson(
        name,
        experiment.title,
        experiment.question,
        shown_settings(settings),
        data.name,
        time.perf_counter() - begun,
        text,
    )


def make_settings(name: str, kind: type[Any], changes: Mapping[str, Any]) -> Any:
    """Return the settings of a lesson with some of them changed."""
    defaults = dataclasses.asdict(kind())
    values = {}
    for key, value in changes.items():
        if key not in defaults:
            raise Misuse(
                f"the lesson {name} has no setting {key!r}; there are {', '.join(defaults)}."
                + did_you_mean(key, defaults)
            )
        values[key] = _parse(key, _shown(value), defaults[key])
    return kind(**values)


def _parse(key: str, text: str, default: Any) -> Any:
    """Return the value that a text means for a setting with that default."""
    if isinstance(default, tuple):
        parts = [part for part in text.replace(" ", "").split(",") if part]
        if not parts:
            raise Misuse(f"{key} must be one or more values, such as {_shown(default)}.")
        return tuple(_parse(key, part, default[0]) for part in parts)
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() in ("true", "yes", "1", "false", "no", "0"):
            return text.lower() in ("true", "yes", "1")
        raise Misuse(f"{key} must be true or false. Received: {text!r}.")
    try:
        number = type(default)(text)
    except ValueError:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise Misuse(f"{key} must be {kind}, such as {default}. Received: {text!r}.") from None
    least = 1 if isinstance(default, int) and default else 0
    if not least <= number < 1e9:  # not a number is refused, too
        raise Misuse(f"{key} must be {least} or more. Received: {text}.")
    return number


def shown_settings(settings: Any) -> dict[str, tuple[str, str]]:
    """Return for each setting its value, as on the command line, and what it is."""
    return {
        field.name: (_shown(getattr(settings, field.name)), field.metadata["about"])
        for field in dataclasses.fields(settings)
    }


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
