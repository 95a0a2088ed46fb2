"""digitscope: training and explanation of handwritten-digit classifiers, and reading of numbers.

Public names are imported at their first use, so ``import digitscope`` is fast, and reading does not
load the dependencies of training.
"""

import importlib
from typing import TYPE_CHECKING, Any

from digitscope import _moved

__version__ = "0.1.0"

_MODULE_OF = {
    "Classifier": "models.classifier",
    "load": "models.classifier",
    "to_mnist": "image.mnist_form",
    "load_data": "data",
    "train": "training",
    "resume": "training",
    "evaluate": "evaluation",
    "compare": "evaluation.comparison",
    "explain": "explanation",
    "occlude": "explanation",
    "read": "reading",
    "Page": "reading",
    "report": "rendering",
    "Recipe": "recipes",
    "RECIPES": "recipes",
    "Run": "runs",
    "DigitscopeError": "errors",
}

__all__ = [
    "RECIPES",
    "Classifier",
    "DigitscopeError",
    "Page",
    "Recipe",
    "Run",
    "__version__",
    "compare",
    "evaluate",
    "explain",
    "load",
    "load_data",
    "occlude",
    "read",
    "report",
    "resume",
    "to_mnist",
    "train",
]

if TYPE_CHECKING:
    from digitscope.data import load_data
    from digitscope.errors import DigitscopeError
    from digitscope.evaluation import evaluate
    from digitscope.evaluation.comparison import compare
    from digitscope.explanation import explain, occlude
    from digitscope.image.mnist_form import to_mnist
    from digitscope.models.classifier import Classifier, load
    from digitscope.reading import Page, read
    from digitscope.recipes import RECIPES, Recipe
    from digitscope.rendering import report
    from digitscope.runs import Run
    from digitscope.training import resume, train


_moved.install()


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'digitscope' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"digitscope.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
