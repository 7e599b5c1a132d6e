"""Distributions as vectors of quantiles: hours, never decreasing, at the points of GRID.

Between the points a distribution is linear; past the last one it falls off like an exponential with the same slope as
between 90 % and 99 %, so that what has been silent for longer than anything known still has an expectation.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

GRID = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
LOW, MID, HIGH = 0.1, 0.5, 0.9
_TOP = 1 - GRID[-1]
_AT_90 = GRID.index(0.9)
MIN_SCALE = 0.5

Quantiles = Sequence[float]


def shrunk(own: Quantiles, count: int, wider: Quantiles | None, *, weight: float) -> list[float]:
    """Return the quantiles drawn towards those of the wider level, which count like `weight` observations."""
    if wider is None:
        return [float(value) for value in own]
    share = count / (count + weight)
    return [share * a + (1 - share) * b for a, b in zip(own, wider, strict=True)]


def tail_scale(q: Quantiles) -> float:
    """Return the mean of the exponential past the last point, in hours."""
    return max(MIN_SCALE, (q[-1] - q[_AT_90]) / math.log((1 - GRID[_AT_90]) / _TOP))


def survival(q: Quantiles, hours: float) -> float:
    """Return the share that takes longer than `hours`."""
    if hours < q[0]:
        return 1.0
    if hours >= q[-1]:
        return _TOP * math.exp(-(hours - q[-1]) / tail_scale(q))
    index = bisect_right(q, hours) - 1
    low, high = q[index], q[index + 1]
    share = (hours - low) / (high - low)
    return 1 - (GRID[index] + share * (GRID[index + 1] - GRID[index]))


def at_survival(q: Quantiles, share: float) -> float:
    """Return the hours that `share` (above 0) takes longer than."""
    if share <= _TOP:
        return q[-1] + tail_scale(q) * math.log(_TOP / share)
    below = 1 - share
    index = min(bisect_right(GRID, below) - 1, len(GRID) - 2)
    part = (below - GRID[index]) / (GRID[index + 1] - GRID[index])
    return q[index] + max(0.0, part) * (q[index + 1] - q[index])


def given_age(q: Quantiles, age: float, point: float) -> float:
    """Return the quantile at `point` of the whole time, knowing that it takes longer than `age` hours."""
    left = survival(q, age) * (1 - point)
    if left < 1e-12:  # far out on the tail, where age changes nothing
        return age + tail_scale(q) * -math.log(1 - point)
    return max(age, at_survival(q, left))


def chance_of_more(q: Quantiles, age: float, hours: float) -> float:
    """Return the probability of taking longer than `hours`, knowing that it takes longer than `age`."""
    if hours <= age:
        return 1.0
    base = survival(q, age)
    if base < 1e-12:
        return math.exp(-(hours - age) / tail_scale(q))
    return min(1.0, survival(q, hours) / base)


def of_known_point(hours: float, point: float) -> list[float]:
    """Return an exponential's quantiles whose value at `point` is `hours`: what is assumed before anything is known."""
    scale = hours / -math.log(1 - point)
    return [scale * -math.log(1 - p) for p in GRID]
