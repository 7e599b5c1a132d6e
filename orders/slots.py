"""What changes from call to call in the kept statements about orders (core.kept)."""

from __future__ import annotations

from core.kept import Slot, number_slot

ORDER = number_slot("order", 3)


def one_order() -> tuple[Slot, ...]:
    """Return the slot of statements about one order."""
    return (ORDER,)


READER = number_slot("reader", 4)


def order_and_reader() -> tuple[Slot, ...]:
    """Return the slots of statements about one order as a person sees it."""
    return ORDER, READER


NUMBER = Slot("number", "\ue010 a number of an order", "text")
PHONE = Slot("phone", b"the index of a phone", "bytea")


def what_is_sought() -> tuple[Slot, ...]:
    """Return the slots of look-ups by what people have in hand."""
    return NUMBER, PHONE
