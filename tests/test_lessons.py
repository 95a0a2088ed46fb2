"""The course as a whole: every lesson runs, on little data, and is written as text and pages."""

import dataclasses
import json
import re

import pytest

from digitscope.cli import main
from digitscope.errors import Misuse
from digitscope.lessons import COURSE, open_lesson, run
from digitscope.lessons.content import Check, Table
from digitscope.lessons.course import make_settings
from digitscope.lessons.writing import as_markdown, as_text, write, write_index

# What makes each lesson a matter of a second or two, on the bundled digits.
QUICK: dict[str, dict] = {
    "data": {"sizes": (40, 200), "questions": 100, "samples": 1, "seeds": 2},
    "normalisation": {
        "images": 300, "epochs": 1, "seeds": 2, "units": 8, "rates": (1e-4, 0.1, 1.0),
    },
    "layers": {"units": (2, 5), "shown": 5, "images": 300, "epochs": 1, "seeds": 2},
    "activations": {"units": 12, "rates": (0.05, 0.5), "images": 300, "epochs": 2, "seeds": 2},
    "softmax": {
        "images": 300, "epochs": 20, "hidden": 16, "seeds": 2, "steps": 1, "gains": (1.0, 30.0),
    },
    "cross-entropy": {"images": 300, "epochs": 2, "hidden": 16, "seeds": 2, "rates": (0.1, 0.5)},
    "vanishing-gradients": {"depths": (1, 3), "width": 16, "images": 500, "seeds": 2, "epochs": 1},
    "exploding-gradients": {
        "gains": (1.0, 4.0), "rates": (0.01, 1.0), "layers": 6, "width": 16, "gain": 8.0,
        "rate": 0.3, "images": 1000, "epochs": 2, "seeds": 2,
    },
    "optimizers": {
        "rates": (0.1, 0.3), "adaptive_rates": (0.003, 0.01), "hidden": 12, "images": 600,
        "batch": 16, "epochs": 2, "seeds": 2, "target": 0.6,
    },
    "backpropagation": {
        "units": 12, "epochs": 2, "rates": (0.003, 0.01), "images": 600, "seeds": 2, "checked": 5,
    },
    "overfitting": {
        "images": 60, "epochs": 8, "units": 12, "rate": 0.01, "batch": 20, "validation": 100,
        "patience": 2, "more": 2, "sizes": (40, 200), "chosen_by": (20, 200), "seeds": 2,
    },
    "accuracy": {"images": 300, "epochs": 2, "hidden": 16, "seeds": 3},
}  # fmt: skip


@pytest.fixture(scope="module")
def course(digits):
    """Return a function that runs a lesson quickly, once for all tests."""
    ran = {}

    def told(name):
        if name not in ran:
            ran[name] = run(name, QUICK[name], data=digits)
        return ran[name]

    return told


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_tells_all_that_a_lesson_must(name, course):
    lesson = course(name)
    page = lesson.text
    assert lesson.name == name
    assert lesson.question.endswith("?")
    assert page.figures, "a figure"
    assert page.tables, "a table"
    assert page.checks, "something to check"
    assert page.formulas, "a formula"
    assert page.exercises, "an exercise"
    assert page.sources, "a source"
    assert re.search(r"\d", page.finding), "the finding has its numbers"
    assert len({figure.name for figure in page.figures}) == len(page.figures)
    assert any(key == "seeds" for key in lesson.settings), "several seeds, and a way to have more"


@pytest.mark.parametrize("name", COURSE)
def test_the_exercises_of_a_lesson_can_be_done(name, course):
    kind = open_lesson(name).settings
    exercises = course(name).text.exercises
    assert any(exercise.changes for exercise in exercises)
    for exercise in exercises:
        changes = dict(change.split("=", 1) for change in exercise.changes)
        changed = make_settings(name, kind, changes)
        assert not changes or changed != kind()


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_is_written_as_text_markdown_and_page(name, course, tmp_path):
    lesson = course(name)
    text = " ".join(as_text(lesson).split())
    for told in (lesson.question, lesson.text.finding, *(c.claim for c in lesson.text.checks)):
        assert " ".join(told.split()) in text
    assert all(
        " ".join(cell.split()) in text for table in lesson.text.tables for cell in table.columns
    )
    markdown = as_markdown(lesson)
    assert markdown.count('<div class="formula"><math') == len(lesson.text.formulas)
    assert "\\" not in re.sub(r"`[^`]*`|\\\|", "", markdown), "LaTeX is left in the page"
    page, figures = write(lesson, tmp_path)
    assert page == tmp_path / name / "page.html"
    assert all(figure.read_bytes().startswith(b"\x89PNG") for figure in figures)
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == len(figures)
    assert "<script" not in html
    assert not re.findall(r'(?:src|href)="https?:', html), "a page needs no network"
    json.dumps(lesson.to_dict())


def test_what_does_not_hold_is_said(course):
    lesson = course("vanishing-gradients")
    page = dataclasses.replace(lesson.text, checks=(Check("1 is 2", False),))
    wrong = dataclasses.replace(lesson, text=page)
    assert "✗ not in this run: 1 is 2" in as_text(wrong)
    assert "✗ not in this run: | 1 is 2" in as_markdown(wrong)


def test_the_index_leads_to_the_pages(course, tmp_path):
    lesson = course("vanishing-gradients")
    text = write_index([lesson], tmp_path).read_text(encoding="utf-8")
    assert 'href="vanishing-gradients/page.html"' in text
    assert lesson.text.finding in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deptsh": "3"}, "no setting 'deptsh'; there are .* Did you mean 'depths'"),
        ({"seeds": "many"}, "seeds must be a whole number, such as 3. Received: 'many'"),
        ({"seeds": "0"}, "seeds must be 1 or more. Received: 0"),
        ({"rate": "nan"}, "rate must be 0 or more. Received: nan"),
        ({"rate": "-1"}, "rate must be 0 or more. Received: -1"),
        ({"depths": ","}, "depths must be one or more values, such as 1,2,3"),
        ({"depths": "1,x"}, "depths must be a whole number"),
        ({"activation": "rleu"}, "activation must be one of .*Did you mean 'relu'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(changes, message, digits):
    with pytest.raises(Misuse, match=message):
        run("vanishing-gradients", changes, data=digits)


def test_settings_are_given_as_texts_or_values():
    kind = open_lesson("vanishing-gradients").settings
    texts = make_settings("x", kind, {"depths": "2, 5", "rate": "1e-2", "activation": "tanh"})
    assert texts == kind(depths=(2, 5), rate=0.01, activation="tanh")
    assert texts == make_settings("x", kind, {"depths": (2, 5), "rate": 0.01, "activation": "tanh"})


def test_a_table_of_uneven_rows_is_refused():
    with pytest.raises(ValueError, match="rows of"):
        Table("t", ("a", "b"), (("1", "2"), ("1",)))


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["lesson", *arguments])
    return end.value.code


def quick_options(name):
    texts = {
        key: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for key, value in QUICK[name].items()
    }
    return [option for key, text in texts.items() for option in ("--set", f"{key}={text}")]


def test_the_command_lists_the_course(capsys):
    assert command() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[: len(COURSE)]] == list(COURSE)
    assert command("--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["lesson"] for row in listed] == list(COURSE)


def test_the_command_runs_a_lesson(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "vanishing-gradients"
    assert command(name, "--data", "digits", *quick_options(name)) == 0
    out = capsys.readouterr().out
    assert "7 of 12  Vanishing gradients" in out
    assert f"page    lessons/{name}/page.html" in out
    assert (tmp_path / "lessons" / name / "gradients.png").is_file()
    assert command(name, "--data", "digits", "--json", "--out", "o", *quick_options(name)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["settings"]["depths"] == "1,3"
    assert answer["page"] == f"o/{name}/page.html"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sofmax"], "unknown lesson 'sofmax'; there are .* Did you mean 'softmax'"),
        (["softmax", "--set", "seeds"], "--set must be NAME=VALUE, such as seeds=5"),
        (["softmax", "--set", "sedes=3"], "no setting 'sedes'.*Did you mean 'seeds'"),
        (["--all", "softmax"], "--all runs every lesson unchanged"),
        (["--set", "seeds=3"], "--set needs the name of a lesson"),
        (["softmax", "--out", __file__], "--out must be a folder"),
    ],
)
def test_misuse_of_the_command_is_one_line(arguments, message, capsys):
    assert command(*arguments) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert len(error.splitlines()) == 1
