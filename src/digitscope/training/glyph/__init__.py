"""Training of the glyph network."""
