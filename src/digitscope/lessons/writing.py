"""A lesson as text for the terminal, as Markdown for a site, and as one HTML file."""

import re
import textwrap
from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import jinja2

from digitscope.files import replacing, write_text
from digitscope.lessons.content import Check, Exercise, LessonFigure, Table
from digitscope.lessons.course import COURSE, Lesson, finding

PAGE = "page.html"
WIDTH = 100  # characters of a line in a terminal


def as_text(lesson: Lesson) -> str:
    """Return what a terminal shows: the question, the tables, the finding and what was checked."""
    told = lesson.text
    parts = [f"{lesson.number} of {len(COURSE)}  {lesson.title}", _wrapped(lesson.question)]
    parts += [_text_table(table) for table in told.tables]
    parts.append(_wrapped(told.finding))
    parts.append("\n".join(_wrapped(check.claim, _mark(check)) for check in told.checks))
    return "\n\n".join(parts).replace("\u00a0", " ")


def _wrapped(text: str, mark: str = "") -> str:
    first = f"  {mark} " if mark else "  "
    later = "    " if mark else "  "
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=later)


def _mark(check: Check) -> str:
    return "✓" if check.holds else "✗ not in this run:"


def _text_table(table: Table) -> str:
    rows = [table.columns, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    lines = [
        "  "
        + "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([_wrapped(table.caption), *lines])


def as_markdown(lesson: Lesson, *, drawn: Callable[[LessonFigure], str] | None = None) -> str:
    """Return the page below its title and question.

    Parameters
    ----------
    lesson : Lesson
    drawn : callable, optional
        Address of a figure; ``<name>.png`` by default.
    """
    from latex2mathml.converter import convert

    told = lesson.text
    address = drawn or (lambda figure: f"{figure.name}.png")
    return _templates().get_template("lesson.md.j2").render(
        experiment=told.experiment,
        figures=[
            f"![{finding(f.figure)}]({address(f)})\n\n*{f.reading}*" for f in told.figures
        ],
        tables=[_markdown_table(table) for table in told.tables],
        finding=f"**{told.finding}**",
        seen=told.seen,
        checks=_checks(told.checks),
        formulas=[
            {
                "words": formula.words,
                "drawn": f'<div class="formula">{convert(formula.latex, display="block")}</div>',
            }
            for formula in told.formulas
        ],
        listings=told.code,
        exercises=_exercises(lesson.name, told.exercises),
        settings=_settings(lesson),
        sources="\n".join(f"- {source}" for source in told.sources),
        ran=_ran(lesson),
    )  # fmt: skip


def _checks(checks: Sequence[Check]) -> str:
    rows = "\n".join(f"| {_mark(check)} | {check.claim} |" for check in checks)
    return f"| | Checked in this run |\n| :--- | :--- |\n{rows}"


def _markdown_table(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = line([":---", *["---:"] * (len(table.columns) - 1)])
    rows = "\n".join([line(table.columns), rule, *map(line, table.rows)])
    return f"{table.caption}:\n\n{rows}"


def _exercises(name: str, exercises: Sequence[Exercise]) -> str:
    items = []
    for number, exercise in enumerate(exercises, 1):
        item = f"{number}. {exercise.text}"
        if exercise.changes:
            changes = " ".join(f"--set {change}" for change in exercise.changes)
            item += f"\n\n    ```console\n    $ digitscope lesson {name} {changes}\n    ```\n"
        items.append(item)
    return "\n".join(items)


def _settings(lesson: Lesson) -> str:
    head = "| setting | what it is | in this run |\n| :--- | :--- | :--- |\n"
    return head + "\n".join(
        f"| `{name}` | {about} | `{value}` |" for name, (value, about) in lesson.settings.items()
    )


def _ran(lesson: Lesson) -> str:
    data = {"mnist": "MNIST", "digits": "scikit-learn's bundled digits"}
    return (
        f"Every number above was measured on {data.get(lesson.data, lesson.data)} by "
        f"`digitscope lesson {lesson.name}`, in {lesson.seconds:.0f} s."
    )


def write(lesson: Lesson, folder: Path) -> tuple[Path, list[Path]]:
    """Write a lesson's page and figures.

    Returns
    -------
    page : Path
        ``<folder>/<name>/page.html``, one file that needs no other.
    figures : list of Path
        Beside it, as PNG.
    """
    import matplotlib
    from markdown_it import MarkdownIt

    from digitscope.rendering import style

    folder = folder / lesson.name
    figures, inline = [], {}
    for figure in lesson.text.figures:
        with matplotlib.rc_context(style.RC):
            content = style.encode(style.render(figure.figure))
        figures.append(folder / f"{figure.name}.png")
        with replacing(figures[-1]) as temporary:
            temporary.write_bytes(content)
        inline[figure.name] = f"data:image/png;base64,{b64encode(content).decode()}"
    markdown = as_markdown(lesson)
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    # A picture alone in its paragraph becomes a figure, with its file inside the page.
    body = re.sub(
        r'<p><img src="([^"]+)\.png" alt="([^"]*)" /></p>\s*<p><em>(.*?)</em></p>',
        lambda m: (
            f'<figure><div class="panel"><img src="{inline[m[1]]}" alt="{m[2]}"></div>'
            f"<figcaption>{m[3]}</figcaption></figure>"
        ),
        body,
        flags=re.DOTALL,
    )
    body = body.replace("<table>", '<div class="scroll"><table>').replace(
        "</table>", "</table></div>"
    )
    _write_page(
        folder / PAGE,
        title=lesson.title,
        question=lesson.question,
        kicker=f"lesson {lesson.number} of {len(COURSE)}",
        body=body,
        footer="The figures are also beside this page, as PNG files.",
    )
    return folder / PAGE, figures


def write_index(lessons: Sequence[Lesson], folder: Path) -> Path:
    """Write ``index.html``, which leads to the pages of those lessons, and return its path."""
    rows = "".join(
        f'<tr><td>{lesson.number}</td><td><a href="{lesson.name}/{PAGE}">{escape(lesson.title)}</a>'
        f"<br>{escape(lesson.text.finding)}</td></tr>"
        for lesson in lessons
    )
    _write_page(
        folder / "index.html",
        title="The course",
        question="Why a network learns to read digits, one question at a time.",
        kicker=f"{len(lessons)} lessons",
        body=f"<table><tbody>{rows}</tbody></table>",
        footer=f"Run in {sum(lesson.seconds for lesson in lessons):.0f} s.",
    )
    return folder / "index.html"


def _write_page(path: Path, **parts: str) -> None:
    write_text(path, _templates().get_template("lesson.html.j2").render(parts))


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("digitscope.lessons", "."),
                jinja2.PackageLoader("digitscope.rendering", "."),
            ]
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
