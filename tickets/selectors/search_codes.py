"""What a number or a name points to: tickets by number, order, tracking number, phone, own field, customer's name."""

from __future__ import annotations

import re
from typing import Any

from django.db import connection
from django.db.models import Q

from core.text import normalise_order_number, normalise_phone
from customers.selectors import last4_index, phone_index
from tickets.models.ticket import NUMBER_OFFSET

_NUMBER = re.compile(r"#?(\d{6,10})")
_CODE = re.compile(r"[A-Za-z0-9\-_]{5,64}")
MOST_NAMES = 50
LONGEST_NAME = 60

# A joined record and the one that counts are one person: all their tickets are found by either's contact or name.
FAMILY = """JOIN customers_customer o ON o.id = d.id JOIN customers_customer f
    ON f.id = coalesce(o.merged_into_id, o.id) OR f.merged_into_id = coalesce(o.merged_into_id, o.id)"""
OWNERS = """
SELECT 'o', id FROM (SELECT id FROM orders_order WHERE number = %(code)s OR number = %(upper)s LIMIT 50) a
UNION ALL SELECT 'o', id FROM (SELECT order_id AS id FROM orders_parcel
            WHERE tracking_number = %(upper)s OR tracking_number = %(code)s LIMIT 50) b
UNION ALL SELECT 'o', id FROM (SELECT id FROM orders_order
            WHERE phone_index = %(phone)s OR phone_last4_index = %(last4)s ORDER BY id DESC LIMIT 100) c
UNION ALL SELECT 'c', f.id FROM (SELECT customer_id AS id FROM customers_identity
   WHERE (kind = 'phone' AND value_index = %(phone)s) OR last4_index = %(last4)s LIMIT 100) d {family}
UNION ALL SELECT 't', id FROM (SELECT ticket_id AS id FROM tickets_field_value WHERE value = %(code)s
            ORDER BY ticket_id DESC LIMIT 100) e
""".replace("{family}", FAMILY)
NAMED = f"""SELECT 'c', f.id FROM (SELECT id FROM customers_customer
   WHERE name ILIKE %(name)s ORDER BY id DESC LIMIT 50) d {FAMILY}"""  # allowed: a constant


def pointed_to(words: str) -> Q | None:
    """Return the tickets a number or the beginning of a customer's name points to; None for mere words."""
    wanted = Q()
    number = _NUMBER.fullmatch(words)
    if number and int(number[1]) > NUMBER_OFFSET:
        wanted |= Q(pk=int(number[1]) - NUMBER_OFFSET)
    compact = words.lstrip("#").replace(" ", "")
    is_code = bool(_CODE.fullmatch(compact)) or _is_last4(compact) or bool(normalise_phone(words))
    is_name = 2 <= len(words) <= LONGEST_NAME and not any(sign.isdecimal() for sign in words)
    found = _owners(compact if is_code else "", words if is_name else "")
    wanted |= Q(order_id__in=found["o"]) if found["o"] else Q()
    wanted |= Q(customer_id__in=found["c"]) if found["c"] else Q()
    wanted |= Q(pk__in=found["t"]) if found["t"] else Q()
    return wanted or None


def _is_last4(code: str) -> bool:
    return len(code) == 4 and code.isdecimal()


def _owners(code: str, name: str) -> dict[str, list[int]]:
    """Return ids of orders and customers a number or a name belongs to, and of tickets with it in an own field."""
    of: dict[str, list[int]] = {"o": [], "c": [], "t": []}
    statements = [OWNERS] * bool(code) + [NAMED] * bool(name)
    if not statements:
        return of
    phone = normalise_phone(code) if code else None
    values: dict[str, Any] = {
        "code": code,
        "upper": normalise_order_number(code),
        "phone": phone_index(phone) if phone else None,
        "last4": last4_index(code) if _is_last4(code) else None,
        "name": re.sub(r"([\\%_])", r"\\\1", name) + "%",
    }
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        for kind, pk in cursor.fetchall():
            of[kind].append(pk)
    return of
