"""Models of the tickets app."""

from tickets.models.custom_field import CustomField, FieldValue
from tickets.models.desk import (
    BlockedSender,
    CannedReply,
    Category,
    Draft,
    SlaPolicy,
    TicketRead,
)
from tickets.models.macro import Macro
from tickets.models.message import Attachment, Message, StoredBytes
from tickets.models.outbox import HeldMessage
from tickets.models.ticket import Ticket

__all__ = [
    "Attachment",
    "BlockedSender",
    "CannedReply",
    "Category",
    "CustomField",
    "Draft",
    "FieldValue",
    "HeldMessage",
    "Macro",
    "Message",
    "SlaPolicy",
    "StoredBytes",
    "Ticket",
    "TicketRead",
]
