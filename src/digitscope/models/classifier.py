"""Classifiers of single digits, on ONNX Runtime and NumPy.

An ``.onnx`` file is data: ONNX Runtime computes its graph and runs no code from it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadModel, did_you_mean, one_line
from digitscope.image.digit import DIGITS, SIDE, Images, Probabilities, check_images
from digitscope.models.card import MODELS, open_model

DIGIT = "digit"  # name of the second output of a network that refuses: P(image is a digit)
PRETRAINED = ("cnn", "mlp")
CHUNK = 1_024  # images per call of ONNX Runtime, which bounds the memory


class Judgement(NamedTuple):
    """Answers of a network for a batch of images.

    Attributes
    ----------
    probabilities : ndarray of shape (n, 10), dtype float32
        Of each digit, given that the image is a digit; calibrated. Rows add up to 1.
    digit : ndarray of shape (n,), dtype float32
        Score that the image is a digit, 0 to 1. A network that was trained to refuse returns the
        probability that the image shows one whole digit; for others it is the largest of the ten
        probabilities, which is less reliable.
    """

    probabilities: Probabilities
    digit: NDArray[np.float32]


class Classifier:
    """A trained network, read from an ONNX file.

    Parameters
    ----------
    path : path
        An ``.onnx`` file with one input, uint8 of shape (n, 28, 28), and one output, the
        probabilities of the ten digits. A second output ``digit`` is the score of `judge`.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.

    Attributes
    ----------
    path : Path
    card : ModelCard
        The model card in the file; empty for a file that digitscope did not write.
    refuses : bool
        Whether the network was trained to recognise non-digits.

    Raises
    ------
    BadModel
        When the file is not an ONNX model, or has other inputs or outputs.
    """

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        self.path = Path(path)
        self._session, self.card = open_model(self.path, threads=threads)
        self._check_form()

    def _check_form(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        wanted = "expected one input uint8 (n, 28, 28) and one output float (n, 10)"
        further = [(output.name, output.type) for output in outputs[1:]]
        self.refuses = further == [(DIGIT, "tensor(float)")]
        if self.refuses:
            outputs = outputs[:1]
        for given, dtype, shape in ((inputs, "uint8", (SIDE, SIDE)), (outputs, "float", (DIGITS,))):
            if (
                len(given) != 1
                or given[0].type != f"tensor({dtype})"
                or tuple(given[0].shape[1:]) != shape
                or isinstance(given[0].shape[0], int)  # a fixed batch size
            ):
                received = ", ".join(f"{g.name} {g.type} {g.shape}" for g in given)
                raise BadModel(
                    f"{self.path} is not a digit classifier: {wanted}. Received: {received}."
                )
        self._input = inputs[0].name
        try:
            probe = np.arange(2 * SIDE * SIDE).reshape(2, SIDE, SIDE).astype(np.uint8)
            answer = self._session.run(None, {self._input: probe})[0]
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise BadModel(f"{self.path} cannot be computed: {one_line(error)}") from None
        good = answer.shape == (2, DIGITS) and (answer >= 0).all()
        if not good or not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
            raise BadModel(
                f"{self.path} is not a digit classifier: two images must give 2×10 probabilities "
                f"that add up to 1. Received: {answer.shape}, {answer.ravel()[:3]}..."
            )

    @property
    def threshold(self) -> float:
        """The score of `judge` below which an answer is refused, from the model card."""
        return self.card.refusal.get("threshold", 0.5)

    def predict_proba(self, images: Images, *, calibrated: bool = True) -> Probabilities:
        """Return the probability of each digit.

        Parameters
        ----------
        images : ndarray of shape (n, 28, 28), dtype uint8
            0 = paper, 255 = ink.
        calibrated : bool, default True
            Whether to apply the temperature in the card. It changes the confidence, but not which
            digit is the most probable.

        Returns
        -------
        ndarray of shape (n, 10), dtype float32
            Rows add up to 1.

        Raises
        ------
        BadImage
            For any other type, dtype or shape.
        """
        return self._run(images, calibrated)[0]

    def judge(self, images: Images) -> Judgement:
        """Return the probability of each digit, and a score that the image is a digit at all.

        Parameters
        ----------
        images : ndarray of shape (n, 28, 28), dtype uint8
            0 = paper, 255 = ink.

        Returns
        -------
        Judgement

        Raises
        ------
        BadImage
            For any other type, dtype or shape.
        """
        return self._run(images, calibrated=True)

    def _run(self, images: Images, calibrated: bool) -> Judgement:
        check_images(images)
        result = np.empty((len(images), DIGITS), np.float32)
        score = np.empty(len(images), np.float32)
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            result[part], *further = self._session.run(None, {self._input: images[part]})
            if self.refuses:
                score[part] = further[0].reshape(-1)
        if calibrated and self.card.temperature != 1:
            result = temper(result, self.card.temperature)
        return Judgement(result, score if self.refuses else result.max(axis=1, initial=0))

    def predict(self, images: Images) -> NDArray[np.int64]:
        """Return the most probable digit of each image.

        Parameters
        ----------
        images : ndarray of shape (n, 28, 28), dtype uint8
            0 = paper, 255 = ink.

        Returns
        -------
        ndarray of shape (n,), dtype int64

        Raises
        ------
        BadImage
            For any other type, dtype or shape.
        """
        answer: NDArray[np.int64] = self.predict_proba(images, calibrated=False).argmax(axis=1)
        return answer

    def __repr__(self) -> str:
        return f"Classifier({str(self.path)!r})"


def temper(probabilities: NDArray[Any], temperature: float) -> Probabilities:
    """Return softmax(log(p) / T), which is softmax(logits / T).

    Parameters
    ----------
    probabilities : ndarray of shape (n, 10)
    temperature : float
        T; values above 1 make the probabilities less extreme.

    Examples
    --------
    >>> temper(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.6669999957084656, 0.3330000042915344]]
    """
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    tempered: Probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return tempered


def load(model: str | Path = "cnn", *, threads: int = 0) -> Classifier:
    """Return a pretrained classifier by its name, or the one in a file or in the folder of a run.

    Parameters
    ----------
    model : str or path, default "cnn"
        The name of a pretrained model, ``cnn`` or ``mlp``; an ``.onnx`` file; or the folder of a
        run that contains one. For a file or folder with the name of a pretrained model write
        ``./cnn``.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.

    Raises
    ------
    BadModel
        When there is no such file, or it is not a digit classifier.

    Examples
    --------
    >>> load("cnn").refuses
    True
    """
    if str(model) in PRETRAINED:
        return Classifier(MODELS / f"{model}.onnx", threads=threads)
    path = Path(model)
    if path.is_dir():
        if not (path / "model.onnx").is_file():
            raise BadModel(f"{path} has no model.onnx; expected a finished run or an .onnx file.")
        path = path / "model.onnx"
    if not path.exists():
        raise BadModel(
            f"no such model: {model}; expected an .onnx file, the folder of a run, or "
            f"{' or '.join(PRETRAINED)}." + did_you_mean(str(model), PRETRAINED)
        )
    return Classifier(path, threads=threads)
