"""A finished run as one HTML page for people, and its figures as PNG files.

::

    page.py                the page: `report` reads a run's folder and writes report.html
    evidence.py            the numbers the figures show, computed once
    gallery.py             which figures there are, in order, each with how to read it
    figures_training.py    how it learned: loss, accuracy, norms
    figures_scores.py      what it gets right: confusion, precision, mistakes
    figures_confidence.py  whether it knows: calibration, coverage
    figures_network.py     what it learned: the weights of the first layer
    figures_explanation.py why it says what it says of one image
    style.py, wording.py   how figures look, and how numbers are written

Importing this loads neither Matplotlib nor NumPy; `report` does.
"""

from digitscope.reporting.page import report

__all__ = ["report"]
