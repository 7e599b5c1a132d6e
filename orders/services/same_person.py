"""What orders know about people: which customers look like one, and whose an order is when records are taken apart."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import connection

from core.actors import Actor
from core.crypto import decrypt
from core.live import announce
from customers.arrivals import Came
from customers.selectors import identity_index
from customers.services.duplicates import LARGEST_GROUP, groups_from
from orders.models import Order

MOST_ADDRESSES = 20_000
MOST_ARRIVALS = 5000

_SAME_PHONE = """
WITH contact AS (
    SELECT phone_index AS digest, customer_id FROM orders_order WHERE phone_index IS NOT NULL
    UNION SELECT value_index, customer_id FROM customers_identity WHERE kind = 'phone')
SELECT array_agg(DISTINCT coalesce(c.merged_into_id, c.id)) FROM contact o
  JOIN customers_customer c ON c.id = o.customer_id
 WHERE c.erased_at IS NULL
 GROUP BY o.digest HAVING count(DISTINCT coalesce(c.merged_into_id, c.id)) BETWEEN 2 AND %s
"""
# Addresses are encrypted: those of people with one name in one region are opened and compared here.
_SAME_NAME = """
SELECT o.street_enc, coalesce(c.merged_into_id, c.id), n.name || '|' || n.region
  FROM (SELECT lower(replace(o.recipient, ' ', '')) AS name, o.region FROM orders_order o
         WHERE o.street_enc IS NOT NULL AND length(o.recipient) > 1 AND o.recipient NOT LIKE '%%*%%'
         GROUP BY 1, 2 HAVING count(DISTINCT o.customer_id) BETWEEN 2 AND %s LIMIT %s) n
  JOIN orders_order o ON lower(replace(o.recipient, ' ', '')) = n.name AND o.region = n.region
  JOIN customers_customer c ON c.id = o.customer_id
 WHERE o.street_enc IS NOT NULL AND c.erased_at IS NULL
 ORDER BY o.id DESC LIMIT %s
"""


def customers_by_order_contact() -> Iterator[list[int]]:
    """Yield groups of customers whose orders (or own contacts) name the same phone."""
    return groups_from(_SAME_PHONE)


def customers_by_address() -> Iterator[list[int]]:
    """Yield groups of customers who had goods sent under the same name to the same address."""
    with connection.cursor() as cursor:
        cursor.execute(_SAME_NAME, [LARGEST_GROUP, MOST_ADDRESSES, MOST_ADDRESSES])
        rows = cursor.fetchall()
    people: dict[str, set[int]] = defaultdict(set)
    for street, customer_id, place in rows:
        if plain := plain_address(decrypt(bytes(street))):
            people[f"{place}|{plain}"].add(customer_id)
    yield from (sorted(ids) for ids in people.values() if 1 < len(ids) <= LARGEST_GROUP)


def plain_address(text: str) -> str:
    """Return an address without spaces, punctuation and width: only what tells one door from another."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(char for char in folded if char.isalnum())


def orders_that_came(came: Came) -> list[int]:
    """Return orders placed here meanwhile for a contact of the record that is taken out."""
    rows = Order.objects.filter(customer_id=came.customer_id, created_at__gte=came.since).order_by("pk")
    return [
        pk
        for pk, number, phone in rows.values_list("pk", "number", "phone_index")[:MOST_ARRIVALS]
        if (phone is not None and bytes(phone) in came.digests)
        or identity_index("shop_account", f"order:{number}") in came.digests
    ]


def give_orders(ids: Sequence[int], customer_id: int, actor: Actor, at: datetime) -> int:
    """Hand orders to the customer whose contact they came by; call inside the service's transaction."""
    orders = list(Order.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    for order in orders:
        order.customer_id = customer_id
        order.version += 1
        order.save(update_fields=["customer", "version"])
        announce(f"order.{order.pk}", "order", order.pk, order.version)
    return len(orders)
