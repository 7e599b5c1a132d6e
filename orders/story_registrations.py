"""What an order's story tells of orders, parcels, exceptions and incidents."""

from __future__ import annotations

from accounts.enums import Permission
from core.stories import Part, keep_silent, tell

tell(Part.ORDER, "order.", "order_request.")
tell(Part.INSIDE, "order.noted")
tell(Part.MONEY, "order.paid", "order.refunded", "order.compensation_proposed")
tell(Part.PARCELS, "parcel.", "exception.", "order.promise_", "order.delay_expected")
tell(Part.ORDER, "incident.order_", permission=Permission.INCIDENT_VIEW)
keep_silent("the incident's own page counts its orders; each order has its own line", "incident.orders_attached")

from orders import then_words  # noqa: E402, F401 - how it stood at a moment
