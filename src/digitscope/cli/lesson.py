"""``digitscope lesson``: run a lesson of the course, or all of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    out: Annotated[Path, typer.Option(help="Where pages and figures go.")] = OUT,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    r"""Run a lesson: an experiment of some seconds, its table, its finding, its figures and page.

    Every page ends with exercises: settings to change, and what to look for.

    \b
    Examples:
      digitscope lesson
      digitscope lesson vanishing-gradients
      digitscope lesson vanishing-gradients --set activation=tanh --set depths=2,6,12
      digitscope lesson softmax --json
      digitscope lesson --all --out course
    """
    if every and (name or changes):
        raise Misuse("--all runs every lesson as it is; leave out the name and --set.")
    if not every and name is None:
        if changes:
            raise Misuse("--set needs the name of a lesson, such as softmax.")
        _list(json)
        return
    from digitscope.data import load_data
    from digitscope.lessons import COURSE, open_lesson
    from digitscope.lessons.course import make_settings
    from digitscope.lessons.writing import as_text, write, write_index

    chosen = _changes(changes or [])
    if name is not None:  # said before anything is loaded
        make_settings(name, open_lesson(name).settings, chosen)
    if out.exists() and not out.is_dir():
        raise Misuse(f"--out must be a folder. Received: {out}")
    dataset = load_data(data, data_dir)
    if dataset.remark:
        remark(dataset.remark)
    told, written = [], []
    for each in COURSE if every else (name or "",):
        lesson = _run(each, chosen, dataset)
        page, figures = write(lesson, out)
        told.append(lesson)
        written.append(page)
        if not json:
            print(as_text(lesson) + "\n")
            for figure in figures:
                print(f"figure  {figure}")
            print(f"page    {page}\n", flush=True)
    files = [{"page": str(page)} for page in written]
    answers = [lesson.to_dict() | file for lesson, file in zip(told, files, strict=True)]
    if every:
        index = write_index(told, out)
        if not json:
            seconds = sum(lesson.seconds for lesson in told)
            print(f"course  {index}  ({len(told)} lessons, {seconds:.0f} s)")
    if json:
        print_json(answers if every else answers[0])


def _changes(texts: list[str]) -> dict[str, str]:
    changes = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise Misuse(f"--set takes NAME=VALUE, such as seeds=5. Received: {text!r}.")
        changes[key.strip()] = value.strip()
    return changes


def _run(name: str, changes: dict[str, str], dataset: object) -> "Lesson":
    """Run a lesson with a bar on stderr."""
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
