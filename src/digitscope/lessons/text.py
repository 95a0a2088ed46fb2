r"""The text of a lesson: its template, filled with the numbers of a run, as `LessonText`.

A template, ``texts/<lesson>.md.j2``, is Markdown with Jinja. It begins with the title and the
question; everything else stands in blocks, in the order in which it is read::

    # Vanishing gradients

    Why does a deep network of sigmoids learn nothing?

    {% call experiment() %} What is measured. {% endcall %}
    {% call figure("gradients") %} How to read the figure of that name. {% endcall %}
    {% call table("accuracy") %} The caption of the table of that name {% endcall %}
    {% call finding() %} One or two sentences with the numbers of the run. {% endcall %}
    {% call seen() %} Paragraphs. {% endcall %}
    {% call check(last < first / 100) %} a claim with {{ short(last) }} {% endcall %}
    {% call formula() %} What it says: $$ \frac{1}{n} $$ {% endcall %}
    {% call exercise("rate=0.1", "epochs=5") %} What to look for. {% endcall %}
    {% call sources() %} A Markdown list. {% endcall %}

A check may stand within `seen`, after the sentence that it proves; its claim is shown in the list
of checks. The names in a template are the values of `Facts`, `settings`, and `FUNCTIONS`. A name
that is missing is an error, and so is a value, a table or a figure that the template does not use.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import jinja2
from jinja2 import meta
from jinja2.ext import Extension

from digitscope.lessons.content import (
    Check,
    Exercise,
    Facts,
    Formula,
    LessonFigure,
    LessonText,
    Table,
    listed,
    plus_minus,
    rate_text,
    short,
)
from digitscope.rendering.wording import NBSP, count, percent, sure, times

FUNCTIONS: dict[str, Any] = {
    "NBSP": NBSP,
    "abs": abs,
    "count": count,
    "format": format,
    "len": len,
    "listed": listed,
    "max": max,
    "min": min,
    "percent": percent,
    "plus_minus": plus_minus,
    "rate_text": rate_text,
    "round": round,
    "short": short,
    "sum": sum,
    "sure": sure,
    "times": times,
}

Caller = Callable[[], str]
Named = TypeVar("Named")


class _Blocks:
    """What the blocks of one template hold, collected while Jinja renders it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.paragraphs: dict[str, str] = {}
        self.figures: dict[str, LessonFigure] = {}
        self.tables: dict[str, Table] = {}
        self.checks: list[Check] = []
        self.formulas: list[Formula] = []
        self.exercises: list[Exercise] = []
        self.listed: tuple[str, ...] = ()

    def functions(self) -> dict[str, Callable[..., str]]:
        """Return what a template can call."""
        names = ("figure", "table", "check", "formula", "exercise", "sources")
        called = {name: getattr(self, name) for name in names}
        return called | {name: self.once(name) for name in ("experiment", "finding", "seen")}

    def once(self, name: str) -> Callable[..., str]:
        def block(*, caller: Caller) -> str:
            if name in self.paragraphs:
                raise ValueError(f"a lesson has one block {name!r}. Received: another.")
            self.paragraphs[name] = unwrapped(caller())
            return ""

        return block

    def figure(self, name: str, *, caller: Caller) -> str:
        figure = _named("figure", name, self.facts.figures)
        self.figures[name] = LessonFigure(name, figure, unwrapped(caller()))
        return ""

    def table(self, name: str, *, caller: Caller) -> str:
        columns, *rows = map(tuple, _named("table", name, self.facts.tables))
        self.tables[name] = Table(unwrapped(caller()), columns, tuple(rows))
        return ""

    def check(self, holds: Any, *, caller: Caller) -> str:
        self.checks.append(Check(unwrapped(caller()), holds))
        return ""

    def formula(self, *, caller: Caller) -> str:
        parts = caller().split("$$")
        if len(parts) != 3:
            raise ValueError(f"LaTeX must stand between two $$. Received: {parts[0].strip()!r}.")
        before, latex, after = parts
        self.formulas.append(Formula(unwrapped(latex), unwrapped(before + after)))
        return ""

    def exercise(self, *changes: str, caller: Caller) -> str:
        self.exercises.append(Exercise(unwrapped(caller()), changes))
        return ""

    def sources(self, *, caller: Caller) -> str:
        items = re.split(r"^- ", caller(), flags=re.MULTILINE)
        self.listed = tuple(unwrapped(item) for item in items if item.strip())
        return ""


def heading(name: str) -> tuple[str, str]:
    """Return the title and the question of a lesson.

    Parameters
    ----------
    name : str
        Of its template: ``vanishing_gradients``.
    """
    text = _source(name).partition("{%")[0]
    title, question = text.removeprefix("# ").strip().split("\n\n")
    return unwrapped(title), unwrapped(question)


def fill(name: str, facts: Facts, settings: Any) -> LessonText:
    """Return the text of a lesson with the facts of a run.

    Parameters
    ----------
    name : str
        Of its template: ``vanishing_gradients``.
    facts : Facts
    settings : dataclass
        Of the lesson.

    Raises
    ------
    ValueError
        If the template and the facts do not fit together.
    """
    blocks = _Blocks(facts)
    known = FUNCTIONS | blocks.functions() | {"settings": settings}
    if taken := facts.values.keys() & known.keys():
        raise ValueError(f"values must not have the names of functions. Received: {sorted(taken)}.")
    rest = _environment().get_template(f"{name}.md.j2").render(known, **facts.values)
    used = meta.find_undeclared_variables(_environment().parse(_source(name)))
    _same("the values in use", facts.values.keys() & used, facts.values.keys())
    _same("the tables in use", blocks.tables.keys(), facts.tables.keys())
    _same("the figures in use", blocks.figures.keys(), facts.figures.keys())
    _same("the text outside of blocks", set(_paragraphs(rest)[1:]), set(heading(name)[1:]))
    _same("the blocks", blocks.paragraphs.keys(), {"experiment", "finding", "seen"})
    return LessonText(
        **blocks.paragraphs,
        figures=tuple(blocks.figures.values()),
        tables=tuple(blocks.tables.values()),
        checks=tuple(blocks.checks),
        formulas=tuple(blocks.formulas),
        exercises=tuple(blocks.exercises),
        sources=blocks.listed,
        code=facts.code,
    )


def unwrapped(text: str) -> str:
    r"""Return text with one line for each paragraph, and none where there is nothing.

    >>> unwrapped("\n  one\n  two\n\n\n three ")
    'one two\n\nthree'
    """
    return "\n\n".join(_paragraphs(text))


def _paragraphs(text: str) -> list[str]:
    # A tag may stand between a word and the full stop on the next line.
    text = re.sub(r"[ \t]*\n[ \t]*(?=[.,;])", "", text)
    # Not str.split: it would split at no-break spaces, too.
    parts = (re.sub(r"[ \t\n]+", " ", part).strip(" ") for part in re.split(r"\n\s*\n", text))
    return [part for part in parts if part]


def _named(kind: str, name: str, known: Mapping[str, Named]) -> Named:
    if name not in known:
        raise ValueError(f"a {kind} must be one of {', '.join(known)}. Received: {name!r}.")
    return known[name]


def _same(what: str, received: Any, expected: Any) -> None:
    if set(received) != set(expected):
        raise ValueError(f"{what} must be {sorted(expected)}. Received: {sorted(received)}.")


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, f"{name}.md.j2")[0]


class _TagLines(Extension):
    """Lets a tag that is alone on its line leave no blank line, which would end a paragraph.

    Jinja's own ``trim_blocks`` also takes the line break after a tag at the end of a sentence.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        alone = re.compile(r"^[ \t]*(\{%(?:(?!%\}).)*)%\}[ \t]*\n", re.MULTILINE | re.DOTALL)
        return alone.sub(r"\1\n%}", source)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("digitscope.lessons", "texts"),
        undefined=jinja2.StrictUndefined,
        extensions=[_TagLines],
    )
