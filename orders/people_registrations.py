"""What orders know about people: duplicates, whose an order is when records are taken apart, and the comparison."""

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from core import registry
from customers.arrivals import register_arrivals
from customers.duplicates import register_duplicate_finder
from customers.enums import DuplicateReason
from orders.services.same_person import (
    customers_by_address,
    customers_by_order_contact,
    give_orders,
    orders_that_came,
)

register_duplicate_finder(DuplicateReason.ORDER_CONTACT, customers_by_order_contact)
register_duplicate_finder(DuplicateReason.NAME_ADDRESS, customers_by_address)
register_arrivals("orders", _("Orders"), find=orders_that_came, give=give_orders)
registry.register_panel(
    "compare", "customer", "orders", _("Orders and spend"), "orders:customer_facts", 10, Permission.ORDER_VIEW
)
