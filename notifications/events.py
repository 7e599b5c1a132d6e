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


@dataclass(frozen=True)
class NoticeMoved:
    """A notice came to nothing on any channel; `channel` is the last one tried, `reason` a code."""

    template: Code
    channel: Code = Code("")
    reason: Code = Code("")


@dataclass(frozen=True)
class AccountSaved:
    """An account at a provider, or the company's word on notices, was changed; which fields (codes)."""

    channel: Code
    fields: tuple[Code, ...] = ()


@dataclass(frozen=True)
class AccountTested:
    """The outcome of a test send."""

    channel: Code
    code: Code
    is_good: bool


@dataclass(frozen=True)
class ProviderTemplateSaved:
    """Which of the provider's templates stands for ours."""

    channel: Code
    template: Code
    language: Code


@dataclass(frozen=True)
class TextCame:
    """A customer answered by text message; `delivery_id` is the last message we had sent to that phone."""

    is_stop: bool
    delivery_id: int | None = None


@dataclass(frozen=True)
class PushChosen:
    """A browser asked for notices, or wants none any more; the host of its push service."""

    service: Code = Code("")


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
for _kind in ("notice.failed", "notice.expired", "notice.dropped"):
    declare(_kind, NoticeMoved)
declare("notice_policy.changed", AccountSaved)
declare("channel_account.saved", AccountSaved)
declare("channel_account.tested", AccountTested)
declare("provider_template.saved", ProviderTemplateSaved)
declare("text.received", TextCame)
declare("push.subscribed", PushChosen)
declare("push.ended", PushChosen)
