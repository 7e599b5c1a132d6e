"""Events of the notifications app: ids and codes, never an address or a word of a message."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class DeliveryMoved:
    """A message was sent, arrived or failed; `cause` is the mail server's answer or our reason, as a code."""

    channel: Code
    template: Code
    purpose: Code
    attempts: int
    cause: Code = Code("")
    mailbox_id: int | None = None


@dataclass(frozen=True)
class MailCame:
    """A mail came in; `reply_ticket_id` is proved by its signed reply address."""

    mail: Code
    size: int
    mailbox_id: int | None = None
    reply_ticket_id: int | None = None


@dataclass(frozen=True)
class MailSettled:
    """A mail was applied, ignored or put aside; `why` is a code."""

    why: Code = Code("")
    delivery_id: int | None = None


@dataclass(frozen=True)
class MailboxSaved:
    """Which settings of a mailbox changed."""

    fields: tuple[Code, ...] = ()


@dataclass(frozen=True)
class MailboxTested:
    """The outcome of a test send."""

    code: Code
    is_good: bool


@dataclass(frozen=True)
class TemplateSaved:
    """A template's own wording was saved or taken back."""

    template: Code
    channel: Code
    language: Code


@dataclass(frozen=True)
class SuppressionMade:
    """An address gets no more messages of a purpose (empty: of any)."""

    channel: Code
    purpose: Code
    reason: Code


for _kind in ("delivery.sent", "delivery.delivered", "delivery.failed", "delivery.expired", "delivery.retried"):
    declare(_kind, DeliveryMoved)
declare("mail.received", MailCame)
declare("mail.bounced", MailCame)
declare("mail.ignored", MailSettled)
declare("mail.quarantined", MailSettled)
declare("mail.applied", MailSettled)
declare("mailbox.added", MailboxSaved)
declare("mailbox.changed", MailboxSaved)
declare("mailbox.tested", MailboxTested)
declare("message_template.changed", TemplateSaved)
declare("message_template.reset", TemplateSaved)
declare("suppression.made", SuppressionMade)
declare("suppression.lifted", SuppressionMade)
