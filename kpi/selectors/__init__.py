"""Read figures: sums over the roll-ups, percentiles, and the rows behind a number."""

from kpi.selectors.figures import SERIES_DAYS, Figure, figures
from kpi.selectors.filters import Filters
from kpi.selectors.rows import rows_behind

__all__ = ["SERIES_DAYS", "Figure", "Filters", "figures", "rows_behind"]
