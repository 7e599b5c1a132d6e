"""What an order's story tells of tickets, messages, calls and the work around them, and to whom."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import team_scope
from core.stories import Part, keep_silent, register_beside, register_story_door, register_whole_story, tell
from tickets.message_story import BEGINS, message_begins, render_message_events, render_opened
from tickets.permissions import tickets_visible_to

VIEW = Permission.TICKET_VIEW
tell(Part.TALK, "message.", "call.", "ticket.opened", "ticket.resolved", "ticket.reopened", permission=VIEW)
tell(Part.INSIDE, "message.noted", "ticket.", "clock.", "task.", "defect.", "joint_response.", permission=VIEW)
tell(Part.INSIDE, "rule.acted", "incident_ticket.unlinked", permission=VIEW)
tell(Part.FOLLOW_UP, "promise.", permission=VIEW)
keep_silent("one line a call: the one of its end", "call.rang", "call.answered", "call.wrapped_up")
keep_silent("the order's own line about the incident says it", "incident_ticket.linked")
keep_silent("seconds somebody looked at a ticket are no news of the order", "ticket.worked")
keep_silent("a call owed to a customer is told by the call that is made", "call_back.")
keep_silent("what reviewers say of a colleague's work is between the two", "quality.", "coaching.")
keep_silent("a tick on the checklist of the ticket; the ticket shows it", "ticket_step.")
keep_silent("asked for; the answer has its line", "joint_response.asked")
keep_silent("the deadline is still kept: only what comes near and what is missed is news", "clock.met")
keep_silent("a reminder inside the desk; the promise broken has its line", "promise.warned")
keep_silent("the mail that carries it has its own line", "ticket.transcript_sent")
register_beside(BEGINS, message_begins())
register_whole_story("message.", render_message_events)
register_whole_story("ticket.opened", render_opened)


def _door(viewer: Staff) -> Q | None:
    """Keep the events of tickets from those who may not see the ticket."""
    if team_scope(viewer) is None and viewer.may(VIEW):
        return None
    seen = Exists(tickets_visible_to(viewer).filter(pk=OuterRef("ticket_id")))
    return Q(ticket_id__isnull=True) | Q(seen)


register_story_door("tickets", _door)

from tickets import then_words  # noqa: E402, F401 - which tickets were open at a moment
