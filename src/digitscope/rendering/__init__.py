"""Everything that is drawn or written as a page: reports, figures, annotated pictures, sheets.

::

    html_page.py           `report`: reads a run's folder and writes report.html
    run_description.py     how a run was made: recipe, time, versions
    figure_files.py        draws the figures of a report and encodes them as PNG

    digit_run.py           what the report of a digit classifier says
    results.py            the numbers its figures show, computed once
    gallery.py             its figures in order, each with how to read it
    figures_training.py    loss, accuracy and norms by epoch
    figures_scores.py      confusion matrix, precision and recall, mistakes
    figures_confidence.py  calibration and coverage
    figures_network.py     the weights of the first layer
    figures_explanation.py why a network says what it says of one image

    page_run.py            what the report of the page network says
    page_evidence.py       the numbers its figures show, computed once on held-out pages
    page_gallery.py        its figures in order, each with how to read it
    figures_pages.py       learning curves; precision and recall by confidence, class, height
    figures_glyphs.py      sheets of missed and of invented digits
    glyph_run.py           the report of the glyph network

    committee_page.py      the report of a committee
    tuning_page.py         the report of a search for a better recipe
    annotation.py          a picture with the digits framed that were read in it
    maps_picture.py        what the page network sees, drawn over the picture
    contact_sheet.py       samples of a data set; page_sheet.py: synthesised pages with their truth
    walkthrough.py         an explanation as text, number by number
    figures_sheet.py       a grid of small pictures with captions
    style.py, wording.py   how figures look, and how numbers are written

Importing this loads neither Matplotlib nor NumPy; `report` does.
"""

from digitscope.rendering.html_report import report

__all__ = ["report"]
