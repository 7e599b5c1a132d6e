"""Addresses that carry a proof: where replies to a ticket go, and where bounces of a delivery come back to.

`reply+12.<mac>@domain` is ours only when the sixteen characters fit the number; anything else is a stranger's guess.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings

from core.crypto import same, short_mac
from core.text import normalise_email

_TAGGED = re.compile(r"(reply|bounce)\+(\d{1,18})\.([a-z2-7]{16})")
_THREAD = re.compile(r"<?ticket\.(\d{1,18})\.([a-z2-7]{16})@([^<>@\s]{1,190})>?", re.IGNORECASE)


def reply_address(ticket_id: int, mailbox: Any = None) -> str:
    """Return the address whose mail belongs to a ticket. `mailbox` may later choose another domain."""
    return _tagged("reply", ticket_id)


def read_reply_address(address: str) -> int | None:
    """Return the ticket a reply address proves, None for anything else."""
    return _read("reply", address)


def bounce_address(delivery_id: int) -> str:
    """Return the envelope sender to which a delivery's bounce comes back."""
    return _tagged("bounce", delivery_id)


def read_bounce_address(address: str) -> int | None:
    """Return the delivery a bounce address proves, None for anything else."""
    return _read("bounce", address)


def thread_id(ticket_id: int) -> str:
    """Return the id that stands first among the References of every mail about a ticket; answers carry it back.

    It proves the ticket like the reply address does, also where a provider takes no mail for made-up addresses.
    """
    return f"<ticket.{ticket_id}.{short_mac(str(ticket_id), 'mail.thread')}@{settings.MAIL_DOMAIN}>"


def read_thread_id(message_id: str) -> int | None:
    """Return the ticket an id among References proves, None for any other id and for a forged one."""
    found = _THREAD.fullmatch(message_id.strip())
    if found is None or found[3].lower() != settings.MAIL_DOMAIN.lower():
        return None
    is_ours = same(found[2].lower(), short_mac(found[1], "mail.thread"))
    return int(found[1]) if is_ours else None


def domain_of(address: str) -> str:
    """Return the part behind the @ in lower case."""
    return address.rpartition("@")[2].lower()


def canonical(address: str) -> str:
    """Return an address as it is compared and digested."""
    return normalise_email(address) or address.strip().lower()


def _tagged(kind: str, number: int) -> str:
    return f"{kind}+{number}.{short_mac(str(number), f'mail.{kind}')}@{settings.MAIL_DOMAIN}"


def _read(kind: str, address: str) -> int | None:
    local, _at, domain = address.strip().strip("<>").lower().rpartition("@")
    found = _TAGGED.fullmatch(local)
    if found is None or found[1] != kind or domain != settings.MAIL_DOMAIN.lower():
        return None
    if not same(found[3], short_mac(found[2], f"mail.{kind}")):
        return None
    return int(found[2])
