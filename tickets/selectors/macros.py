"""Macros as an agent meets them: which, what they would do here, and whether she may."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import has
from core.text import pinyin_initials
from tickets.enums import MacroAssign, MessageKind, Priority, TicketStatus
from tickets.models import Macro, Ticket
from tickets.permissions import permission_for_status
from tickets.selectors.canned import fill_in, missing_in, variables_for

MOST = 40


@dataclass(frozen=True)
class Offer:
    """A macro for one ticket: its words filled in, its steps in words, and why it may not be used, if so."""

    macro: Macro
    text: str
    missing: list[str] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)
    refused: str = ""


def macros_of(staff: Staff) -> QuerySet[Macro]:
    """Return everybody's macros and this person's own, those in use."""
    return Macro.objects.filter(Q(owner__isnull=True) | Q(owner=staff), is_active=True)


def macros_for_settings(staff: Staff) -> QuerySet[Macro]:
    """Return everybody's macros and this person's own, resting ones too."""
    rows = Macro.objects.filter(Q(owner__isnull=True) | Q(owner=staff)).select_related("category", "assignee", "team")
    return rows.order_by("-is_active", "folder", F("used_count").desc(), "title", "pk")


def offer_macros(ticket: Ticket, staff: Staff, *, query: str, language: str) -> list[Offer]:
    """Return the macros that match, the most used first, each as it would work on this ticket."""
    wanted = query.strip().lower()
    rows = macros_of(staff).select_related("category", "assignee", "team").order_by(F("used_count").desc(), "title")
    found = [row for row in rows[:300] if not wanted or _fits(row, wanted)][:MOST]
    values = variables_for(ticket, staff) if found else {}
    return [_offer(row, staff, values, language) for row in found]


def _fits(row: Macro, wanted: str) -> bool:
    return (
        wanted in row.title.lower()
        or wanted in row.folder.lower()
        or pinyin_initials(row.title).lower().startswith(wanted)
    )


def _offer(row: Macro, staff: Staff, values: dict[str, str], language: str) -> Offer:
    text = fill_in(row.body, values)
    lacking = [right for right in rights_for(row) if not has(staff, right)]
    refused = gettext("You may not do one of its steps.") if lacking else ""
    return Offer(row, text, missing_in(text), steps_in_words(row, language), refused)


def rights_for(macro: Macro) -> set[Permission]:
    """Return what a person must be allowed to, to use a macro."""
    rights = {Permission.TICKET_NOTE if macro.kind == MessageKind.NOTE else Permission.TICKET_REPLY}
    if macro.status:
        rights.add(permission_for_status(macro.status))
    if macro.category_id or macro.priority is not None or macro.add_tags or macro.remove_tags:
        rights.add(Permission.TICKET_EDIT)
    if macro.assign in {MacroAssign.PERSON, MacroAssign.QUEUE} or macro.team_id:
        rights.add(Permission.TICKET_ASSIGN)
    return rights


def steps_in_words(macro: Macro, language: str) -> list[tuple[str, str]]:
    """Return (icon, words) of each step besides the words."""
    steps: list[tuple[str, str]] = []
    if macro.category:
        steps.append(("tag", gettext("Category: %(name)s") % {"name": macro.category.name_in(language)}))
    if macro.priority is not None:
        steps.append(("flame", gettext("Priority: %(name)s") % {"name": Priority(macro.priority).label}))
    steps += [("tags", f"+ {tag}") for tag in macro.add_tags]
    steps += [("tags", f"− {tag}") for tag in macro.remove_tags]
    steps += _assign_words(macro)
    if macro.status:
        steps.append(("circle-dot", gettext("Status: %(status)s") % {"status": TicketStatus(macro.status).label}))
    return steps


def _assign_words(macro: Macro) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    if macro.assign == MacroAssign.ME:
        words.append(("user-check", gettext("Assigned to me")))
    elif macro.assign == MacroAssign.PERSON and macro.assignee:
        words.append(("user-check", gettext("Assigned to %(name)s") % {"name": macro.assignee.display_name}))
    elif macro.assign == MacroAssign.QUEUE:
        words.append(("inbox", gettext("Back to the queue.")))
    if macro.team:
        words.append(("users", gettext("Team: %(name)s") % {"name": macro.team.name}))
    return words


def macro_values(macro: Macro) -> dict[str, Any]:
    """Return a macro as its form shows it."""
    names = ("title", "folder", "kind", "body", "status", "priority", "assign", "is_active", "version")
    values = {name: getattr(macro, name) for name in names}
    return values | {
        "category": macro.category_id, "assignee": macro.assignee_id, "team": macro.team_id,
        "add_tags": " ".join(macro.add_tags), "remove_tags": " ".join(macro.remove_tags),
        "is_shared": macro.owner_id is None,
    }  # fmt: skip
