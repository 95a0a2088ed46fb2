"""``digitscope lesson``: one lesson of the course, or all of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitscope.cli.common import DataDirOption, DataOption, JsonOption, print_json, remark
from digitscope.errors import Misuse

if TYPE_CHECKING:
    from digitscope.lessons import Lesson

OUT = Path("lessons")


def command(
    name: Annotated[
        str | None, typer.Argument(help="A lesson.", show_default="list them all")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run the whole course.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting: NAME=VALUE.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder for pages and figures.")] = OUT,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    r"""Run a lesson: an experiment of some seconds, with a table, figures and a page.

    Every page ends with exercises: settings to change, and questions about the results.

    \b
    Examples:
      digitscope lesson
      digitscope lesson vanishing-gradients
      digitscope lesson vanishing-gradients --set activation=tanh --set depths=2,6,12
      digitscope lesson softmax --json
      digitscope lesson --all --out course
    """
    if every and (name or changes):
        raise Misuse("--all runs every lesson unchanged; leave out the name and --set.")
    if not every and name is None:
        if changes:
            raise Misuse("--set needs the name of a lesson, such as softmax.")
        _list(json)
        return
    from digitscope.data import load_data
    from digitscope.lessons import COURSE, open_lesson
    from digitscope.lessons.course import make_settings

    settings = _parse_changes(changes or [])
    if name is not None:  # raises for wrong settings before anything is loaded
        make_settings(name, open_lesson(name).settings, settings)
    if out.exists() and not out.is_dir():
        raise Misuse(f"--out must be a folder. Received: {out}")
    dataset = load_data(data, data_dir)
    if dataset.remark:
        remark(dataset.remark)
    if name is None:
        _run_course(COURSE, dataset, out, json)
        return
    answer = _run_and_write(name, settings, dataset, out, json)[1]
    if json:
        print_json(answer)


def _run_course(names: Iterable[str], dataset: object, out: Path, json: bool) -> None:
    """Run all lessons, and write the index of their pages."""
    from digitscope.lessons.writing import write_index

    results = [_run_and_write(name, {}, dataset, out, json) for name in names]
    lessons = [lesson for lesson, _ in results]
    index = write_index(lessons, out)
    if json:
        print_json([answer for _, answer in results])
    else:
        seconds = sum(lesson.seconds for lesson in lessons)
        print(f"course  {index}  ({len(lessons)} lessons, {seconds:.0f} s)")


def _run_and_write(
    name: str, changes: dict[str, str], dataset: object, out: Path, json: bool
) -> tuple["Lesson", dict[str, Any]]:
    """Run a lesson, write its page, and print it unless the answer is JSON."""
    from digitscope.lessons.writing import as_text, write

    lesson = _run(name, changes, dataset)
    page, figures = write(lesson, out)
    if not json:
        print(as_text(lesson) + "\n")
        for figure in figures:
            print(f"figure  {figure}")
        print(f"page    {page}\n", flush=True)
    return lesson, lesson.to_dict() | {"page": str(page)}


def _parse_changes(texts: list[str]) -> dict[str, str]:
    changes = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise Misuse(f"--set must be NAME=VALUE, such as seeds=5. Received: {text!r}.")
        changes[key.strip()] = value.strip()
    return changes


def _run(name: str, changes: dict[str, str], dataset: object) -> "Lesson":
    """Run a lesson with a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from digitscope.lessons import run

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
    with bar:
        task = bar.add_task(name, total=1.0)
        return run(
            name,
            changes,
            data=dataset,  # type: ignore[arg-type]
            advance=lambda share: bar.update(task, completed=share),
        )


def _list(json: bool) -> None:
    from digitscope.lessons import COURSE, open_lesson
    from digitscope.lessons.course import shown_settings

    rows = []
    for name in COURSE:
        experiment = open_lesson(name)
        rows.append(
            {
                "lesson": name,
                "title": experiment.title,
                "question": experiment.question,
                "settings": shown_settings(experiment.settings()),
            }
        )
    if json:
        print_json(rows)
        return
    for number, row in enumerate(rows, 1):
        print(f"{number:2}  {row['lesson']:20}  {row['question']}")
    print("\nRun one: digitscope lesson NAME; all of them: digitscope lesson --all")
