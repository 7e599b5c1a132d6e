"""When parcels will come: learnt from what came, kept for every parcel under way, judged by what arrives."""

from orders.services.estimates.learning import learn_lanes
from orders.services.estimates.refreshing import refresh_due, refresh_estimates

__all__ = ["learn_lanes", "refresh_due", "refresh_estimates"]
