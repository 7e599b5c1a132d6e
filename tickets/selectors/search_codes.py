"""What a number or a name points to: tickets by number, order, tracking number, phone, own field, customer's name."""

from __future__ import annotations

import re
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from core.kept import Slot, number_slot
from core.text import normalise_order_number, normalise_phone
from customers.selectors import last4_index, phone_index
from tickets.models.ticket import NUMBER_OFFSET
from tickets.slots import STAFF

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
# The same in one statement. Each step asks for a list of keys: the indexes are the only way, whatever is guessed.
WITH_CODE = f"""tickets_ticket.id = ANY (ARRAY(WITH owner (kind, id) AS MATERIALIZED ({OWNERS})
   SELECT t.id FROM tickets_ticket t WHERE t.order_id = ANY (ARRAY(SELECT id FROM owner WHERE kind = 'o'))
UNION ALL SELECT t.id FROM tickets_ticket t WHERE t.customer_id = ANY (ARRAY(SELECT id FROM owner WHERE kind = 'c'))
UNION ALL SELECT id FROM owner WHERE kind = 't' UNION ALL SELECT %(ticket)s))"""  # allowed: a constant
_PLACE = re.compile(r"%\((\w+)\)s")
CODE_SLOTS = {
    "code": Slot("code", "a-code-like-no-other-0d1c", "text"),
    "upper": Slot("upper", "A-CODE-LIKE-NO-OTHER-0D1C", "text"),
    "phone": Slot("phone", b"the digest of no phone", "bytea"),
    "last4": Slot("last4", b"the digest of no last four digits", "bytea"),
    "ticket": number_slot("ticket", 4),
}


def code_slots() -> tuple[Slot, ...]:
    """Return the slots of statements about what a code points to, as a person sees it."""
    return STAFF, *CODE_SLOTS.values()


def with_code() -> RawSQL:
    """Ask for the tickets a code points to, the samples of its slots in the place of values."""
    values = [CODE_SLOTS[name].sample for name in _PLACE.findall(WITH_CODE)]
    return RawSQL(_PLACE.sub("%s", WITH_CODE), values, output_field=BooleanField())


def read_code(words: str) -> dict[str, Any] | None:
    """Return what fills the slots of `with_code` when the words are a number and can be nobody's name, else None."""
    code, name, ticket = _read(words)
    return _values(code) | {"ticket": ticket} if code and not name else None


def _read(words: str) -> tuple[str, str, int | None]:
    """Return the words as a code, as the beginning of a name (empty when they cannot be one), as a ticket's key."""
    number = _NUMBER.fullmatch(words)
    ticket = int(number[1]) - NUMBER_OFFSET if number and int(number[1]) > NUMBER_OFFSET else None
    compact = words.lstrip("#").replace(" ", "")
    is_code = bool(_CODE.fullmatch(compact)) or _is_last4(compact) or bool(normalise_phone(words))
    is_name = 2 <= len(words) <= LONGEST_NAME and not any(sign.isdecimal() for sign in words)
    return compact if is_code else "", words if is_name else "", ticket


def pointed_to(words: str) -> Q | None:
    """Return the tickets a number or the beginning of a customer's name points to; None for mere words."""
    code, name, ticket = _read(words)
    wanted = Q(pk=ticket) if ticket is not None else Q()
    found = _owners(code, name)
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
    pattern = re.sub(r"([\\%_])", r"\\\1", name) + "%"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), _values(code) | {"name": pattern})
        for kind, pk in cursor.fetchall():
            of[kind].append(pk)
    return of


def _values(code: str) -> dict[str, Any]:
    phone = normalise_phone(code) if code else None
    return {
        "code": code,
        "upper": normalise_order_number(code),
        "phone": phone_index(phone) if phone else None,
        "last4": last4_index(code) if _is_last4(code) else None,
    }
