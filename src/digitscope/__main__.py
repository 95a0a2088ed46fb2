"""``python -m digitscope`` is the command line."""

from digitscope.cli import run

run()
