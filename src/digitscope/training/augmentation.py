"""Placeholder until the recipe search lands."""

from typing import Any


def augment(images: Any, rng: Any, settings: Any) -> Any:
    return images
