"""Every write of the tickets app, by noun; import from here."""

from tickets.services.attachments import discard_attachment, store_attachment
from tickets.services.blocking import block_sender, unblock_sender
from tickets.services.categories import delete_category, rest_category, save_category, shift_category
from tickets.services.conversation import add_customer_message, add_note, reply_to_ticket
from tickets.services.desk_settings import count_canned_use, save_canned_reply
from tickets.services.fields import fill_fields, save_field
from tickets.services.macros import save_macro
from tickets.services.marks import mark_read, save_draft
from tickets.services.opening import NewTicket, open_ticket
from tickets.services.sla.policies import move_policy, save_policy
from tickets.services.status import change_status, close_resolved_ticket, reopen_ticket, resolve_ticket
from tickets.services.undo_send import change_planned, hold_message, release_held, send_held_now, take_back
from tickets.services.work import (
    assign_ticket,
    categorise_ticket,
    change_tags,
    connect_order,
    mark_spam,
    return_ticket,
    set_priority,
    tag_ticket,
    take_ticket,
    transfer_ticket,
)

__all__ = [
    "NewTicket",
    "add_customer_message",
    "add_note",
    "assign_ticket",
    "block_sender",
    "categorise_ticket",
    "change_planned",
    "change_status",
    "change_tags",
    "close_resolved_ticket",
    "connect_order",
    "count_canned_use",
    "delete_category",
    "discard_attachment",
    "fill_fields",
    "hold_message",
    "mark_read",
    "mark_spam",
    "move_policy",
    "open_ticket",
    "release_held",
    "reopen_ticket",
    "reply_to_ticket",
    "resolve_ticket",
    "rest_category",
    "return_ticket",
    "save_canned_reply",
    "save_category",
    "save_draft",
    "save_field",
    "save_macro",
    "save_policy",
    "send_held_now",
    "set_priority",
    "shift_category",
    "store_attachment",
    "tag_ticket",
    "take_back",
    "take_ticket",
    "transfer_ticket",
    "unblock_sender",
]
