"""A letter of the corpus, and what letters refer to."""

from __future__ import annotations

from dataclasses import dataclass

CARE, HELP, SALE = "care@service.example", "help@shop.example", "sale@service.example"


@dataclass(frozen=True)
class Facts:
    """What the letters refer to: the customer's ticket, our answer in it, signed and forged names of it."""

    ticket_id: int
    customer: str
    answer_id: str  # <…>
    asked_id: str
    thread: str
    reply_to: str
    forged_reply: str
    loop_mark: str


@dataclass(frozen=True)
class Letter:
    """A mail, the door it comes by ("smtp" or "imap"), and what must become of it."""

    name: str
    structure: str
    raw: bytes
    outcome: str = "ticket"
    door: str = ""
    sender: str = "someone@customer.example"  # of the envelope; empty for reports
    to: tuple[str, ...] = (CARE,)
    text: str = ""
    quoted: str = ""
    files: tuple[str, ...] = ()
    subject: str = ""
