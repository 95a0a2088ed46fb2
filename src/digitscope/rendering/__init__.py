"""Rendering of results: reports, figures, annotated pictures and explanations as text.

::

    html_report.py         `report`: from a run's folder to report.html
    run_description.py     recipe, time and versions of a run, for all reports
    figure_files.py        draws the figures of a report and encodes them as PNG

    digit_report.py        texts of the report of a digit classifier
    digit_results.py       the numbers of its figures, computed once
    digit_gallery.py       its figures in order, each with an explanation
    figures_training.py    loss, accuracy and norms by epoch
    figures_scores.py      confusion matrix, precision and recall, mistakes
    figures_confidence.py  calibration and coverage
    figures_network.py     the weights of the first layer
    figures_explanation.py contributions of pixels and units, for one image

    page_report.py         texts of the report of the page network
    page_results.py        the numbers of its figures, computed once on held-out pages
    page_gallery.py        its figures in order, each with an explanation
    figures_pages.py       learning curves; precision and recall by confidence, class, height
    figures_glyphs.py      missed and invented digits
    glyph_report.py        the report of the glyph network

    committee_report.py    the report of a committee
    tuning_report.py       the report of a search for a better recipe
    annotation.py          a picture with frames around the digits that were read in it
    maps_picture.py        the maps of the page network over the picture
    contact_sheet.py       samples of a data set; page_sheet.py: synthetic pages with ground truth
    walkthrough.py         an explanation as text, number by number
    figures_sheet.py       a grid of small pictures with captions
    style.py, wording.py   the style of figures, and the format of numbers

Importing this package loads neither Matplotlib nor NumPy; `report` does.
"""

from digitscope.rendering.html_report import report

__all__ = ["report"]
