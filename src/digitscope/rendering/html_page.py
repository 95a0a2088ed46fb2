"""The page: a run's folder in, report.html and its figures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitscope.extras import require
from digitscope.files import replacing, write_text
from digitscope.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitscope.data import Dataset
    from digitscope.rendering.figure_files import Picture
    from digitscope.synthesis.pages.stream import Source


def report(
    run: Run | str | Path, *, data: Dataset | None = None, held_out: Source | None = None
) -> Path:
    """Write ``report.html`` and ``figures/*.png`` into a run's folder.

    Parameters
    ----------
    run : Run or path
        A run that has a model, finished or not; one of a digit classifier must have scores, too.
    data : Dataset, optional
        What a digit classifier was trained and scored on, if that is in memory already; otherwise
        it is loaded.
    held_out : Source, optional
        What draws the held-out pages of a page network; by default that of
        `digitscope.data.page_sources.page_sources`.

    Returns
    -------
    Path
        Of the page. It is one file: it needs no network, no script and no file beside it.

    Raises
    ------
    BadRun
        When the folder is no run or has no history; of a digit classifier also when it has no
        scores, or the data has changed since.
    BadModel
        When its model is missing or damaged.

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
    from digitscope.rendering.digit_run import describe
    from digitscope.rendering.evidence import gather
    from digitscope.rendering.gallery import draw_all

    evidence = gather(run, data)
    return write_page(run.path, "report.html.j2", describe(run, evidence), draw_all(evidence))


def _report_committee(run: Run, data: Dataset | None) -> Path:
    from digitscope.rendering.committee_page import describe, draw_all, gather

    for k in range(run.members):
        report(run.path / "members" / str(k + 1), data=data)
    committee = gather(run)
    said = describe(run, committee)
    return write_page(run.path, "committee_report.html.j2", said, draw_all(committee))


def _report_glyphs(run: Run) -> Path:
    from digitscope.rendering.glyph_run import describe, draw_all, gather

    evidence = gather(run)
    return write_page(run.path, "glyph_report.html.j2", describe(run, evidence), draw_all(evidence))


def _report_pages(run: Run, held_out: Source | None) -> Path:
    from digitscope.rendering.page_evidence import gather
    from digitscope.rendering.page_gallery import draw_all
    from digitscope.rendering.page_run import describe

    evidence = gather(run, held_out)
    return write_page(run.path, "page_report.html.j2", describe(run, evidence), draw_all(evidence))


def write_page(folder: Path, template: str, said: dict[str, Any], drawn: Sequence[Picture]) -> Path:
    """Write ``report.html`` and its figures into a folder, and return the page.

    Parameters
    ----------
    folder : Path
    template : str
        Of this package.
    said : dict
        What the template wants.
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
