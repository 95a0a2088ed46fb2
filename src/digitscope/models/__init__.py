"""Trained networks as ONNX files: the code that runs them, and the four pretrained ones.

::

    card.py            the model card inside each file
    onnx_graph.py      the nodes and weights in a file
    classifier.py      single digits: `Classifier`, `load`
    glyph_classes.py   the classes of the page network and the layout of its maps
    page_network.py    a page in, maps of glyphs and ruling lines out
    glyph_network.py   the crop of one glyph in, its class out
    fusion.py          weights that join the probabilities of several networks

    mlp.onnx, cnn.onnx, page.onnx, glyph.onnx
"""
