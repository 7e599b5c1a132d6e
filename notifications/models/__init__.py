"""Models of the notifications app."""

from notifications.models.delivery import Delivery, Suppression
from notifications.models.inbound import InboundMail
from notifications.models.mailbox import Mailbox, MailboxPoll, PulledMail
from notifications.models.notice import Notice, NoticeCount, NoticePolicy
from notifications.models.provider import (
    ChannelAccount,
    InboundText,
    ProviderReceipt,
    ProviderTemplate,
    PushSubscription,
)
from notifications.models.sink import CaughtMail, CaughtNote
from notifications.models.template import MessageTemplate
from notifications.models.webhook import Webhook, WebhookFeed, WebhookSent, WebhookTry

__all__ = [
    "CaughtMail",
    "CaughtNote",
    "ChannelAccount",
    "Delivery",
    "InboundMail",
    "InboundText",
    "Mailbox",
    "MailboxPoll",
    "MessageTemplate",
    "Notice",
    "NoticeCount",
    "NoticePolicy",
    "ProviderReceipt",
    "ProviderTemplate",
    "PulledMail",
    "PushSubscription",
    "Suppression",
    "Webhook",
    "WebhookFeed",
    "WebhookSent",
    "WebhookTry",
]
