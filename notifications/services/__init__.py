"""Every write of the notifications app."""

from notifications.selectors.mailboxes import find_mailbox_for_shop
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
from notifications.services.polling import fetch_again
from notifications.services.receiving import try_receiving
from notifications.services.suppressions import lift_suppression, suppress_address, undo_unsubscribe, unsubscribe
from notifications.services.templates import reset_template, save_template

__all__ = [
    "apply_bounce",
    "create_mailbox",
    "edit_mailbox",
    "fetch_again",
    "find_mailbox_for_shop",
    "ignore_mail",
    "lift_suppression",
    "mark_mail_applied",
    "quarantine_mail",
    "queue_message",
    "receive_mail",
    "release_mail",
    "reset_template",
    "retry_delivery",
    "save_template",
    "suppress_address",
    "test_mailbox",
    "try_receiving",
    "undo_unsubscribe",
    "unsubscribe",
]
