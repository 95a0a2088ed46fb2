"""Pictures and single digits as arrays.

::

    decode.py      a picture file becomes a gray array, or one of each colour channel
    digit.py       what a 28×28 image of a digit is: its types, its checks
    ink.py         where the ink is
    isolation.py   the ink of one digit alone
    mnist_form.py  any picture of one digit becomes such an image (`to_mnist`)
    contrast.py    local contrast normalisation
"""
