"""Parcels that are silent for longer than their lane ever is."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, QuerySet

from orders.estimate_enums import ESTIMATED
from orders.models import Parcel


def silent_parcels(at: datetime) -> QuerySet[Parcel]:
    """Return the parcels under way that have been silent past what their lane knows, by their `quiet_at`.

    A scan of the same status moves `quiet_at` only when it is next looked at: until then the parcel is not silent, as
    its last scan is not the one that was estimated.
    """
    heard_nothing = Q(last_scan_at=F("estimated_scan_at")) | Q(last_scan_at=None, estimated_scan_at=None)
    return Parcel.objects.filter(heard_nothing, quiet_at__lte=at, estimated_status=F("status"), status__in=ESTIMATED)
