"""A course of runnable lessons: each asks one question and answers it with an experiment.

::

    data, normalisation, layers, ...   one file each: what is measured, and what is told of it
    course.py                          which lessons there are; runs one
    page.py                            what a lesson tells: tables, pictures, findings, formulas
    writing.py                         that as text, as Markdown, and as one HTML file

A lesson trains networks of `digitscope.nn`, so it needs no TensorFlow, and it takes seconds.
Every number in it comes from its own run; what it claims is checked against them.
"""

from digitscope.extras import require

require("lessons", "digitscope lesson")

from digitscope.lessons.course import COURSE, Lesson, open_lesson, run

__all__ = ["COURSE", "Lesson", "open_lesson", "run"]
