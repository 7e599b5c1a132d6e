"""The way from a tracked parcel to a person: the contact form, the order filled in."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.tracking_doors import register_tracking_door


def _contact(order: Order) -> str:
    return f"{reverse('tickets:contact')}?{urlencode({'shop': order.shop.code, 'order': order.number})}"


register_tracking_door(
    "contact", _("Write to us"), _("The order is filled in already."), "message-circle", 30, _contact
)
