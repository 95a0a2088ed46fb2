"""The laboratory: networks by hand in NumPy, small and fast enough to train dozens in a lesson.

::

    network.py     layers, forward and backward; a network as one vector of weights
    losses.py      what a network is to make small, and its gradient by the logits
    optimizers.py  SGD, momentum, RMSprop, Adam and AdamW, from that vector and its gradient
    training.py    the loop over epochs and batches, and the same for many networks at once

What ships is trained by Keras (`digitscope.training`). Here every formula can be read where it
runs; the tests hold each against Keras and automatic differentiation.
"""

from digitscope.lab.losses import cross_entropy
from digitscope.lab.network import Design, Network, pixels
from digitscope.lab.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Momentum, Optimizer, RMSprop
from digitscope.lab.training import Epoch, Step, each, steps, train

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Design",
    "Epoch",
    "Momentum",
    "Network",
    "Optimizer",
    "RMSprop",
    "Step",
    "cross_entropy",
    "each",
    "pixels",
    "steps",
    "train",
]
