"""What to train: a recipe is a frozen dataclass with a name, and no framework is imported for it.

`RECIPES` holds the ones that ship. Change one by `recipe.but(epochs=10)`; each field is also an
option of ``digitscope train``.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from digitscope.errors import Misuse, did_you_mean

Activation = Literal["relu", "sigmoid", "tanh", "elu", "selu", "gelu", "silu", "linear"]
Optimizer = Literal["adam", "adamw", "sgd", "momentum", "rmsprop"]
Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far each training image is changed before the network sees it, anew in every epoch.

    The first six bend it, after Simard, Steinkraus and Platt, ICDAR 2003; each is a standard
    deviation, but for `smoothness`. The others do what pens, scanners and croppers do; each is the
    share of images that it happens to, in random strength.

    Attributes
    ----------
    rotation : float
        About the centre, in degrees.
    scale : float
        Natural logarithm of the factor of the width and, drawn separately, of the height.
    shear : float
        Slant, in pixels across per pixel down.
    shift : float
        Along each axis, in pixels.
    elastic : float
        Elastic displacement of each pixel along each axis, in pixels.
    smoothness : float
        Width (Gaussian sigma), in pixels, of the bumps that the elastic displacement is a random
        sum of. A larger one bends strokes more gently.
    stroke : float
        Share of images whose strokes become thinner or thicker, by up to a pixel on each side.
    blur : float
        Share that is blurred, as by a lens or by enlarging a small scan.
    noise : float
        Share that gets grain, or hard edges as from a thresholded scan.
    cut : float
        Share that loses up to two rows or columns of ink at one side, as a tight crop does.
    neighbours : float
        Share with a piece of another digit at the left or right border.
    """

    rotation: float = 5.0
    scale: float = 0.05
    shear: float = 0.06
    shift: float = 0.4
    elastic: float = 0.8
    smoothness: float = 6.0
    stroke: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    cut: float = 0.0
    neighbours: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a fit does, beside the data.

    Attributes
    ----------
    name : str
        Its name, under which runs and cards remember it.
    filters : tuple of int
        Filters of each convolutional layer, 3×3 with batch normalization and the activation; a
        layer with more filters than the one before it halves height and width. None of them: a
        multilayer perceptron.
    stem : int
        Side in pixels of the first layer's kernels if it shall halve height and width, too; 0: it
        is like the others. Most of the arithmetic is in the first layers, so a stem halves it.
    hidden : tuple of int
        Units of each hidden layer; ``(128,)`` gives 784 -> 128 -> 10, ``()`` a linear classifier.
    activation : str
        Of the hidden layers.
    dropout : float
        Share of hidden units that are silenced in a training step, 0 to below 1.
    optimizer : str
        ``momentum`` is SGD with momentum 0.9.
    learning_rate : float
        The rate, or its peak where a schedule shapes it.
    beta_2 : float
        Decay of Adam's running mean of squared gradients, for ``adam`` and ``adamw``; a smaller
        one follows faster. Kingma and Ba, ICLR 2015.
    schedule : str
        ``constant``; or after the warm-up a ``linear`` or ``cosine`` descent to 0 at the end.
    warmup : float
        Share of all steps over which the rate rises from 0 to its peak.
    batch_size : int
    epochs : int
    validation : int
        How many training images are held out; 0 for none. They choose, and fit the temperature.
    seed : int
        Of the initial weights, the order of the images, dropout and augmentation.
    average : float
        Decay per step of the exponential moving average of the weights that becomes the model;
        0 keeps the last weights. Polyak and Juditsky, 1992.
    weight_decay : float
        Decoupled, for ``adamw`` alone. Loshchilov and Hutter, ICLR 2019.
    augmentation : Augmentation or None
        None trains on the images as they are.
    synthetic : int
        How many digits drawn from parametric strokes join the training images, anew in each epoch.
    sources : tuple of str
        Data sets of other writers (``swiss-digits``, ``pendigits``, ``unipen``): their digits join
        the training images, drawn by another pen in each epoch, and their validation writers those
        held out.
    handwritten : int
        How many digits of the sources join the training images, anew in each epoch.
    non_digits : int
        How many letters, operators, blots and broken digits join them. With any, the network learns
        an eleventh answer: that it is no digit.

    Examples
    --------
    >>> RECIPES["classic"].but(epochs=10).epochs
    10
    """

    name: str
    filters: tuple[int, ...] = ()
    stem: int = 0
    hidden: tuple[int, ...] = (128,)
    activation: Activation = "relu"
    dropout: float = 0.0
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    beta_2: float = 0.999
    schedule: Schedule = "constant"
    warmup: float = 0.0
    batch_size: int = 32
    epochs: int = 5
    validation: int = 0
    seed: int = 0
    average: float = 0.0
    weight_decay: float = 0.0
    augmentation: Augmentation | None = None
    synthetic: int = 0
    sources: tuple[str, ...] = ()
    handwritten: int = 0
    non_digits: int = 0

    def __post_init__(self) -> None:
        if len(self.hidden) > 100 or any(not 1 <= units <= 65_536 for units in self.hidden):
            raise Misuse(
                f"hidden must be up to 100 layers of 1 to 65,536 units. Received: {self.hidden}."
            )
        if len(self.filters) > 50 or any(not 1 <= filters <= 4_096 for filters in self.filters):
            raise Misuse(
                f"filters must be up to 50 layers of 1 to 4,096 filters. Received: {self.filters}."
            )
        self._check("stem", self.stem in (0, 3, 5, 7), "0, 3, 5 or 7")
        if self.stem and not self.filters:
            raise Misuse(f"a stem is a convolution; give it filters. Received: stem={self.stem}.")
        for field, choices in (
            ("activation", get_args(Activation)),
            ("optimizer", get_args(Optimizer)),
            ("schedule", get_args(Schedule)),
        ):
            if (value := getattr(self, field)) not in choices:
                raise Misuse(
                    f"{field} must be one of {', '.join(choices)}. Received: {value!r}."
                    + did_you_mean(str(value), choices)
                )
        self._check("dropout", 0 <= self.dropout < 1, "at least 0 and below 1")
        self._check("learning_rate", 0 < self.learning_rate < float("inf"), "a number above 0")
        self._check("beta_2", 0 < self.beta_2 < 1, "between 0 and 1")
        self._check("warmup", 0 <= self.warmup < 1, "at least 0 and below 1")
        self._check("batch_size", self.batch_size >= 1, "a whole number from 1 up")
        self._check("epochs", self.epochs >= 1, "a whole number from 1 up")
        self._check("validation", self.validation >= 0, "a number of images, 0 for none")
        self._check("seed", 0 <= self.seed < 2**31, "0 to 2147483647")
        self._check("average", 0 <= self.average < 1, "at least 0 and below 1")
        self._check("weight_decay", 0 <= self.weight_decay < 1, "at least 0 and below 1")
        self._check("synthetic", self.synthetic >= 0, "a number of images, 0 for none")
        self._check("non_digits", self.non_digits >= 0, "a number of images, 0 for none")
        self._check("handwritten", self.handwritten >= 0, "a number of images, 0 for none")
        whole = ("batch_size", "epochs", "validation", "seed", "synthetic", "handwritten")
        for field in (*whole, "non_digits"):
            value = getattr(self, field)
            self._check(field, isinstance(value, int), "a whole number")
        if self.weight_decay and self.optimizer != "adamw":
            raise Misuse(
                f"weight_decay is for the optimizer adamw. "
                f"Received: {self.weight_decay} with {self.optimizer}."
            )

    def _check(self, field: str, good: bool, wanted: str) -> None:
        if not good:
            raise Misuse(f"{field} must be {wanted}. Received: {getattr(self, field)!r}.")

    def but(self, **changes: Any) -> Self:
        """Return this recipe with some fields changed; None leaves a field as it is.

        Another optimizer than ``adamw`` drops the weight decay, unless one is given.
        """
        if changes.get("optimizer") not in (None, "adamw") and not changes.get("weight_decay"):
            changes["weight_decay"] = 0.0
        return dataclasses.replace(self, **{k: v for k, v in changes.items() if v is not None})

    def describe_layers(self) -> str:
        """Return the sizes of the layers, for people.

        >>> RECIPES["mlp"].describe_layers()
        '784 → 128 → 10'
        >>> Recipe(name="mine", filters=(8, 16), non_digits=100).describe_layers()
        '28×28 → 8 filters → 16 filters → 128 → 10 digits and none'
        """
        filters = [f"{n} filters" for n in self.filters]
        start = "28×28" if self.filters else 784
        end = "10 digits and none" if self.non_digits else 10
        return " → ".join(map(str, (start, *filters, *self.hidden, end)))

    @property
    def answers(self) -> int:
        """The network's answers: ten digits, and that it is none."""
        return 10 + (self.non_digits > 0)

    def with_augmentation(self, augmentation: Augmentation | None) -> Self:
        """Return this recipe with another augmentation, or with none."""
        return dataclasses.replace(self, augmentation=augmentation)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON types."""
        lists = {f: list(getattr(self, f)) for f in ("filters", "hidden", "sources")}
        return dataclasses.asdict(self) | lists

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the recipe that `to_dict` wrote."""
        augmentation = fields.get("augmentation")
        return cls(
            **fields
            | {
                "filters": tuple(fields.get("filters", ())),
                "hidden": tuple(fields["hidden"]),
                "sources": tuple(fields.get("sources", ())),
                "augmentation": Augmentation(**augmentation) if augmentation else None,
            }
        )


# `classic` is the script that every tutorial prints. The other two were chosen on 5,000 held-out
# training images, never on the test set; docs/recipes.md tells how.
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="classic"),
        Recipe(
            name="mlp",
            optimizer="adamw",
            learning_rate=0.012,
            beta_2=0.98,
            weight_decay=0.1,
            schedule="linear",
            warmup=0.3,
            batch_size=128,
            validation=5_000,
        ),
        Recipe(
            name="mlp-max",
            optimizer="adamw",
            learning_rate=0.007,
            beta_2=0.99,
            weight_decay=0.05,
            schedule="cosine",
            warmup=0.02,
            batch_size=256,
            epochs=400,
            validation=5_000,
            augmentation=Augmentation(),
        ),
        Recipe(
            name="cnn",
            filters=(32, 32, 48, 48, 64, 64),
            stem=5,
            dropout=0.3,
            optimizer="adamw",
            learning_rate=0.004,
            beta_2=0.99,
            weight_decay=0.05,
            schedule="cosine",
            warmup=0.1,
            batch_size=128,
            epochs=20,
            validation=5_000,
            augmentation=Augmentation(
                rotation=7,
                scale=0.1,
                shear=0.12,
                shift=0.8,
                stroke=0.3,
                blur=0.1,
                noise=0.1,
                cut=0.05,
                neighbours=0.1,
            ),
            synthetic=40_000,
            sources=("swiss-digits", "pendigits", "unipen"),
            handwritten=45_000,
            non_digits=25_000,
        ),
    )
}


def get_recipe(recipe: str | Recipe) -> Recipe:
    """Return the recipe of that name; a `Recipe` is returned as it is.

    >>> get_recipe("mpl")
    Traceback (most recent call last):
    ...
    digitscope.errors.Misuse: unknown recipe 'mpl'; there are classic, mlp, mlp-max, cnn. Did \
you mean 'mlp'?
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise Misuse(
            f"unknown recipe {recipe!r}; there are {', '.join(RECIPES)}."
            + did_you_mean(recipe, RECIPES)
        )
    return RECIPES[recipe]
