"""A finished run as one HTML page for people, and its figures as PNG files.

::

    page.py                the page: `report` reads a run's folder and writes report.html
    making.py              how a run was made: recipe, time, versions
    drawing.py             draws the figures of a gallery

    digit_run.py           what the page says of a run of a digit classifier
    evidence.py            the numbers its figures show, computed once
    gallery.py             which figures it has, in order, each with how to read it
    figures_training.py    how it learned: loss, accuracy, norms
    figures_scores.py      what it gets right: confusion, precision, mistakes
    figures_confidence.py  whether it knows: calibration, coverage
    figures_network.py     what it learned: the weights of the first layer
    figures_explanation.py why it says what it says of one image

    page_run.py            what the page says of a run of the page network
    page_evidence.py       the numbers its figures show, computed once on held-out pages
    page_gallery.py        which figures it has, in order, each with how to read it
    figures_pages.py       how it learned; what it finds by confidence, class, height, layout, fault
    figures_glyphs.py      what it missed and what it invented

    committee.py           what the page says of several networks in one file
    tuning.py              the page of a search for a better recipe, with its figures

    figures_sheet.py       a sheet of small pictures with words
    style.py, wording.py   how figures look, and how numbers are written

Importing this loads neither Matplotlib nor NumPy; `report` does.
"""

from digitscope.reporting.page import report

__all__ = ["report"]
