"""Every write of the notifications app."""

from notifications.selectors.mailboxes import find_mailbox_for_shop
from notifications.services.accounts import (
    save_account,
    save_notice_policy,
    save_provider_template,
)
from notifications.services.browsers import end_gone_push, end_push_here, hears_push, renew_push, subscribe_push
from notifications.services.deliveries import queue_message, retry_delivery
from notifications.services.inbound import (
    apply_bounce,
    ignore_mail,
    mark_mail_applied,
    quarantine_mail,
    receive_mail,
    release_mail,
)
from notifications.services.mailboxes import create_mailbox, edit_mailbox, test_mailbox
from notifications.services.notices import NoticeDraft, Place, drop_notice, follow_delivery, give_notice
from notifications.services.polling import fetch_again
from notifications.services.receipts import mark_text_applied, match_waiting_receipts, take_receipts, take_text
from notifications.services.receiving import try_receiving
from notifications.services.suppressions import lift_suppression, suppress_address, undo_unsubscribe, unsubscribe
from notifications.services.templates import reset_template, save_template

__all__ = [
    "NoticeDraft",
    "Place",
    "apply_bounce",
    "create_mailbox",
    "drop_notice",
    "edit_mailbox",
    "end_gone_push",
    "end_push_here",
    "fetch_again",
    "find_mailbox_for_shop",
    "follow_delivery",
    "give_notice",
    "hears_push",
    "ignore_mail",
    "lift_suppression",
    "mark_mail_applied",
    "mark_text_applied",
    "match_waiting_receipts",
    "quarantine_mail",
    "queue_message",
    "receive_mail",
    "release_mail",
    "renew_push",
    "reset_template",
    "retry_delivery",
    "save_account",
    "save_notice_policy",
    "save_provider_template",
    "save_template",
    "subscribe_push",
    "suppress_address",
    "take_receipts",
    "take_text",
    "test_mailbox",
    "try_receiving",
    "undo_unsubscribe",
    "unsubscribe",
]
