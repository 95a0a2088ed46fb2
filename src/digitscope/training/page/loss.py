"""The loss of the page network."""

from typing import Any, NamedTuple

from keras import ops

from digitscope.models.glyph_classes import HEAT, LINK, NEXT, OFFSET, RAISED, RULING, SIZE
from digitscope.recipes.page_recipe import LossWeights

CENTRE = 255  # value of a heat map at the centre cell of a glyph


class Losses(NamedTuple):
    """The parts of the loss, each already weighted; scalars."""

    heat: Any
    box: Any
    link: Any
    ruling: Any


def page_loss(maps: Any, targets: dict[str, Any], weights: LossWeights) -> Losses:
    """Return the loss of a batch.

    Focal loss as in Zhou et al., "Objects as Points", 2019, for the classes and the crossings of
    ruling lines, divided by their number in the batch; absolute error for sizes and positions;
    cross-entropy for links and ruling lines.

    Parameters
    ----------
    maps : tensor of shape (n, h, w, 28), dtype float32
        Outputs of the network.
    targets : dict of tensor
        `digitscope.synthesis.pages.targets.Targets`, field by field, of the whole batch.
    weights : LossWeights

    Returns
    -------
    Losses
    """
    heat = ops.cast(targets["heat"], "float32") / CENTRE  # (n, h, w, 16)
    ruling = ops.cast(targets["ruling"], "float32") / CENTRE  # (n, h, w, 3)
    values = ops.cast(targets["values"], "float32")  # (n, h, w, 9)
    weight = ops.cast(targets["weight"], "float32")[..., None] / CENTRE  # (n, h, w, 1)
    open_ = 1 - ops.cast(targets["ignored"], "float32")[..., None]  # (n, h, w, 1)
    first = SIZE.start

    def given(part: slice) -> Any:
        return values[..., part.start - first : part.stop - first]

    glyphs = ops.maximum(ops.sum(weight), 1.0)
    box = weights.size * _distance(maps[..., SIZE], given(SIZE), weight)
    box += weights.offset * _distance(maps[..., OFFSET], given(OFFSET), weight)
    has_next = given(LINK)[..., :1]
    box += weights.next * _distance(maps[..., NEXT], given(NEXT), weight * has_next)
    link = weights.link * ops.sum(weight * _cross_entropy(maps[..., LINK], given(LINK)))
    raised = _cross_entropy(maps[..., RAISED], given(RAISED))
    link += weights.raised * ops.sum(weight * raised)
    lines = ruling[..., :2]
    count = 1 + (weights.on_line - 1) * lines
    entropy = _cross_entropy(maps[..., RULING][..., :2], lines)
    on_ruling = weights.ruling * ops.sum(count * entropy) / ops.sum(count)
    crossings = focal_loss(maps[..., RULING][..., 2:], ruling[..., 2:], 1.0)
    return Losses(
        weights.heat * focal_loss(maps[..., HEAT], heat, open_),
        box / glyphs,
        link / glyphs,
        on_ruling + weights.crossing * crossings,
    )


def focal_loss(logits: Any, heat: Any, counted: Any) -> Any:
    """Return the penalty-reduced focal loss of Zhou et al., 2019, with α = 2 and β = 4.

    Parameters
    ----------
    logits, heat : tensor of the same shape
        `heat` is 1 at a centre; near a centre it reduces the penalty.
    counted : tensor
        0 where an answer is neither right nor wrong; centres always count.
    """
    centre = ops.cast(heat > 1 - 1e-6, "float32")
    probability = ops.sigmoid(logits)
    no = ops.softplus(logits)  # -ln(1 - p)
    yes = no - logits  # -ln p
    near = ops.square(ops.square(1 - heat)) * counted
    found = centre * ops.square(1 - probability) * yes
    invented = (1 - centre) * near * ops.square(probability) * no
    return ops.sum(found + invented) / ops.maximum(ops.sum(centre), 1.0)


def _distance(given: Any, wanted: Any, weight: Any) -> Any:
    return ops.sum(weight * ops.abs(given - wanted))


def _cross_entropy(logits: Any, wanted: Any) -> Any:
    return ops.softplus(logits) - logits * wanted
