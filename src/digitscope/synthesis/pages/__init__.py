"""Synthetic pages to train the page network on, with the ground truth of every glyph.

::

    generator.py            pages from all of the parts below
    layouts/                what is written where: rows, tables, forms, cheques, drawings
    handwriting.py          characters of one writer; typefaces.py: printed characters
    glyph_ink.py            strokes or bitmap of one character; sign_strokes.py, spacing.py
    writing_sources.py      recorded strokes, scans, fonts and pictures
    sheet.py                a sheet with writing; ink_layers.py draws it; truth.py: the ground truth
    papers.py               paper; paper_kinds.py, security_paper.py
    surfaces.py             backgrounds; surface_kinds.py, bars.py, background_pictures.py
    camera.py               geometry; lighting.py; photo_effects.py
    textures.py             noise and patterns for papers, surfaces and cameras
    targets.py              training targets; stream.py: batches drawn in other processes
"""

from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph, TrueGrid

__all__ = ["PageTruth", "TrueGlyph", "TrueGrid"]
