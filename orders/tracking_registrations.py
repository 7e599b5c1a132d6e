"""What the tracking page adds: the way in on the front page, the link beside an order, old look-ups forgotten."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from core import registry
from core.jobs import periodic
from orders.services.lookups import forget_lookups

registry.register_front_link(
    "track", _("Where is my parcel?"), _("With your order number and your phone."), "truck-delivery", "orders:track", 5
)
registry.register_panel(
    "order", "order", "tracking_link", _("Tracking page"), "orders:tracking_link", 90, Permission.ORDER_VIEW
)


@periodic("orders.forget_lookups", every=timedelta(days=1), fill=False)
def _forget_lookups(*, period_start: datetime) -> None:
    forget_lookups(at=timezone.now())
