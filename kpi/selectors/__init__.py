"""Read figures: sums over the roll-ups, percentiles, and the rows behind a number."""

from kpi.selectors.figures import SERIES_DAYS, Figure, figures
from kpi.selectors.filters import Filters
from kpi.selectors.rows import AGES, ages_of, level_moment, rows_behind, with_ages

__all__ = [
    "AGES", "SERIES_DAYS", "Figure", "Filters", "ages_of", "figures", "level_moment", "rows_behind", "with_ages",
]  # fmt: skip
