"""The corpus: odd mails with where each must end up. Structures have names; outcomes are those of the received-mail page.

`outcome`: "ticket" (a new one), "joined" (in the ticket of Facts), or "<state>:<reason or kind>" of the row.
"""

# ruff: noqa: E501 - one mail a line reads best

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.notifications.letters import sent, told, wrapped
from tests.notifications.letters.shapes import CARE, HELP, SALE, Facts, Letter
from tests.notifications.odd_mails import Odd, odd_mails

__all__ = ["CARE", "HELP", "SALE", "Facts", "Letter", "letters"]

NOBODY = "quarantined:no_sender"
ODD_OUTCOMES = {
    **dict.fromkeys(["header-bomb", "header-megabyte", "content-type-bomb"], "quarantined:header_bomb"),
    **dict.fromkeys(["nested-60", "nested-900"], "quarantined:too_deep"),
    "parts-800": "quarantined:too_many_parts",
    **dict.fromkeys(["no-from", "from-rubbish", "from-group", "only-body", "empty", "newlines", "binary"], NOBODY),
}
BY_IMAP = frozenset({"header-megabyte", "header-bomb", "content-type-bomb", "cr-only", "empty", "binary", "newlines"})


def letters(facts: Facts) -> Iterator[Letter]:
    """Yield the corpus, every letter from a sender of its own unless it says otherwise."""
    for number, one in enumerate(_all(facts), start=1):
        raw = one.raw.replace(b"wang@customer.example", b"wang%d@customer.example" % number, 1)
        door = one.door or ("imap" if number % 3 == 0 else "smtp")
        yield replace(one, raw=raw, door=door)


def _all(facts: Facts) -> Iterator[Letter]:
    for odd in odd_mails():
        yield _of_odd(odd)
    yield from wrapped.charsets()
    yield from wrapped.file_names()
    yield from wrapped.orders()
    yield from wrapped.outlook()
    yield from wrapped.secured()
    yield from told.headers()
    yield from told.bodies()
    yield from sent.answers(facts)
    yield from sent.machines(facts)
    yield from sent.reports(facts)
    yield from sent.several(facts)


def _of_odd(odd: Odd) -> Letter:
    outcome = ODD_OUTCOMES.get(odd.name, "ticket")
    is_reading = outcome == "ticket"
    return Letter(
        odd.name, odd.structure, odd.raw, outcome, "imap" if odd.name in BY_IMAP else "",
        text=odd.text if is_reading and len(odd.text) > 3 else "", subject=odd.subject if is_reading else "",
    )  # fmt: skip
