"""The Wilson score interval of a share (E. B. Wilson, J Am Stat Assoc 1927;22:209)."""

from __future__ import annotations

import math


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of k among n."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.959964, k / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
