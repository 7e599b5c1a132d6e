"""Models of the tickets app."""

from tickets.models.desk import (
    BlockedSender,
    CannedReply,
    Category,
    Draft,
    SlaPolicy,
    TicketRead,
)
from tickets.models.message import Attachment, Message, StoredBytes
from tickets.models.ticket import Ticket

__all__ = [
    "Attachment",
    "BlockedSender",
    "CannedReply",
    "Category",
    "Draft",
    "Message",
    "SlaPolicy",
    "StoredBytes",
    "Ticket",
    "TicketRead",
]
