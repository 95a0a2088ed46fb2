"""The experiments of the lessons: settings, what is measured, and its facts and figures.

::

    softmax, layers, ...    one module for each lesson; its figures may be in <lesson>_figures.py
    common.py               held-out images, and tables by columns
    early_stopping.py       when to stop, and what it costs to choose an epoch by a few images
    float32_softmax.py      where softmax and its loss overflow in float32
    hidden_layer.py         whether a hidden layer can be left out, and which units are dead
    label_losses.py         two forms of cross-entropy, and the squared error
    layer_by_layer.py       the output of a network layer by layer, and its number of weights
    layer_sizes.py          how large the numbers are that each layer gives, step by step
    linear_model.py         gradient descent on a squared error
    nearest.py              the nearest remembered image, and the nearest mean image
    network_by_hand.py      a network in some forty lines of NumPy
    scaling_trials.py       networks that learn from the same images in several scalings
    valley.py               optimizers in a valley of two weights
"""
