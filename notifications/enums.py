"""What messages out and mail in can be, and how they move on."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """A way to reach a person."""

    EMAIL = "email", pgettext_lazy("channel", "Email")
    SMS = "sms", _("Text message")
    WECHAT = "wechat", _("WeChat")
    PUSH = "push", _("Push notice")


class Purpose(models.TextChoices):
    """What a message is for; service messages cannot be unsubscribed, the others can."""

    SERVICE = "service", _("About your request")
    NOTICE = "notice", _("News about your orders")
    SURVEY = "survey", _("Surveys")
    FOLLOW_UP = "follow_up", _("Follow-up visits")
    MARKETING = "marketing", _("News and offers")


class DeliveryState(models.TextChoices):
    """How far a message has come."""

    QUEUED = "queued", _("Waiting to be sent")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent out")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Not delivered")
    EXPIRED = "expired", _("Too late")


DELIVERY_MOVES: dict[str, frozenset[str]] = {
    DeliveryState.QUEUED: frozenset({DeliveryState.SENDING, DeliveryState.FAILED, DeliveryState.EXPIRED}),
    # sending → sending: the worker died in the middle and another one takes over
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.SENDING,
            DeliveryState.QUEUED,
            DeliveryState.SENT,
            DeliveryState.FAILED,
            DeliveryState.EXPIRED,
        }
    ),
    DeliveryState.SENT: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.FAILED: frozenset({DeliveryState.QUEUED}),
    DeliveryState.EXPIRED: frozenset({DeliveryState.QUEUED}),
}


class InboundState(models.TextChoices):
    """What became of a mail that came in."""

    RECEIVED = "received", _("Being taken in")
    APPLIED = "applied", _("In a conversation")
    IGNORED = "ignored", _("Not for us")
    QUARANTINED = "quarantined", _("Needs a look")


INBOUND_MOVES: dict[str, frozenset[str]] = {
    InboundState.RECEIVED: frozenset({InboundState.APPLIED, InboundState.IGNORED, InboundState.QUARANTINED}),
    InboundState.APPLIED: frozenset(),
    InboundState.IGNORED: frozenset({InboundState.RECEIVED}),
    InboundState.QUARANTINED: frozenset({InboundState.RECEIVED, InboundState.IGNORED}),
}


class MailKind(models.TextChoices):
    """What an incoming mail is."""

    MESSAGE = "message", _("Message")
    AUTO = "auto", _("Automatic reply")
    BOUNCE = "bounce", _("Delivery report")
    LIST = "list", _("Mailing list")
    LOOP = "loop", _("Our own mail")
    ODD = "odd", _("Unreadable")


class SuppressionReason(models.TextChoices):
    """Why an address gets no more mail."""

    BOUNCE = "bounce", _("The address does not exist")
    COMPLAINT = "complaint", _("Marked as spam")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribed")


class SmtpSecurity(models.TextChoices):
    """How the connection to a mail server is protected."""

    NONE = "none", _("None")
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


class AfterTaking(models.TextChoices):
    """What happens at the provider to a mail we fetched."""

    SEEN = "seen", _("Marked as read")
    MOVE = "move", _("Moved to a folder")
    LEAVE = "leave", _("Left as it is")


class PullState(models.TextChoices):
    """What became of one mail in a provider's folder."""

    FETCHING = "fetching", _("Being fetched")
    KEPT = "kept", _("Taken in")
    DOUBLED = "doubled", _("Was here already")
    TOO_LARGE = "too_large", _("Too large")
    GIVEN_UP = "given_up", _("Could not be fetched")


class NoticeState(models.TextChoices):
    """How far a notice has come over all its channels."""

    OPEN = "open", pgettext_lazy("notice", "On its way")
    SENT = "sent", _("Sent out")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Not delivered")
    EXPIRED = "expired", _("Too late")
    DROPPED = "dropped", _("Not sent")


NOTICE_MOVES: dict[str, frozenset[str]] = {
    NoticeState.OPEN: frozenset(
        {
            NoticeState.SENT,
            NoticeState.DELIVERED,
            NoticeState.FAILED,
            NoticeState.EXPIRED,
            NoticeState.DROPPED,
        }
    ),
    # sent → open: the receipt says that it never arrived, and another channel is tried
    NoticeState.SENT: frozenset({NoticeState.DELIVERED, NoticeState.FAILED, NoticeState.OPEN}),
    NoticeState.DELIVERED: frozenset(),
    # somebody sent its last message once more by hand
    NoticeState.FAILED: frozenset({NoticeState.OPEN, NoticeState.SENT, NoticeState.DELIVERED}),
    NoticeState.EXPIRED: frozenset({NoticeState.OPEN, NoticeState.SENT, NoticeState.DELIVERED}),
    NoticeState.DROPPED: frozenset(),
}


class ReceiptState(models.TextChoices):
    """What became of a provider's receipt."""

    WAITING = "waiting", _("Fits no message yet")
    APPLIED = "applied", _("Applied")
    UNKNOWN = "unknown", _("Fits no message of ours")
