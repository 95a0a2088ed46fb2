"""Old import paths, which work until version 0.3 with a deprecation warning.

::

    from digitscope.classifier import load          # warns
    from digitscope.models.classifier import load   # the new path
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
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


class _MovedModules:
    """Finder and loader of the modules at old paths; it is the last finder that Python calls.

    It has no base class of `importlib.abc`, which is slow to import.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != "digitscope" or name not in MOVED:
            return None
        return ModuleSpec(fullname, self, is_package=name == "lab")  # type: ignore[arg-type]

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
        """Do nothing; `create_module` has already filled the module."""


def install() -> None:
    """Register the finder of the old paths."""
    sys.meta_path.append(_MovedModules())
