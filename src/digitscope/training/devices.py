"""Training on all devices that the framework finds, each with its share of a batch.

One GPU is used without more ado. Of several, JAX gives each a part of every batch and a copy of the
weights, and adds up the gradients, through Keras's distribution API: the step is the same as on one
device, to the order in which floats are added.
"""

from typing import Any

import keras
import numpy as np

from digitscope.errors import Misuse


def use_all_devices() -> int:
    """Have networks that are built from now on trained on all devices, and return how many.

    TensorFlow trains on one, whatever there is.
    """
    if keras.backend.backend() != "jax":
        return 1
    devices = keras.distribution.list_devices()
    if len(devices) > 1 and keras.distribution.distribution() is None:
        parallel = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        keras.distribution.set_distribution(parallel)
    return len(devices)


def shared_out(batch: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the arrays of a batch with a share of their rows on each device.

    Parameters
    ----------
    batch : dict of ndarray
        The first axis counts the examples.

    Raises
    ------
    Misuse
        When the rows cannot be shared out evenly.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return dict(batch)
    devices = int(np.prod(distribution.device_mesh.shape))
    for name, value in batch.items():
        if len(value) % devices:
            raise Misuse(
                f"{len(value)} rows of {name} cannot be shared out among {devices} devices; choose "
                f"a batch size that is a multiple of {devices}."
            )
    distribute = keras.distribution.distribute_tensor
    return {
        name: distribute(value, distribution.get_data_layout(value.shape))
        for name, value in batch.items()
    }
