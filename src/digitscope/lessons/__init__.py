"""A course of runnable lessons: each asks one question and answers it with an experiment.

::

    experiments/   code, one file for each lesson: what is measured; the facts and figures of it
    texts/         Markdown templates, one for each lesson: its text and the checks
    course.py      which lessons there are; runs one
    text.py        fills a template with the facts of a run
    content.py     the parts of a lesson's text: tables, figures, checks, formulas, exercises
    writing.py     a lesson as text for the terminal, as Markdown, and as one HTML file

A lesson trains networks of `digitscope.nn`, so it needs no TensorFlow, and it takes seconds.
Every number in it comes from its own run. What it claims is checked against them.
"""

from digitscope.extras import require

require("lessons", "digitscope lesson")

from digitscope.lessons.course import COURSE, Lesson, open_lesson, run

__all__ = ["COURSE", "Lesson", "open_lesson", "run"]
