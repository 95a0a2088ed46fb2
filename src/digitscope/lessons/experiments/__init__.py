"""The experiments of the lessons: settings, what is measured, and its facts and figures.

::

    softmax, layers, ...    one module for each lesson; its figures may be in <lesson>_figures.py
    common.py               held-out images, and tables by columns
    hidden_layer.py         whether a hidden layer can be left out, and which units are dead
    layer_by_layer.py       the output of a network layer by layer, and its number of weights
    layer_sizes.py          how large the numbers are that each layer gives, step by step
    linear_model.py         gradient descent on a squared error
    nearest.py              the nearest remembered image, and the nearest mean image
    scaling_trials.py       networks that learn from the same images in several scalings
"""
