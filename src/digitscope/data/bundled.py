"""The bundled data set: scikit-learn's 1,797 digits of 8×8 pixels, converted to MNIST form.

They are the test part of "Optical Recognition of Handwritten Digits" by Alpaydin and Kaynak (UCI,
1998; CC BY 4.0), from 13 writers in the order of writing. The last 297 are the test split here.
"""

import numpy as np
from PIL import Image

from digitscope.data.dataset import Dataset, Split
from digitscope.image.mnist_form import BOX, fit_to_box

TEST = 297  # images of the test split


def load_digits() -> Dataset:
    """Return scikit-learn's digits as 1,500 training and 297 test images of 28×28."""
    from sklearn.datasets import load_digits as sklearn_digits

    small = sklearn_digits()
    levels = (small.images * (255 / 16)).astype(np.float32)  # (1797, 8, 8), 0 = paper
    # The 8×8 image is already cropped to the digit, so all of it is enlarged and then placed.
    large = [
        np.asarray(Image.fromarray(level).resize((BOX, BOX), Image.Resampling.BICUBIC))
        for level in levels
    ]
    images = np.stack([fit_to_box(np.where(ink > 16, ink, 0).clip(0, 255)) for ink in large])
    split = Split(images, small.target)
    return Dataset(
        "digits",
        split.take(slice(None, -TEST)),
        split.take(slice(-TEST, None)),
        "scikit-learn's bundled digits (UCI, 8×8)",
        licence="CC BY 4.0",
        citation=(
            "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine "
            "Learning Repository (1998)"
        ),
    )
