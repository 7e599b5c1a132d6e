"""Why a ticket is where it is, in words: the reason codes of `ticket.assigned`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext, ngettext

Words = Callable[[dict[str, Any]], str]


def _least_load(data: dict[str, Any]) -> str:
    load = int(data.get("load") or 0)
    words = ngettext(
        "least in work, %(n)d ticket, of all who were free",
        "least in work, %(n)d tickets, of all who were free",
        load,
    )
    return words % {"n": load}


WORDS: dict[str, Words] = {
    "dedicated_agent": lambda data: gettext("looks after this customer"),
    "last_agent": lambda data: gettext("served this customer last"),
    "best_skill": lambda data: gettext("has the skill this category needs"),
    "best_language": lambda data: gettext("speaks the customer's language"),
    "vip_trained": lambda data: gettext("trained for VIP customers"),
    "only_one_free": lambda data: gettext("the only one who fitted and was free"),
    "least_load": _least_load,
    "longest_idle": lambda data: gettext("without a new ticket for longest"),
    "handed_over": lambda data: gettext("hand-over"),
    "agent_absent": lambda data: gettext("the agent had been away for a while"),
    "agent_off_shift": lambda data: gettext("the agent is off shift"),
    "transferred": lambda data: gettext("handed on, see the note"),
    "undone": lambda data: gettext("undone"),
    "by_rule": lambda data: gettext("an automation rule"),
}


def why_words(reason: str, data: dict[str, Any]) -> str:
    """Return why, in a few words; empty where the fact speaks for itself."""
    wording = WORDS.get(reason)
    return wording(data) if wording else ""
