"""Models of the notifications app."""

from notifications.models.delivery import Delivery, Suppression
from notifications.models.inbound import InboundMail
from notifications.models.mailbox import Mailbox, MailboxPoll, PulledMail
from notifications.models.sink import CaughtMail
from notifications.models.template import MessageTemplate

__all__ = [
    "CaughtMail",
    "Delivery",
    "InboundMail",
    "Mailbox",
    "MailboxPoll",
    "MessageTemplate",
    "PulledMail",
    "Suppression",
]
