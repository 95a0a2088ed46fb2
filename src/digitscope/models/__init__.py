"""Trained networks as ONNX files: what opens and runs them, and the four that ship.

::

    card.py            the model card inside each file
    onnx_graph.py      the nodes and weights in a file
    classifier.py      single digits: `Classifier`, `load`
    glyph_classes.py   the classes of the page network and the layout of its maps
    page_network.py    a page in, maps of glyphs and ruling lines out
    glyph_network.py   the crop of one glyph in, its class out
    fusion.py          weights that join the answers of both

    mlp.onnx, cnn.onnx, page.onnx, glyph.onnx
"""
