"""Import of Keras without the messages that TensorFlow writes to stderr.

C++ code writes them before any log level applies, so the file descriptor is redirected during the
import. If the import fails, the messages are printed.
"""

import gc
import os
import sys
import tempfile

from digitscope.errors import Misuse
from digitscope.extras import require_training

BACKEND = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if BACKEND not in ("tensorflow", "jax"):
    raise Misuse(f"KERAS_BACKEND must be tensorflow or jax. Received: {BACKEND!r}.")
require_training("digitscope train")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# TensorFlow's converter imports JAX if it is installed, which takes a second and is not needed.
if BACKEND == "tensorflow" and "jax" not in sys.modules:
    sys.modules["jax"] = None  # type: ignore[assignment]

# Garbage collection during such a large import takes a fifth of its time and frees nothing.
_collecting = gc.isenabled()
gc.disable()

with tempfile.TemporaryFile() as _log:
    sys.stderr.flush()
    _stderr = os.dup(2)
    os.dup2(_log.fileno(), 2)
    try:
        import keras

        if BACKEND == "tensorflow":
            import tensorflow as tf

            tf.config.list_physical_devices()  # the first call also logs
    except BaseException:
        _log.seek(0)
        os.write(_stderr, _log.read())
        raise
    finally:
        os.dup2(_stderr, 2)
        os.close(_stderr)
        if _collecting:
            gc.enable()
        if sys.modules.get("jax", ...) is None:
            del sys.modules["jax"]

__all__ = ["BACKEND", "keras"]
