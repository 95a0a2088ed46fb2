"""Pages of the site that are made when it is built: the course, run anew, and the notebook.

MkDocs calls this (``hooks`` in mkdocs.yml). A lesson that was run before is taken from
``.cache/lessons`` as long as none of the code it depends on has changed; a build fails if what a
lesson claims is not borne out.
"""

import hashlib
import logging
import shutil
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from digitscope.data import Dataset, load_data
from digitscope.lessons import COURSE, open_lesson, run
from digitscope.lessons.writing import as_markdown, write

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "lessons"
NOTEBOOK = ROOT / "notebooks" / "classic.ipynb"
log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the lessons into the navigation, in their order."""
    nav: Any = config.nav
    for entry in nav:
        if isinstance(entry, dict) and entry.get("Lessons") == []:
            entry["Lessons"] = ["lessons/index.md", *(f"lessons/{name}.md" for name in COURSE)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and figures that are made here."""
    data = load_data()
    for name in COURSE:
        folder = _lesson(name, data)
        experiment = open_lesson(name)
        text = f"# {experiment.title}\n\n*{experiment.question}*\n\n{_read(folder / 'page.md')}"
        files.append(File.generated(config, f"lessons/{name}.md", content=text))
        for figure in sorted(folder.glob("*.png")):
            target = f"lessons/{name}/{figure.name}"
            files.append(File.generated(config, target, content=figure.read_bytes()))
    for source, content in _notebook().items():
        files.append(File.generated(config, source, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """List the lessons on the page that leads to them."""
    if page.file.src_uri != "lessons/index.md":
        return markdown
    rows = ["| lesson | question |", "| :--- | :--- |"]
    for name in COURSE:
        experiment = open_lesson(name)
        rows.append(f"| [{experiment.title}]({name}.md) | {experiment.question} |")
    return markdown.replace("<!-- lessons -->", "\n".join(rows))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _lesson(name: str, data: Dataset) -> Path:
    """Return the folder with a lesson's page and figures; it is run if there is none."""
    folder = CACHE / _digest(name, data) / name
    if not (folder / "page.md").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        lesson = run(name, data=data)
        broken = [check.claim for check in lesson.text.checks if not check.holds]
        if broken and data.name == "mnist":
            raise PluginError(f"the lesson {name} claims what its run does not show: {broken}")
        write(lesson, folder.parent)
        # The figures of lessons/data.md are in lessons/data.
        text = as_markdown(lesson, drawn=lambda figure: f"{name}/{figure.name}.png")
        (folder / "page.md").write_text(text, encoding="utf-8")
        log.info("lesson %s: %.0f s", name, lesson.seconds)
    return folder


def _digest(name: str, data: Dataset) -> str:
    """Return a name for all that a lesson depends on: code, text, networks and data."""
    package = ROOT / "src" / "digitscope"
    lessons, stem = package / "lessons", name.replace("-", "_")
    others = {other.replace("-", "_") for other in COURSE if other != name}
    sources = [
        *sorted((package / "nn").glob("*.py")),
        *(lessons / f"{module}.py" for module in ("course", "content", "text", "writing")),
        *sorted(lessons.glob("*.j2")),
        *sorted(lessons.glob(f"texts/{stem}.md.j2")),
        *(
            file
            for file in sorted(lessons.glob("experiments/*.py"))
            if file.stem.removesuffix("_figures") not in others
        ),
        *(package / "rendering" / f"{module}.py" for module in ("style", "wording")),
        *sorted((package / "evaluation").glob("*.py")),
    ]
    digest = hashlib.sha256(data.name.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _notebook() -> dict[str, Any]:
    """Return the notebook, with the outputs that are stored in it, as a page and its figures."""
    from nbconvert import MarkdownExporter

    exporter = MarkdownExporter()  # type: ignore[no-untyped-call]
    text, resources = exporter.from_filename(str(NOTEBOOK))
    pictures = resources["outputs"]
    for name in pictures:
        text = text.replace(f"({name})", f"(notebook/{name})")
    return {"notebook.md": text} | {f"notebook/{n}": content for n, content in pictures.items()}
