"""What a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import Text


class Shape(StrEnum):
    """How a metric's facts make a figure."""

    COUNT = "count"
    DURATION = "duration"
    RATIO = "ratio"
    MEAN = "mean"
    NET = "net"
    LEVEL = "level"  # how many stand at the end of the period; facts of 1 and -1 move it


class Stat(StrEnum):
    """Which statistic of a distribution the target speaks of."""

    SUM = "sum"
    MEAN = "mean"
    P50 = "p50"
    P90 = "p90"
    RATE = "rate"


@dataclass(frozen=True)
class Metric:
    """One number; `target` is in the metric's own unit: seconds, percent, points.

    `rows_need` is the right to open the rows it counts, beyond seeing the board.
    """

    key: str
    name: Text
    question: Text
    formula: Text
    shape: Shape
    headline: Stat
    unit: str
    fold: str
    target: float | None = None
    is_lower_better: bool = False
    at: Text = ""
    rows_need: str = ""
