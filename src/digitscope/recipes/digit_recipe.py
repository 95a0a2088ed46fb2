"""What to train: a recipe is a frozen dataclass with a name, and no framework is imported for it.

`RECIPES` holds the ones that ship. Change one by `recipe.but(epochs=10)`; each field is also an
option of ``digitscope train``.
"""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from digitscope.errors import Misuse, did_you_mean
from digitscope.recipes.described import Choice, Range, about, check

Activation = Literal["relu", "sigmoid", "tanh", "elu", "selu", "gelu", "silu", "linear"]
Optimizer = Literal["adam", "adamw", "sgd", "momentum", "rmsprop"]
Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far each training image is changed; the changes are drawn again in every epoch.

    The first six fields bend it, after Simard, Steinkraus and Platt, ICDAR 2003; each is a standard
    deviation, except `smoothness`. The others imitate pens, scanners and croppers; each is a share
    of the images, which are changed by a random strength. ``docs/recipes.md`` lists the fields.
    """

    rotation: float = field(
        default=5.0,
        metadata=about("rotation about the centre", unit="degrees", low=0, search=Range(0.0, 15.0)),
    )
    scale: float = field(
        default=0.05,
        metadata=about(
            "natural logarithm of the factor of the width and, drawn separately, of the height",
            low=0,
            search=Range(0.0, 0.2),
        ),
    )
    shear: float = field(
        default=0.06,
        metadata=about("slant", unit="pixels across per pixel down", low=0, search=Range(0.0, 0.3)),
    )
    shift: float = field(
        default=0.4,
        metadata=about("shift along each axis", unit="pixels", low=0, search=Range(0.0, 1.5)),
    )
    elastic: float = field(
        default=0.8,
        metadata=about(
            "elastic displacement of each pixel along each axis",
            unit="pixels",
            low=0,
            search=Range(0.0, 2.0),
        ),
    )
    smoothness: float = field(
        default=6.0,
        metadata=about(
            "standard deviation of the Gaussian bumps that add up to the elastic displacement; a "
            "larger one bends strokes more gently",
            unit="pixels",
            above=0,
        ),
    )
    stroke: float = field(
        default=0.0,
        metadata=about(
            "share of images whose strokes become thinner or thicker, by up to a pixel on each "
            "side",
            low=0,
            high=1,
        ),
    )
    blur: float = field(
        default=0.0,
        metadata=about(
            "share that is blurred, as by a lens or by enlarging a small scan", low=0, high=1
        ),
    )
    noise: float = field(
        default=0.0,
        metadata=about(
            "share that gets grain, or hard edges as from a thresholded scan", low=0, high=1
        ),
    )
    cut: float = field(
        default=0.0,
        metadata=about(
            "share that loses up to two rows or columns of ink at one side, as in a tight crop",
            low=0,
            high=1,
        ),
    )
    neighbours: float = field(
        default=0.0,
        metadata=about(
            "share with a piece of another digit at the left or right border", low=0, high=1
        ),
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a training, apart from the data.

    ``docs/recipes.md`` and ``digitscope train --help`` list the fields.

    Examples
    --------
    >>> RECIPES["classic"].but(epochs=10).epochs
    10
    """

    name: str = field(metadata=about("name of the recipe, stored in runs and cards"))
    filters: tuple[int, ...] = field(
        default=(),
        metadata=about(
            "filters of each 3×3 convolution; where the number increases, the picture is halved",
            low=1, high=4_096, most=50,
        ),
    )  # fmt: skip
    stem: int = field(
        default=0,
        metadata=about(
            "side of the first kernels, which then halve the picture; 0 for no stem",
            unit="pixels",
            choices=(0, 3, 5, 7),
        ),
    )
    hidden: tuple[int, ...] = field(
        default=(128,),
        metadata=about("units of each hidden layer", low=1, high=65_536, most=100),
    )
    activation: Activation = field(
        default="relu", metadata=about("activation function of the hidden layers")
    )
    dropout: float = field(
        default=0.0,
        metadata=about(
            "share of hidden units set to 0 in a step", low=0, below=1, search=Range(0.0, 0.5)
        ),
    )
    optimizer: Optimizer = field(
        default="adam",
        metadata=about("optimizer; momentum is SGD with momentum 0.9"),
    )
    learning_rate: float = field(
        default=1e-3,
        metadata=about(
            "learning rate; its peak if there is a schedule",
            above=0,
            below=math.inf,
            search=Range(1e-4, 3e-2, log=True),
        ),
    )
    beta_2: float = field(  # Kingma and Ba, ICLR 2015
        default=0.999,
        metadata=about(
            "decay of Adam's running mean of squared gradients",
            above=0,
            below=1,
            search=Choice((0.95, 0.98, 0.99, 0.999)),
        ),
    )
    schedule: Schedule = field(
        default="constant",
        metadata=about(
            "how the rate decreases to 0 after the warm-up", search=Choice(get_args(Schedule))
        ),
    )
    warmup: float = field(
        default=0.0,
        metadata=about(
            "share of the steps over which the rate rises from 0 to its peak",
            low=0,
            below=1,
            search=Range(0.0, 0.5),
        ),
    )
    batch_size: int = field(
        default=32,
        metadata=about(
            "images in a step", unit="images", low=1, search=Choice((32, 64, 128, 256, 512))
        ),
    )
    epochs: int = field(default=5, metadata=about("passes over the training images", low=1))
    validation: int = field(
        default=0,
        metadata=about(
            "training images held out, to choose settings and to fit the temperature",
            unit="images", low=0,
        ),
    )  # fmt: skip
    seed: int = field(
        default=0,
        metadata=about(
            "seed of the initial weights, the order of the images, dropout and augmentation",
            low=0,
            high=2**31 - 1,
        ),
    )
    average: float = field(  # Polyak and Juditsky, 1992
        default=0.0,
        metadata=about(
            "decay per step of the moving average of the weights that becomes the model; 0 keeps "
            "the last weights",
            low=0,
            below=1,
            search=Choice((0.0, 0.99, 0.999)),
        ),
    )
    weight_decay: float = field(  # Loshchilov and Hutter, ICLR 2019
        default=0.0,
        metadata=about(
            "decoupled weight decay, of adamw only",
            low=0,
            below=1,
            search=Range(1e-3, 0.3, log=True),
        ),
    )
    augmentation: Augmentation | None = field(
        default=None, metadata=about("random changes of the training images, new in every epoch")
    )
    synthetic: int = field(
        default=0,
        metadata=about(
            "digits drawn from parametric strokes, added in each epoch", unit="images", low=0
        ),
    )
    sources: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "data set of other writers: its digits, drawn with another pen in each epoch, are "
            "added to the training images, and its validation writers to the held-out ones"
        ),
    )
    handwritten: int = field(
        default=0,
        metadata=about("digits of the sources, added in each epoch", unit="images", low=0),
    )
    non_digits: int = field(
        default=0,
        metadata=about(
            "letters, signs, blots and broken digits, added in each epoch; with any, the "
            "network learns to refuse non-digits",
            unit="images",
            low=0,
        ),
    )

    def __post_init__(self) -> None:
        check(self)
        if self.stem and not self.filters:
            raise Misuse(f"a stem is a convolution; give it filters. Received: stem={self.stem}.")
        if self.weight_decay and self.optimizer != "adamw":
            raise Misuse(
                f"weight_decay is for the optimizer adamw. "
                f"Received: {self.weight_decay} with {self.optimizer}."
            )

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
        """Number of classes: ten digits, and possibly non-digits."""
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


def get_recipe(recipe: str | Recipe, *, others: Iterable[str] = ()) -> Recipe:
    """Return the recipe of that name; a `Recipe` is returned as it is.

    Names of `others`, which the caller handles, are listed in the message, too.

    >>> get_recipe("mpl")
    Traceback (most recent call last):
    ...
    digitscope.errors.Misuse: unknown recipe 'mpl'; there are classic, mlp, mlp-max, cnn. Did \
you mean 'mlp'?
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        known = [*RECIPES, *others]
        raise Misuse(
            f"unknown recipe {recipe!r}; there are {', '.join(known)}."
            + did_you_mean(recipe, known)
        )
    return RECIPES[recipe]
