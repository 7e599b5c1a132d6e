"""What an incident means for conversations: link tickets, tell customers, end it together; import from here."""

from tickets.services.incidents.closing import close_incident, resolve_waiting
from tickets.services.incidents.findings import prepare_for_finding
from tickets.services.incidents.linking import link_found_tickets, link_opened_ticket, unlink_tickets_of_order
from tickets.services.incidents.preparing import cancel_update, continue_update, pause_update, save_draft, send_update
from tickets.services.incidents.telling import TELL_JOB, tell_all, tell_by_job, tell_latecomers

__all__ = [
    "TELL_JOB",
    "cancel_update",
    "close_incident",
    "continue_update",
    "link_found_tickets",
    "link_opened_ticket",
    "pause_update",
    "prepare_for_finding",
    "resolve_waiting",
    "save_draft",
    "send_update",
    "tell_all",
    "tell_by_job",
    "tell_latecomers",
    "unlink_tickets_of_order",
]
