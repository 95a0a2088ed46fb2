"""Networks by hand in NumPy: every formula can be read where it runs.

::

    network.py     layers, forward and backward; a network as one vector of weights
    losses.py      cross-entropy, and its gradient with respect to the logits
    optimizers.py  SGD, momentum, RMSprop, Adam and AdamW
    loop.py        the training loop over epochs and batches, for one network or for many at once
    perceptron.py  a trained network of fully connected layers, taken apart number by number

Keras trains what ships (`digitscope.training`). The lessons train these, dozens in seconds;
`digitscope.explain` uses `perceptron`. The tests compare each with Keras and with automatic
differentiation.
"""

from digitscope.nn.loop import BatchResult, Epoch, each, steps, train
from digitscope.nn.losses import cross_entropy
from digitscope.nn.network import Design, Network, pixels
from digitscope.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Momentum, Optimizer, RMSprop

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "BatchResult",
    "Design",
    "Epoch",
    "Momentum",
    "Network",
    "Optimizer",
    "RMSprop",
    "cross_entropy",
    "each",
    "pixels",
    "steps",
    "train",
]
