"""Old import paths, which keep working until version 0.3 with a deprecation warning.

::

    from digitscope.classifier import load          # warns
    from digitscope.models.classifier import load   # the new path
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "classifier": "models.classifier",
    "comparison": "evaluation.comparison",
    "data.strokes": "data.stroke_sets",
    "images": "image.digit",
    "lab": "nn",
    "lab.losses": "nn.losses",
    "lab.network": "nn.network",
    "lab.optimizers": "nn.optimizers",
    "lab.training": "nn.loop",
    "lessons.page": "lessons.content",
    "model_card": "models.card",
    "perceptron": "nn.perceptron",
    "pictures": "image.decode",
    "preprocess": "image.mnist_form",
    "reading.annotate": "rendering.annotation",
    "reporting": "rendering",
    "service.app": "service.http.app",
    "synthesis.handwriting": "synthesis.recorded_strokes",
}

# Names that are called otherwise at the new path.
RENAMED = {"lessons.page": {"Page": "LessonText", "Picture": "LessonFigure"}}


class _MovedModules(MetaPathFinder, Loader):
    """Finds the module of an old path; asked after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != "digitscope" or name not in MOVED:
            return None
        return ModuleSpec(fullname, self, is_package=name == "lab")

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        path = spec.name.partition(".")[2]
        new = "digitscope." + MOVED[path]
        warnings.warn(
            f"{spec.name} has moved to {new}; the old path ends with version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        old = ModuleType(spec.name)
        content = vars(importlib.import_module(new))
        vars(old).update((k, v) for k, v in content.items() if not k.startswith("__"))
        vars(old).update((k, content[v]) for k, v in RENAMED.get(path, {}).items())
        return old

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module has its content already."""


def install() -> None:
    """Let Python find the old paths."""
    sys.meta_path.append(_MovedModules())
