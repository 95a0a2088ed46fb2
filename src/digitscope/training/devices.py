"""Data parallel training on all devices that the framework finds.

A single GPU needs no setup. With several, Keras's distribution API for JAX copies the weights to
each device, distributes every batch and adds the gradients. The step is the same as on one device,
except for the order in which floats are added.
"""

from typing import Any

import keras
import numpy as np

from digitscope.errors import Misuse


def use_all_devices() -> int:
    """Make Keras train networks that are built later on all devices; return their number.

    TensorFlow always trains on one device.
    """
    if keras.backend.backend() != "jax":
        return 1
    devices = keras.distribution.list_devices()
    if len(devices) > 1 and keras.distribution.distribution() is None:
        parallel = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        keras.distribution.set_distribution(parallel)
    return len(devices)


def shared_out(batch: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the arrays of a batch with their rows distributed over all devices.

    Parameters
    ----------
    batch : dict of ndarray
        Arrays whose first axis is that of the examples.

    Raises
    ------
    Misuse
        If the number of rows is not a multiple of the number of devices.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return dict(batch)
    devices = int(np.prod(distribution.device_mesh.shape))
    for name, value in batch.items():
        if len(value) % devices:
            raise Misuse(
                f"{len(value)} rows of {name} cannot be distributed over {devices} devices; choose "
                f"a batch size that is a multiple of {devices}."
            )
    distribute = keras.distribution.distribute_tensor
    return {
        name: distribute(value, distribution.get_data_layout(value.shape))
        for name, value in batch.items()
    }
