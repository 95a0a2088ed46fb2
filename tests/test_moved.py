"""Old import paths keep working, with a warning that names the new one."""

import importlib
import subprocess
import sys

import pytest

from digitscope._moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_warns_and_gives_what_the_new_one_has(old):
    pytest.importorskip("fastapi" if old.startswith("service") else "numpy")
    sys.modules.pop(f"digitscope.{old}", None)
    with pytest.warns(DeprecationWarning, match=f"has moved to digitscope.{MOVED[old]}"):
        module = importlib.import_module(f"digitscope.{old}")
    new = importlib.import_module(f"digitscope.{MOVED[old]}")
    public = [name for name in vars(new) if not name.startswith("_")]
    assert public
    assert all(getattr(module, name) is getattr(new, name) for name in public)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_names_of_an_old_path_are_kept():
    from digitscope.lessons.content import LessonFigure, LessonText

    old = importlib.import_module("digitscope.lessons.page")
    assert (old.Page, old.Picture) == (LessonText, LessonFigure)


def test_a_path_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"digitscope\.labs"):
        importlib.import_module("digitscope.labs")


def test_names_of_an_old_module_are_imported_in_a_fresh_process():
    code = "from digitscope.lab.network import Network; from digitscope.preprocess import to_mnist"
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("DeprecationWarning") == 3  # the package, and the two modules
