"""What stands on a page: each layout fills a sheet as some kind of real page is filled."""

from digitscope.synthesis.pages.layouts import fields, others, rows, tables
from digitscope.synthesis.pages.layouts.setting import Layout, Setting

# How often each layout is drawn, against the others.
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
    "single": (others.single, 1.0),
    "amounts": (others.amounts, 3.0),
    "words": (others.words, 1.0),
    "drawing": (others.drawing, 1.0),
    "empty": (others.empty, 0.8),
}

__all__ = ["LAYOUTS", "Layout", "Setting"]
