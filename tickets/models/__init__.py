"""Models of the tickets app."""

from tickets.models.bulk import BulkItem, BulkRun
from tickets.models.custom_field import CustomField, FieldValue
from tickets.models.clock import SlaClock
from tickets.models.desk import (
    BlockedSender,
    CannedReply,
    Category,
    Draft,
    TicketRead,
)
from tickets.models.link import MovedMessage, TicketLink, TicketMerge
from tickets.models.macro import Macro
from tickets.models.message import Attachment, Message, StoredBytes
from tickets.models.outbox import HeldMessage
from tickets.models.saved_view import SavedView
from tickets.models.sla import RepriceRun, SlaPolicy
from tickets.models.ticket import Ticket

__all__ = [
    "Attachment",
    "BlockedSender",
    "BulkItem",
    "BulkRun",
    "CannedReply",
    "Category",
    "CustomField",
    "Draft",
    "FieldValue",
    "HeldMessage",
    "Macro",
    "Message",
    "MovedMessage",
    "SavedView",
    "RepriceRun",
    "SlaClock",
    "SlaPolicy",
    "StoredBytes",
    "Ticket",
    "TicketLink",
    "TicketMerge",
    "TicketRead",
]
