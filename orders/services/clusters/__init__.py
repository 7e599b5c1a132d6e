"""Standstills found by their silent parcels: found once, followed, dismissed, settled; import from here."""

from orders.services.clusters.ending import SETTLE_JOB, dismiss_finding, settle_exceptions
from orders.services.clusters.finding import find_clusters

__all__ = ["SETTLE_JOB", "dismiss_finding", "find_clusters", "settle_exceptions"]
