"""Every write of the tickets app, by noun; import from here."""

from tickets.services.attachments import discard_attachment, store_attachment
from tickets.services.blocking import block_sender, unblock_sender
from tickets.services.conversation import add_customer_message, add_note, reply_to_ticket
from tickets.services.desk_settings import count_canned_use, save_canned_reply, save_category, save_policy
from tickets.services.marks import mark_read, save_draft
from tickets.services.opening import NewTicket, open_ticket
from tickets.services.status import change_status, close_resolved_ticket, reopen_ticket, resolve_ticket
from tickets.services.work import (
    assign_ticket,
    categorise_ticket,
    connect_order,
    mark_spam,
    set_priority,
    tag_ticket,
    take_ticket,
)

__all__ = [
    "NewTicket",
    "add_customer_message",
    "add_note",
    "assign_ticket",
    "block_sender",
    "categorise_ticket",
    "change_status",
    "close_resolved_ticket",
    "connect_order",
    "count_canned_use",
    "discard_attachment",
    "mark_read",
    "mark_spam",
    "open_ticket",
    "reopen_ticket",
    "reply_to_ticket",
    "resolve_ticket",
    "save_canned_reply",
    "save_category",
    "save_draft",
    "save_policy",
    "set_priority",
    "store_attachment",
    "tag_ticket",
    "take_ticket",
    "unblock_sender",
]
