"""Keras layers of the page network and the glyph network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from digitscope.recipes.stream_recipe import Precision

MOMENTUM = 0.98  # decay of the moving statistics of the batch normalization, per step
FAST_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})  # of processors that compute with bfloat16


@keras.saving.register_keras_serializable("digitscope")
class FoldPixels(keras.layers.Layer):  # type: ignore[misc]
    """Convert the four pixels of each 2×2 square to four channels: (n, H, W) -> (n, H/2, W/2, 4).

    A 3×3 convolution of the result is a 6×6 convolution of the picture with stride 2. It takes a
    quarter of the time of a convolution of one channel.
    """

    def call(self, images: Any) -> Any:
        """Return the four channels, with the dtype of the pixels."""
        return ops.stack([images[:, y::2, x::2] for y in (0, 1) for x in (0, 1)], axis=-1)

    def compute_output_spec(self, images: Any) -> Any:
        """Return the shape, also for unknown height and width."""
        n, height, width = images.shape
        half = (None if side is None else side // 2 for side in (height, width))
        return keras.KerasTensor((n, *half, 4), dtype=images.dtype)


@keras.saving.register_keras_serializable("digitscope")
class FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization that trains with TensorFlow's fused operation.

    Keras computes moments, scale and shift one after the other, which in bfloat16 takes four times
    as long. With another backend, and in inference mode, Keras's operations are used.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalised inputs; training moves the moving statistics."""
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            ops.convert_to_tensor(self.gamma.value),
            ops.convert_to_tensor(self.beta.value),
            epsilon=self.epsilon,
            is_training=True,
        )
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving.value * self.momentum + batch * (1 - self.momentum))
        return outputs


def choose_precision(precision: Precision, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of the Keras policy to train with on this machine.

    Parameters
    ----------
    precision : str
        Precision of a recipe: ``float32``, ``bfloat16`` or ``auto``.
    cpuinfo : path
        File with the flags of the processor on Linux; without it ``auto`` means float32.
    """
    if precision == "auto":
        try:
            flags = set(cpuinfo.read_text(encoding="utf-8").split())
        except OSError:
            flags = set()
        precision = "bfloat16" if flags & FAST_FLAGS else "float32"
    return "float32" if precision == "float32" else "mixed_bfloat16"


class LayerBuilder:
    """Builder of Keras layers, with names, and with seeds in the order of creation."""

    def __init__(self, seed: int, policy: str) -> None:
        self._seeds: Iterator[int] = (
            int(s) for s in np.random.default_rng(seed).integers(0, 2**31, 1_000)
        )
        self.policy = policy

    def convolution(self, x: Any, channels: int, side: int, name: str, **options: Any) -> Any:
        """Return a convolution of x, by default without a bias."""
        return keras.layers.Conv2D(
            channels,
            side,
            padding="same",
            kernel_initializer=keras.initializers.HeNormal(seed=next(self._seeds)),
            dtype=self.policy,
            name=name,
            **{"use_bias": False} | options,
        )(x)

    def dense(
        self, x: Any, units: int, name: str, *, activation: str = "linear", policy: str = ""
    ) -> Any:
        """Return a fully connected layer on x."""
        return keras.layers.Dense(
            units,
            activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(self._seeds)),
            dtype=policy or self.policy,
            name=name,
        )(x)

    def relu(self, x: Any, name: str) -> Any:
        """Return max(x, 0)."""
        return keras.layers.Activation("relu", dtype=self.policy, name=name)(x)

    def add(self, x: Any, y: Any, name: str) -> Any:
        """Return x + y."""
        return keras.layers.Add(dtype=self.policy, name=name)([x, y])

    def normalised(
        self, x: Any, channels: int, name: str, *, stride: int = 1, gamma: str = "ones"
    ) -> Any:
        """Return a 3×3 convolution of x with batch normalization."""
        x = self.convolution(x, channels, 3, f"{name}_convolution", strides=stride)
        return FusedNormalization(
            momentum=MOMENTUM, gamma_initializer=gamma, dtype=self.policy, name=f"{name}_norm"
        )(x)

    def layer(self, x: Any, channels: int, name: str, *, stride: int = 1) -> Any:
        """Return a 3×3 convolution of x with batch normalization and a ReLU."""
        return self.relu(self.normalised(x, channels, name, stride=stride), f"{name}_relu")

    def blocks(self, x: Any, channels: int, n: int, name: str) -> Any:
        """Return x after n residual blocks, initialised as the identity (Goyal et al., 2017)."""
        for number in range(1, n + 1):
            part = f"{name}_{number}"
            y = self.layer(x, channels, f"{part}_a")
            y = self.normalised(y, channels, f"{part}_b", gamma="zeros")
            x = self.relu(self.add(x, y, f"{part}_sum"), f"{part}_relu")
        return x

    def up(self, coarse: Any, fine: Any, channels: int, name: str) -> Any:
        """Return the sum of a coarse map, enlarged by 2, and a fine one."""
        x = self.convolution(coarse, channels, 1, f"{name}_convolution", use_bias=True)
        x = keras.layers.UpSampling2D(2, dtype=self.policy, name=f"{name}_nearest")(x)
        return self.relu(self.add(x, fine, f"{name}_sum"), f"{name}_relu")
