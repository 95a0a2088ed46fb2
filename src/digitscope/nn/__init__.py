"""Neural networks in NumPy, for lessons and explanations, with formulas that can be read.

::

    activations.py activation functions and their derivatives
    network.py     layers, forward and backward; a network as one vector of weights
    losses.py      softmax and cross-entropy, with the gradient with respect to the logits
    optimizers.py  SGD, momentum, RMSprop, Adam and AdamW
    loop.py        the training loop over epochs and batches, for one network or several
    perceptron.py  a trained multilayer perceptron, with all intermediate values and gradients

The models of digitscope are trained with Keras (`digitscope.training`). The lessons train networks
of this package, many in seconds; `digitscope.explain` uses `perceptron`. Tests compare them with
Keras and with automatic differentiation.
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
