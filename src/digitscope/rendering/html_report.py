"""HTML reports: from a run's folder to report.html and its figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitscope.extras import require
from digitscope.files import replacing, write_text
from digitscope.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitscope.data import Dataset
    from digitscope.rendering.figure_files import RenderedFigure
    from digitscope.synthesis.pages.stream import Source


def report(
    run: Run | str | Path, *, data: Dataset | None = None, held_out: Source | None = None
) -> Path:
    """Write ``report.html`` and ``figures/*.png`` into a run's folder.

    Parameters
    ----------
    run : Run or path
        A run with a model, finished or not; a run of a digit classifier also needs scores.
    data : Dataset, optional
        The data of a digit classifier, if it is already in memory; by default it is loaded.
    held_out : Source, optional
        Source of the held-out pages of a page network; by default that of
        `digitscope.data.page_sources.page_sources`.

    Returns
    -------
    Path
        The path of the report, a file without scripts that needs no network and no other files.

    Raises
    ------
    BadRun
        If the folder is not a run or has no history; for a digit classifier also if it has no
        scores, or the data has changed.
    BadModel
        If its model is missing or damaged.

    Examples
    --------
    >>> report("runs/mlp-1")  # doctest: +SKIP
    PosixPath('runs/mlp-1/report.html')
    """
    require("figures", "digitscope report")
    if not isinstance(run, Run):
        run = Run.open(run)
    if run.network == "page":
        return _report_pages(run, held_out)
    if run.network == "glyph":
        return _report_glyphs(run)
    if run.members > 1:
        return _report_committee(run, data)
    return _report_digits(run, data)


def _report_digits(run: Run, data: Dataset | None) -> Path:
    from digitscope.rendering.digit_gallery import draw_all
    from digitscope.rendering.digit_report import describe
    from digitscope.rendering.digit_results import load_results

    results = load_results(run, data)
    return write_page(run.path, "digit_report.html.j2", describe(run, results), draw_all(results))


def _report_committee(run: Run, data: Dataset | None) -> Path:
    from digitscope.rendering.committee_report import describe, draw_all, load_results

    for k in range(run.members):
        report(run.path / "members" / str(k + 1), data=data)
    committee = load_results(run)
    said = describe(run, committee)
    return write_page(run.path, "committee_report.html.j2", said, draw_all(committee))


def _report_glyphs(run: Run) -> Path:
    from digitscope.rendering.glyph_report import describe, draw_all, load_results

    results = load_results(run)
    return write_page(run.path, "glyph_report.html.j2", describe(run, results), draw_all(results))


def _report_pages(run: Run, held_out: Source | None) -> Path:
    from digitscope.rendering.page_gallery import draw_all
    from digitscope.rendering.page_report import describe
    from digitscope.rendering.page_results import load_results

    results = load_results(run, held_out)
    return write_page(run.path, "page_report.html.j2", describe(run, results), draw_all(results))


def write_page(
    folder: Path, template: str, said: dict[str, Any], drawn: Sequence[RenderedFigure]
) -> Path:
    """Write ``report.html`` and its figures to a folder, and return the path of the report.

    Parameters
    ----------
    folder : Path
    template : str
        Name of a template of this package.
    said : dict
        The values for the template.
    drawn : sequence of Picture
    """
    pictures = {picture.name: picture for picture in drawn}
    for picture in drawn:
        with replacing(folder / "figures" / f"{picture.name}.png") as temporary:
            temporary.write_bytes(picture.png)
    page = folder / "report.html"
    write_text(page, _template(template).render(said, pictures=pictures))
    return page


def _template(name: str) -> Any:
    from base64 import b64encode

    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitscope.rendering", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda content: b64encode(content).decode("ascii")
    return environment.get_template(name)
