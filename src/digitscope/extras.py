"""The extras: which packages each one brings, and the error that names the one to install.

``pip install digitscope`` reads, predicts and explains. What a command needs beyond that is an
extra of ``pyproject.toml``; a test holds both lists against each other.
"""

import os
from importlib.util import find_spec

from digitscope.errors import MissingExtra

_DATA = ("sklearn", "scipy", "pooch", "requests")
# The modules that an extra must make importable; the first one that is missing is named.
EXTRAS: dict[str, tuple[str, ...]] = {
    "evaluate": _DATA,
    "figures": ("matplotlib", "jinja2"),
    "train": ("tensorflow", "keras", "onnx", *_DATA),
    "jax": ("jax", "keras", "onnx", *_DATA),
    "lessons": ("matplotlib", "jinja2", "markdown_it", "latex2mathml", "threadpoolctl"),
    "serve": ("fastapi", "uvicorn", "prometheus_client", "python_multipart"),
    "batch": ("ray", "pyarrow", "fsspec"),
    "tune": ("optuna", "keras"),
}
# Names that are written in another way than their module.
NAMES = {
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "onnx": "onnx",
    "sklearn": "scikit-learn",
    "scipy": "SciPy",
    "requests": "requests",
    "jinja2": "Jinja2",
    "markdown_it": "markdown-it-py",
    "latex2mathml": "latex2mathml",
    "threadpoolctl": "threadpoolctl",
    "fastapi": "FastAPI",
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
    "pyarrow": "PyArrow",
    "fsspec": "fsspec",
}


def require(extra: str, user: str) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Parameters
    ----------
    extra : str
        A key of `EXTRAS`.
    user : str
        What needs the extra, the subject of the message: ``digitscope train``.

    Raises
    ------
    MissingExtra
        When a package is missing; the message has the command that installs it.

    Examples
    --------
    >>> require("evaluate", "digitscope evaluate")
    """
    for module in EXTRAS[extra]:
        if not _is_installed(module):
            name = NAMES.get(module, module.capitalize())
            raise MissingExtra(f"{user} needs {name}: pip install 'digitscope[{extra}]'")


def require_training(user: str) -> None:
    """Check that Keras and its backend are installed: that of ``KERAS_BACKEND``, or TensorFlow.

    See `require`.
    """
    require("jax" if os.environ.get("KERAS_BACKEND") == "jax" else "train", user)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a finder refuses it, or it is half imported
        return False
