"""Pictures and single digits as arrays.

::

    decode.py      a picture file -> a gray array
    digit.py       28×28 images of digits: their types and checks
    ink.py         separation of ink and paper
    isolation.py   the ink of one digit, without frames, ruling lines, specks and neighbours
    mnist_form.py  any picture of one digit -> a 28×28 image (`to_mnist`)
    contrast.py    local contrast normalisation
"""
