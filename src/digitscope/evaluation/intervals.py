"""Confidence intervals of a share."""

import math


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval for the share `right` / `n` (Wilson, 1927).

    >>> low, high = wilson_interval(9764, 10_000)
    >>> f"{low:.4f} {high:.4f}"
    '0.9732 0.9792'
    """
    z = 1.959963984540054  # the 97.5th percentile of the normal distribution
    share = right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
