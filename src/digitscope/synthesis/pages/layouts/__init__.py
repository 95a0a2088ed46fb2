"""Layouts of pages: each function fills a sheet like one kind of real page."""

from digitscope.synthesis.pages.layouts import (
    amounts,
    drawings,
    fields,
    rows,
    single_digits,
    tables,
    words,
)
from digitscope.synthesis.pages.layouts.context import Layout, LayoutContext

# The function and the relative frequency of each layout.
LAYOUTS: dict[str, tuple[Layout, float]] = {
    "rows": (rows.rows, 3.0),
    "columns": (rows.columns, 1.5),
    "scattered": (rows.scattered, 2.0),
    "equations": (rows.equations, 2.2),
    "combs": (fields.combs, 1.7),
    "form": (fields.form, 1.3),
    "sudoku": (tables.sudoku, 2.2),
    "table": (tables.table, 1.8),
    "combs in table": (tables.combs_in_table, 1.2),
    "single": (single_digits.single, 1.0),
    "amounts": (amounts.amounts, 3.0),
    "words": (words.words, 1.0),
    "drawing": (drawings.drawing, 1.0),
    "empty": (words.empty, 0.8),
}

__all__ = ["LAYOUTS", "Layout", "LayoutContext"]
