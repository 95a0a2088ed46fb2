"""Pages as strangers write and photograph them, with the exact truth of every glyph."""

from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph, TrueGrid

__all__ = ["PageTruth", "TrueGlyph", "TrueGrid"]
