"""Ruled lines: traced across a page, erased from it, or made into the lattices of grids."""

from digitscope.rules.removal import remove_rules

__all__ = ["remove_rules"]
