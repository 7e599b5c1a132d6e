"""The steps customers are told of, and what is usual for each."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class NoticeStep(models.TextChoices):
    """One thing a customer is told about an order, once."""

    CONFIRMATION = "confirmation", _("Order confirmed")
    SHIPPED = "shipped", _("Shipped")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    PICKUP_CODE = "pickup_code", _("Ready for pickup, with its code")
    DELIVERED = "delivered", _("Delivered")
    DELAYED = "delayed", _("Later than promised")
    EXCEPTION = "exception", _("Something is wrong with the parcel")


@dataclass(frozen=True)
class Usual:
    """What holds for a step until somebody changes it; `hours` after it happened nobody is told any more."""

    hours: int
    is_on: bool = True
    is_urgent: bool = False
    is_critical: bool = False
    is_everywhere: bool = False


USUAL: dict[str, Usual] = {
    NoticeStep.CONFIRMATION: Usual(48, is_critical=True),
    NoticeStep.SHIPPED: Usual(48),
    NoticeStep.OUT_FOR_DELIVERY: Usual(10),
    NoticeStep.PICKUP_CODE: Usual(48, is_urgent=True, is_critical=True),
    NoticeStep.DELIVERED: Usual(24),
    NoticeStep.DELAYED: Usual(48),
    NoticeStep.EXCEPTION: Usual(72, is_critical=True),
}

OVERTAKES: dict[str, tuple[str, ...]] = {
    NoticeStep.OUT_FOR_DELIVERY: (NoticeStep.SHIPPED,),
    NoticeStep.PICKUP_CODE: (NoticeStep.SHIPPED, NoticeStep.OUT_FOR_DELIVERY),
    NoticeStep.DELIVERED: (
        NoticeStep.SHIPPED,
        NoticeStep.OUT_FOR_DELIVERY,
        NoticeStep.PICKUP_CODE,
        NoticeStep.DELAYED,
        NoticeStep.EXCEPTION,
    ),
}
"""What has not left yet when a later step comes is taken back: nobody wants to read it then."""
